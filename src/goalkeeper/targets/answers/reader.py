"""Read what a model returns as labels, probabilities and logits, always in the same way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.application import Answers
from goalkeeper.core.data import Bools, Floats, Ints
from goalkeeper.core.errors import TargetError
from goalkeeper.core.power import View
from goalkeeper.targets.answers import numbers
from goalkeeper.targets.answers.classes import ClassIndex
from goalkeeper.targets.answers.columns import of_one_class, order_of
from goalkeeper.targets.answers.kinds import HALF, KINDS, SLACK, kind_of_columns, kind_of_one
from goalkeeper.targets.answers.labels import LabelReader, blanks, declined
from goalkeeper.targets.answers.unwrap import Returned, unwrap

BROKEN = 0.05  # of their sum: by this much, probabilities are no longer off by rounding
SUMMED = 1e-6  # probabilities whose sum is off by less are left as the model gave them


@dataclass(frozen=True, slots=True)
class Declared:
    """What is known of a model's answers before they are looked at.

    Parameters
    ----------
    kind
        One of `KINDS` (`model.answers`); empty: it is found by inspection.
    refusal
        The class that a declined answer counts as (`model.refusal`); empty: it is an error.
    what
        Whose answers they are, for errors, e.g. `the function predict`.
    """

    kind: str = ""
    refusal: str = ""
    what: str = "the model"


@dataclass(frozen=True, eq=False, slots=True)
class AnswerReader:
    """Reads the answers of one model; made by `decide`, and fixed from then on.

    Parameters
    ----------
    labels
        Reads labels, and knows the classes.
    kind
        One of `KINDS`.
    form
        `label` (one an input), `best` (the likeliest class and its score), `lone` (one number an
        input, towards class 1 of two), `columns` (one a class) or `one-hot`.
    total
        What probabilities sum to: 1, 100 for percent, or a number of votes.
    even
        Whether those of every input of the sample did.
    """

    labels: LabelReader
    kind: str
    form: str
    total: float = 1.0
    even: bool = False

    @classmethod
    def decide(
        cls,
        raw: Any,
        n: int,
        classes: Sequence[str | int],
        declared: Declared = Declared(),
    ) -> AnswerReader:
        """Settle what a model's answers are, by those to a sample of `n` inputs.

        The sample should be of hundreds of inputs, of training and of unseen data: four answers
        of 0.0 and 1.0 may be labels, probabilities or logits.

        Parameters
        ----------
        raw
            What the model returned.
        n
            How many inputs it was given.
        classes
            The application's classes, in the order of the columns of scores without names.
        declared
            What the user says of them, and what errors call the model.

        Raises
        ------
        TargetError
            They are no answers, or may be read in two ways that give different classes.
        """
        index, what = ClassIndex(classes), declared.what
        reader = LabelReader(index, what, _refusal(declared.refusal, index))
        returned = of_one_class(unwrap(raw, n, what), index, what)
        said = declared.kind or returned.said
        if said and said not in KINDS:
            raise TargetError(f"{said} is no kind of answers; name one of {', '.join(KINDS)}")
        if returned.confidence is not None:
            sure = returned.confidence
            # Always the same class, with its score: less than half of it means the other one.
            least = 0.0 if len(set(returned.values.tolist())) == 1 else HALF
            inside = bool(((sure >= least - SLACK) & (sure <= 1 + SLACK)).all())
            if said != "labels" and len(index) == 2 and inside:
                return cls(reader, "probabilities", "best")
            return cls(reader, "labels", "label")
        if returned.values.ndim == 1:
            return _decide_one(returned.values, reader, said)
        return _decide_columns(returned, reader, said)

    @property
    def offers(self) -> View:
        """The richest view of these answers: labels, scores or logits."""
        if self.kind == "labels":
            return View.LABELS
        return View.SCORES if self.kind == "probabilities" else View.LOGITS

    @property
    def sentence(self) -> str:
        """What was found, in one sentence for people."""
        forms = {
            "label": f"one an input ({self.labels.words})",
            "best": "the likeliest class of each input and its score",
            "lone": f"one number an input, towards {self.labels.index.names[-1]}",
            "columns": "one column a class",
            "one-hot": "one column a class, of which one is 1",
        }
        scale = "" if self.total == 1 else f" that sum to {self.total:.6g}"
        return f"{self.labels.what} answers with {self.kind}{scale}, {forms[self.form]}"

    def read(self, raw: Any, n: int) -> Answers:
        """Read the answers to `n` inputs, as far as `offers` says.

        Raises
        ------
        TargetError
            They are of another kind than in the sample, not finite, or missing.
        """
        what = self.labels.what
        returned = of_one_class(unwrap(raw, n, what), self.labels.index, what)
        if self.form == "best":
            values = self._best(returned)
        elif self.form == "label":
            if returned.values.ndim != 1:
                raise self._other_form(returned.values)
            return Answers(self.labels.read(returned.values))
        else:
            values = self._columns(returned)
        if self.form == "one-hot":
            return Answers(_hot(values, self.labels.what))
        return self._scored(values, returned.values)

    # ---- scores ---------------------------------------------------------------------------------

    def _best(self, returned: Returned) -> Floats:
        """Probabilities of two classes, of which the likelier one came with its own."""
        sure = returned.confidence
        if sure is None:
            raise self._other_form(returned.values)
        labels = self.labels.read(returned.values)
        sure = np.where(blanks(returned.values), 1.0, sure)
        second = np.where(labels == 1, sure, 1 - sure)
        return np.stack([1 - second, second], axis=1)

    def _columns(self, returned: Returned) -> Floats:
        """Finite numbers `(n,)` or `(n, classes)` in the application's order; missing are NaN."""
        values, width = returned.values, len(self.labels.index)
        if (values.ndim == 1) != (self.form == "lone"):
            raise self._other_form(values)
        if values.ndim == 2:
            values = values[:, order_of(returned, self.labels.index, self.labels.what)]
            if values.shape[1] != width:
                raise self._other_form(values)
        found = _numbers(values, self.labels.what)
        return found[:, None] if values.ndim == 1 else found

    def _scored(self, values: Floats, given: NDArray[Any]) -> Answers:
        missing = _missing_rows(values)
        if missing.any() and self.labels.refusal is None:
            names = self.labels.index.names
            raise declined(self.labels.what, int(missing.sum()), len(values), names)
        _check_finite(values[~missing], self.kind, self.labels.what)
        scores = np.zeros((len(values), len(self.labels.index)))
        logits = np.full_like(scores, np.log(numbers.TINY))
        if missing.any():  # a declined answer is a certain one
            scores[missing, self.labels.refusal], logits[missing, self.labels.refusal] = 1.0, 0.0
        present = values[~missing]
        scores[~missing], logits[~missing] = self._converted(present)
        order = logits if self.form != "columns" else np.where(missing[:, None], scores, values)
        labels = order.argmax(axis=1).astype(np.int64)
        return Answers(labels, scores, logits if self.offers >= View.LOGITS else None)

    def _converted(self, values: Floats) -> tuple[Floats, Floats]:
        """Probabilities and logits `(n, classes)` of finite numbers of this kind."""
        if self.kind == "log-probabilities":
            values = np.maximum(values, np.log(numbers.TINY))
            if self.form == "lone":
                second = np.minimum(values[:, 0], 0.0)
                values = np.stack([numbers.log_of(-np.expm1(second)), second], axis=1)
            return numbers.softmax(values), values
        if self.kind in ("logits", "margins"):
            logits = numbers.two_logits(values[:, 0]) if self.form == "lone" else values
            return numbers.softmax(logits), logits
        if self.even:
            self._check_sums(values)
        scores = np.clip(values / self.total, 0.0, None)
        if self.form == "lone":
            second = np.minimum(scores[:, 0], 1.0)
            scores = np.stack([1 - second, second], axis=1)
        elif bool((np.abs(scores.sum(axis=1) - 1) > SUMMED).any()):
            scores = numbers.normalised(scores)
        return scores, numbers.log_of(scores)

    def _check_sums(self, values: Floats) -> None:
        """Refuse probabilities `(n, classes)` that are none, where those of the sample were."""
        off = np.abs(values.sum(axis=1) - self.total) > BROKEN * self.total
        off |= (values < -BROKEN * self.total).any(axis=1)
        if off.any():
            row = int(off.argmax())
            raise TargetError(
                f"{self.labels.what} returned {values[row].tolist()} for input {row}, which are no "
                f"probabilities that sum to {self.total:.6g}, as those of the sample were"
            )

    def _other_form(self, values: NDArray[Any]) -> TargetError:
        width = len(self.labels.index)
        wanted = "labels (n,)" if self.form == "label" else f"one column a class (n, {width})"
        wanted = "one number an input (n,)" if self.form == "lone" else wanted
        return TargetError(
            f"{self.labels.what} returned an array of shape {values.shape} for {len(values)} "
            f"inputs, but {wanted} in the sample it was tried with; return the same form always"
        )


