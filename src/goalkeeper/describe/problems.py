"""Problems of an application file, reported with line, key and nearest key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

import yaml

from goalkeeper.core.errors import DescriptionError
from goalkeeper.describe.document import Document, Key

# What only files have: sections of the file, and where a function is named.
_SECTION = re.compile(
    r" under (?:data|model)\b| \(model\.function\)|\bdata\.(?=\w)"
    r"|\bmodel\.(?=training|answers|refusal|expects|weights|trust|sha256|build)"
)
FEW = 60  # Characters of a value that are shown.


class DescriptionErrors(DescriptionError):
    """Several problems of one application file; the attributes are those of the first.

    Parameters
    ----------
    problems
        All of them, in the order of their lines.
    """

    def __init__(self, problems: Sequence[DescriptionError]) -> None:
        first = problems[0]
        super().__init__(
            first.problem,
            where=first.where,
            key=first.key,
            expected=first.expected,
            given=first.given,
            advice=first.advice,
        )
        self.problems = tuple(problems)
        self.args = ("\n".join(str(problem) for problem in problems),)


def combine(problems: Sequence[DescriptionError]) -> DescriptionError:
    """Return one error that lists all problems."""
    return problems[0] if len(problems) == 1 else DescriptionErrors(problems)


def problem(
    document: Document,
    key: Key,
    what: str,
    *,
    expected: str = "",
    given: str | None = None,
    advice: str = "",
) -> DescriptionError:
    """Return the error for a key; its value is shown unless `given` replaces it."""
    return DescriptionError(
        what,
        where=document.where(key),
        key=document.name(key),
        expected=expected,
        given=shown(document.at(key)) if given is None else given,
        advice=advice if document.arguments is None else for_python(advice),
    )


def for_python(text: str) -> str:
    """Write entries of an application file as arguments: `drop: [id]` as `drop=['id']`."""

    def argument(found: re.Match[str]) -> str:
        try:
            entry = yaml.safe_load(found[1])
        except yaml.YAMLError:
            return found[0]
        if not isinstance(entry, dict) or len(entry) != 1:
            return found[0]
        name, value = next(iter(entry.items()))
        return f"`{name}={'...' if value in (None, '...') else repr(value)}`"

    return _SECTION.sub("", re.sub(r"`([^`]+)`", argument, text))


def shown(value: Any) -> str:
    """Show a value in a message: short, on one line."""
    if value is None:
        return ""
    if isinstance(value, dict):
        text = "the keys " + ", ".join(str(k) for k in value) if value else "an empty mapping"
    elif isinstance(value, list):
        text = "[" + ", ".join(shown(item) for item in value) + "]"
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= FEW else text[: FEW - 3] + "..."


def nearest(given: str, valid: Iterable[str]) -> str:
    """Ask "did you mean", with up to three candidates; empty when nothing is near."""
    near = get_close_matches(given.lower(), list(valid), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(near)}?" if near else ""


def choice(given: str, valid: Iterable[str]) -> str:
    """Give advice on a name that is not among the valid ones."""
    names = list(valid)
    return nearest(given, names) or "write one of " + ", ".join(names)
