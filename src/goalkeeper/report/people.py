"""People: real names are replaced by numbers, the same ones throughout a report."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

# Names that commands need, and examples, which are withheld as a whole where they are private.
_KEPT = {"id", "unit", "attack", "attacker", "attackers", "before", "after", "file"}


def disguised(assessment: dict[str, Any], person: str) -> tuple[dict[str, Any], int]:
    """Replace the people of a dumped assessment by `person 1`, `person 2`; return their number.

    The order is that of the hashes of the names: stable, and it says nothing about them.
    """
    names = sorted(set(_names(assessment, person)), key=_digest)
    if not names:
        return assessment, 0
    numbers = {name: f"{person} {i}" for i, name in enumerate(names, 1)}
    longest_first = "|".join(re.escape(n) for n in sorted(names, key=len, reverse=True))
    pattern = re.compile(rf"(?<!\w){re.escape(person)}:? ({longest_first})(?!\w)")
    changed: dict[str, Any] = _replaced(assessment, numbers, pattern)
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
        for joint in (f"{person}: ", f"{person} "):
            if group.startswith(joint):
                yield group.removeprefix(joint)
                break


def _replaced(value: Any, numbers: Mapping[str, str], pattern: re.Pattern[str]) -> Any:
    if isinstance(value, dict):
        return {k: v if k in _KEPT else _replaced(v, numbers, pattern) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(v, numbers, pattern) for v in value]
    if type(value) is not str:
        return value
    return pattern.sub(lambda found: numbers[found[1]], value)