def _refusal(name: str, index: ClassIndex) -> int | None:
    if not name:
        return None
    found = index.find(name)
    if found is None:
        raise TargetError(
            f"model.refusal names {name}, which is none of the classes {', '.join(index.names)}"
        )
    return found


def _decide_one(values: NDArray[Any], reader: LabelReader, said: str) -> AnswerReader:
    """Settle what one value an input is."""
    present = values[~blanks(values)]
    if len(present) == 0:
        raise declined(reader.what, len(values), len(values), reader.index.names)
    if said in ("", "labels"):
        if present.dtype == object and all(_is_number(value) for value in present):
            present = np.asarray(present.tolist())
        found = LabelReader.decide(present, reader)
        if found is None and said:
            found = reader
        if found is not None:
            found.read(present)  # raises for a word that is no class
            return AnswerReader(found, "labels", "label")
    kind = kind_of_one(_numbers(present, reader.what), reader.what, reader.index.names, said)
    return AnswerReader(reader, kind.kind, "lone", kind.total)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number | bool | np.bool_)


def _decide_columns(returned: Returned, reader: LabelReader, said: str) -> AnswerReader:
    """Settle what columns are."""
    values = returned.values[:, order_of(returned, reader.index, reader.what)]
    width = len(reader.index)
    if values.shape[1] != width:
        raise TargetError(
            f"{reader.what} returned an array of shape {returned.values.shape}, but the "
            f"application lists {width} classes; return one column for each of "
            f"{', '.join(reader.index.names)}, ({len(values)}, {width})"
        )
    found = _numbers(values, reader.what)
    found = found[~_missing_rows(found)]
    if len(found) == 0:
        raise declined(reader.what, len(values), len(values), reader.index.names)
    whole = values.dtype.kind in "iub" and bool(((found == 0) | (found == 1)).all())
    if said in ("", "labels") and (whole or said):
        _hot(found, reader.what)
        return AnswerReader(reader, "labels", "one-hot")
    _check_finite(found, said or "log-probabilities", reader.what)
    kind = kind_of_columns(np.maximum(found, np.log(numbers.TINY)), reader.what, said)
    _check_finite(found, kind.kind, reader.what)
    return AnswerReader(reader, kind.kind, "columns", kind.total, kind.even)


