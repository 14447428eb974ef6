"""Find the class of each record among the classes of the application."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Bools, Ints
from goalkeeper.core.errors import DescriptionError
from goalkeeper.describe.document import Document, as_text, plain_value
from goalkeeper.describe.form import ApplicationForm
from goalkeeper.describe.problems import nearest, problem
from goalkeeper.describe.raw import Raw

if TYPE_CHECKING:
    import pandas as pd

MANY = 20  # different numbers from which on they are measured and not classes
SEVERAL = re.compile(r"\s*[;,|/+&]\s*|\s+")  # what stands between labels that are written together


@dataclass(frozen=True, eq=False)
class Classifier:
    """Matches the labels of records with the classes of a description."""

    document: Document
    form: ApplicationForm
    raw: Raw

    def classes(self, column: str) -> Ints:
        """Find each label among the classes, however the file writes it: 1, 1.0 and "1" agree."""
        classes = self.form.classes
        words, codes = coded_words(self.raw.frame[column])
        place = {name: i for i, name in enumerate(classes)}
        matches = [next((v for v in spellings(word) if v in place), None) for word in words]
        if None in matches:
            i = matches.index(None)
            row = int(np.flatnonzero(codes == i)[0])
            raise self._unknown(column, words, i, row)
        found = np.array([place[str(match)] for match in matches], dtype=np.int64)
        absent = [name for i, name in enumerate(classes) if i not in set(found.tolist())]
        if absent:
            raise self._problem(
                f"no record is of class {absent[0]}",
                expected="records of every class",
                given=", ".join(sorted(words)),
                advice="give data of every class, or leave the class out",
            )
        return found[codes]

    def _problem(self, what: str, **details: Any) -> DescriptionError:
        return problem(self.document, ("classes",), what, **details)

    def _unknown(self, column: str, words: Sequence[str], i: int, row: int) -> DescriptionError:
        """Say what is wrong with a label that is none of the classes."""
        classes, word, name = self.form.classes, words[i], self.raw.record(row)
        if not word.strip():
            return self._problem(
                f"{name} has no label: column {column} is empty there",
                expected="one of " + ", ".join(classes),
                given="a missing value",
                advice="take the records without a label out",
            )
        if measured(words):
            return self._problem(
                f"column {column} holds {len(words)} different numbers, so that the model predicts "
                "a number (regression), which goalkeeper does not assess yet",
                expected="a column of classes: " + ", ".join(classes),
                given=", ".join(words[:3]) + ", ...",
                advice="name the column of the classes as `label`; or, if the application decides "
                "by a threshold, give the decision as the label, and a model that makes it",
            )
        parts = [part for part in SEVERAL.split(word) if part]
        if len(parts) > 1 and sum(part in classes for part in parts) > 1:
            return self._problem(
                f"{name} has several labels (multi-label), {word!r} in column {column}, which "
                "goalkeeper does not assess yet",
                expected="one of " + ", ".join(classes),
                given=repr(word),
                advice="give each record one class; or describe an application for each label, "
                "with a column of yes and no",
            )
        return self._problem(
            f"{name} has the label {word!r} in column {column}, which is not one of the classes",
            expected="one of " + ", ".join(classes),
            given=repr(word),
            advice=nearest(word, classes) or _renamed(words, classes),
        )


def _renamed(words: Sequence[str], classes: Sequence[str]) -> str:
    """Say what to do where the data have other names, or more of them, than the description."""
    found = sorted({word.strip() for word in words})
    if len(found) == len(classes) and not set(found) & set(classes):
        return (
            f"the data call the classes {', '.join(found)}: write these in `classes`, in the order "
            "of the model"
        )
    return "add it to `classes`, or take these records out"


def measured(words: Sequence[str]) -> bool:
    """Tell whether labels are numbers that somebody measured: many of them, or fractions."""
    try:
        numbers = [float(word) for word in words if word.strip()]
    except ValueError:
        return False
    fractions = any(number != round(number) for number in numbers if np.isfinite(number))
    return len(numbers) > MANY or (fractions and len(numbers) > 2)


def spellings(value: str) -> Iterable[str]:
    """List the ways in which a class can be written in `classes`, the exact one first."""
    yield value
    bare = value.strip()
    yield bare
    for form in ("NFC", "NFD"):  # ö as one sign, or as an o with two dots
        yield unicodedata.normalize(form, bare)  # type: ignore[arg-type]
    yield str(as_text(plain_value(bare)))  # as YAML reads it: 1e3 is 1000, ~ is null, true is True
    yield bare.capitalize()  # true, as Python writes it
    yield {"True": "1", "False": "0"}.get(bare, bare)
    try:
        yield str(as_text(float(bare)))
    except (ValueError, OverflowError):
        return


# ---- words --------------------------------------------------------------------------------------


def coded_words(series: pd.Series[Any]) -> tuple[list[str], Ints]:
    """Write the values of a column as words, each different word once, and where each stands.

    A missing value is the empty word.
    """
    import pandas as pd

    codes, values = pd.factorize(series, use_na_sentinel=True)
    items = values.tolist() if hasattr(values, "tolist") else list(values)
    written = [_word(value) for value in items]
    gap: Bools = codes < 0
    if gap.any():
        written.append("")
        codes = np.where(gap, len(written) - 1, codes)
    place = {word: i for i, word in enumerate(dict.fromkeys(written))}
    return list(place), np.array([place[word] for word in written], dtype=np.int64)[codes]


def words_of(series: pd.Series[Any]) -> NDArray[Any]:
    """Write the values of a column as words `(n,)`; a missing one is an empty word."""
    words, codes = coded_words(series)
    return np.array([*words, None], dtype=object)[codes]


def _word(value: Any) -> str:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return str(as_text(value if isinstance(value, str | bool | int | float) else str(value)))
