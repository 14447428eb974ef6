"""What the words of a column look like, where they may have been meant as something else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.data import Bools, Floats

MOST = 0.95  # share of the different words that must look alike
SHOWN = 3
TRIED = 1000  # words that are looked at
THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(([,' \u00a0\u202f]\d{3})*)(\.\d+)?|0(\.\d+)?")
COMMA = re.compile(r"[-+]?(\d+|\d{1,3}([. '\u00a0\u202f]\d{3})+)(,\d+)?")
DATE = re.compile(r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})([T ]\d.*)?")
UNIT = re.compile(r"[^\w\s.,+-]{0,4}\s?[-+]?\d+([.,]\d+)?\s?[^\d\s.,]{0,4}")


@dataclass(frozen=True)
class Look:
    """What words look like, and what to do about it; `{name}` stands for the column."""

    what: str
    advice: str


COMMAS = Look(
    "holds numbers with a decimal comma, which are words to pandas",
    'say so: `decimal: ","` under data; or, if they are words, '
    "`columns: {{{name}: {{type: category}}}}`",
)
POINTS = Look(
    "holds numbers with a separator of thousands, which are words to pandas",
    "say so: `thousands: {mark!r}` under data; or, if they are words, "
    "`columns: {{{name}: {{type: category}}}}`",
)
UNITS = Look(
    "holds numbers with a unit or sign, which are words to pandas",
    "write plain numbers, or leave the column out: `drop: [{name}]`; if the model does see these "
    "words, describe it: `columns: {{{name}: {{type: category}}}}`",
)
DATES = Look(
    "holds dates written as words",
    "if the model gets them as dates, say so: `columns: {{{name}: {{type: date}}}}`; if it gets "
    "the words, `columns: {{{name}: {{type: category}}}}`; else leave it out: `drop: [{name}]`",
)


def look_of(
    words: Sequence[str], name: str, *, many: bool, written: bool
) -> tuple[str, str] | None:
    """Tell what different words of a column look like, and what to do; None for plain words.

    Numbers with a unit count only where there are `many` of them: 32 GB and 64 GB are kinds.
    Where numbers are not `written` as words, as in CSV, keys of `read_csv` do not help.
    """
    some = [word.strip() for word in words[:TRIED] if word.strip()]
    if len(some) < SHOWN:
        return None
    marks = [found[1][0] for word in some if (found := THOUSANDS.fullmatch(word)) and found[1]]
    looks = (
        (THOUSANDS, POINTS, bool(marks)),
        (COMMA, COMMAS, any("," in word for word in some)),
        (DATE, DATES, True),
        (UNIT, UNITS, many),
    )
    for pattern, look, possible in looks:
        if possible and sum(bool(pattern.fullmatch(word)) for word in some) >= MOST * len(some):
            helps = written or look not in (POINTS, COMMAS)
            advice = look.advice if helps else UNITS.advice
            return look.what, advice.format(name=name, mark=marks[0] if marks else "")
    return None


def numbering(values: Floats, gap: Bools) -> str:
    """Say how whole numbers `(n,)` number the records; empty where they do not."""
    if gap.any() or len(values) < SHOWN or len(np.unique(values)) < len(values):
        return ""
    low, high = values.min(), values.max()
    if high - low + 1 == len(values):
        return f"counts the records from {low:.0f} to {high:.0f}"
    return "has another whole number in every record"