def _numbers(values: NDArray[Any], what: str) -> Floats:
    try:
        if values.dtype == object:
            empty = [[None if v is None else v for v in np.atleast_1d(row)] for row in values]
            values = np.array(empty, dtype=np.float64).reshape(values.shape)
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TargetError(
            f"{what} returned {values.dtype} where numbers are needed, e.g. "
            f"{values.reshape(-1)[0]!r:.60}; return labels (n,) or scores (n, classes)"
        ) from error


def _missing_rows(values: Floats) -> Bools:
    return np.asarray(np.isnan(values).all(axis=1), dtype=bool)


def finite_numbers(values: NDArray[Any], what: str) -> Floats:
    """Return `values (n, columns)` as numbers; raises TargetError for NaN and infinite ones."""
    found = _numbers(values, what)
    _check_finite(found, "", what)
    return found


def _check_finite(values: Floats, kind: str, what: str) -> None:
    """Refuse NaN and infinite numbers, but for the logarithm of a probability of 0."""
    fine = np.isfinite(values)
    if kind == "log-probabilities":
        some = np.isfinite(values).any(axis=1, keepdims=True)
        fine |= np.isneginf(values) & some
    bad = ~fine.all(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        raise TargetError(
            f"{what} returned NaN or infinite numbers for {int(bad.sum())} of "
            f"{len(values)} inputs (first: input {row} gave {values[row].tolist()})",
            "check for overflow and for missing values",
        )


def _hot(values: Floats, what: str) -> Ints:
    bad = ~(((values == 0) | (values == 1)).all(axis=1) & (values.sum(axis=1) == 1))
    if bad.any():
        row = int(np.argmax(bad))
        raise TargetError(
            f"{what} returned {values[row].tolist()} for input {row} where one of the classes is "
            "1 and the others are 0; return one label for every input, (n,)"
        )
    return np.asarray(values.argmax(axis=1), dtype=np.int64)
