"""What the words of a column look like, where they may have been meant as something else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.data import Bools, Floats

MOST = 0.95  # share of the different words that must look alike
SHOWN = 3
AMOUNTS = 10  # different amounts with a unit that are more than a few kinds
TRIED = 1000  # words that are looked at
THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(([,' \u00a0\u202f]\d{3})*)(\.\d+)?|0(\.\d+)?")
COMMA = re.compile(r"[-+]?(\d+|\d{1,3}([. '\u00a0\u202f]\d{3})+)(,\d+)?")
_MONTH = r"[^\W\d_]{3,9}\.?"  # in words, of any language
DATE = re.compile(
    r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}"
    r"|\d{1,2}[-/]\d{1,2}[-/]\d{2}|\d{2}\.\d{2}\.\d{2}"  # and no version such as 1.2.10
    rf"|\d{{1,2}}\.?[- ]{_MONTH}[- ](\d{{4}}|\d{{2}})|{_MONTH} \d{{1,2}},? \d{{4}})([T ]\d.*)?"
)
TIME = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?(\s?[AaPp]\.?[Mm]\.?)?")
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_SIGN, _DIGITS = r"([^\w\s.,+-]{1,4}|[A-Z]{3}(?=\s))", r"\d+([.,' \u00a0\u202f]\d{3})*([.,]\d+)?"
UNIT = re.compile(rf"[-+]?{_SIGN}?\s?[-+]?{_DIGITS}\s?[^\d\s.,]{{0,4}}")
SENTENCE = re.compile(r"(?s)\s*\S+(\s+\S+){3,}\s*")
NINES = re.compile(r"-?99+")
FEW = 3  # different words among numbers that may stand for a missing value
NUMBERS = 5  # how many different numbers there are for each of them


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
UNKNOWN = Look(
    "holds numbers, and {odd} in place of some, so that pandas reads all of them as words",
    "if no value is known there, say so: `columns: {{{name}: {{missing_words: [{odd}]}}}}`; if the "
    "model does see these words, `columns: {{{name}: {{type: category}}}}`",
)
TIMES = Look(
    "holds times of day written as words",
    "write them as numbers, such as the hour, or leave the column out: `drop: [{name}]`; if the "
    "model does see these words, describe it: `columns: {{{name}: {{type: category}}}}`",
)
DATES = Look(
    "holds dates written as words",
    "if the model gets them as dates, say so: `columns: {{{name}: {{type: date}}}}`; if it gets "
    "the words, `columns: {{{name}: {{type: category}}}}`; else leave it out: `drop: [{name}]`",
)


TEXTS = Look(
    "holds texts",
    "if the model takes texts, name the column: `text: {name}` under data; if it takes them beside "
    "other columns, describe it: `columns: {{{name}: {{type: category}}}}`; else leave it out: "
    "`drop: [{name}]`",
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
    odd = odd_words([word.strip() or word for word in words[:TRIED]])  # a blank is an odd word
    marks = [found[1][0] for word in some if (found := THOUSANDS.fullmatch(word)) and found[1]]
    looks = (
        (THOUSANDS, POINTS, bool(marks)),
        (COMMA, COMMAS, any("," in word for word in some)),
        (DATE, DATES, True),
        (TIME, TIMES, many),
        (NUMBER, UNKNOWN, bool(odd)),
        (UNIT, UNITS, many),
        (SENTENCE, TEXTS, many),
    )
    for pattern, look, possible in looks:
        if possible and (look is UNKNOWN or _all_alike(pattern, some)):
            helps = written or look not in (POINTS, COMMAS, UNKNOWN)
            advice = look.advice if helps else UNITS.advice
            names = {"name": name, "mark": marks[0] if marks else "", "odd": odd}
            return look.what.format(**names), advice.format(**names)
    return None


def are_amounts(words: Sequence[str]) -> bool:
    """Tell whether different words are numbers with a unit, of which there are several."""
    some = [word.strip() for word in words[:TRIED]]
    return len(some) >= AMOUNTS and _all_alike(UNIT, some) and not _all_alike(NUMBER, some)


def _all_alike(pattern: re.Pattern[str], words: Sequence[str]) -> bool:
    return sum(bool(pattern.fullmatch(word)) for word in words) >= MOST * len(words)


def odd_words(words: Sequence[str]) -> str:
    """List the few words among numbers; empty where there are none, or too many."""
    odd = [word for word in words if not NUMBER.fullmatch(word)]
    few = 0 < len(odd) <= FEW and len(words) - len(odd) >= NUMBERS * len(odd)
    plain = not any(any(char.isdigit() for char in word) for word in odd)
    return ", ".join(repr(word) for word in odd) if few and plain else ""


def sentinel(values: Floats) -> tuple[str, int]:
    """Find a number such as -999 that may stand for a missing value, and how often it stands there.

    It is the least or largest one, is written in nines, occurs repeatedly, and lies farther from
    the others than these lie apart. Returns an empty text where there is none.
    """
    kinds, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    if len(kinds) < SHOWN:
        return "", 0
    for place, near, far in ((0, 1, -1), (-1, -2, 0)):
        word, count = f"{kinds[place]:g}", int(counts[place])
        alone = abs(kinds[place] - kinds[near]) > abs(kinds[near] - kinds[far])
        if NINES.fullmatch(word) and alone and count >= SHOWN:
            return word, count
    return "", 0


def numbering(values: Floats, gap: Bools) -> str:
    """Say how whole numbers `(n,)` number the records; empty where they do not."""
    if gap.any() or len(values) < SHOWN or len(np.unique(values)) < len(values):
        return ""
    low, high = values.min(), values.max()
    if high - low + 1 == len(values):
        return f"counts the records from {low:.0f} to {high:.0f}"
    return "has another whole number in every record"
