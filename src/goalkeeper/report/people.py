"""Pseudonyms: names of people are replaced by numbers, consistently within a report."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

# Fields that commands need, and examples, which are withheld as a whole where they are private.
_UNCHANGED = {"id", "unit", "attack", "attacker", "attackers", "before", "after", "file"}


def pseudonymise(assessment: dict[str, Any], person: str) -> tuple[dict[str, Any], int]:
    """Replace the people of a dumped assessment by `person 1`, `person 2`; return their number.

    Names are numbered in the order of their hashes: stable, and independent of the names.
    """
    names = sorted(set(_names(assessment, person)), key=_digest)
    if not names:
        return assessment, 0
    numbers = {name: f"{person} {i}" for i, name in enumerate(names, 1)}
    longest_first = "|".join(re.escape(n) for n in sorted(names, key=len, reverse=True))
    pattern = re.compile(rf"(?<!\w){re.escape(person)}:? ({longest_first})(?!\w)")
    changed: dict[str, Any] = _replace_names(assessment, numbers, pattern)
    return changed, len(names)


def count_people(assessment: dict[str, Any], person: str) -> int:
    """Count the people that a dumped assessment names."""
    return len(set(_names(assessment, person)))


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()


def _names(assessment: dict[str, Any], person: str) -> Iterator[str]:
    groups = [b["slice"] for b in assessment["application"]["baseline"]]
    for evidence in assessment["evidence"]:
        groups += [m["group"] for m in evidence["result"]["measurements"]]
    for group in groups:
        for prefix in (f"{person}: ", f"{person} "):
            if group.startswith(prefix):
                yield group.removeprefix(prefix)
                break


def _replace_names(value: Any, numbers: Mapping[str, str], pattern: re.Pattern[str]) -> Any:
    if isinstance(value, dict):
        return {
            k: v if k in _UNCHANGED else _replace_names(v, numbers, pattern)
            for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [_replace_names(v, numbers, pattern) for v in value]
    if type(value) is not str:
        return value
    return pattern.sub(lambda found: numbers[found[1]], value)
