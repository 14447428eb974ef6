"""Measure the model as goalkeeper sees it, and decide whether it can be the user's model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Application, Target
from goalkeeper.core.data import Data, Ints
from goalkeeper.core.errors import DataError, DescriptionError
from goalkeeper.core.fit import AccuracyEstimate, ClassRecall, Fit, FitReport
from goalkeeper.core.power import View
from goalkeeper.fit.causes import Suspicion, describe_order
from goalkeeper.fit.decisions import (
    LIMIT,
    AnsweredRecords,
    far_below,
    has_signal,
    near_chance,
    permuted,
    reordered,
    worse_than_constant,
)
from goalkeeper.fit.examples import choose_examples
from goalkeeper.fit.expectations import compare
from goalkeeper.fit.reference import ReferenceAnswers, ask_reference
from goalkeeper.stats.intervals import clopper_pearson

MOST_ASKED = 10_000  # records of a part: an accuracy is then known to one point
MOST_PAID = 300  # of a service, whose answers cost time and money: known to six points


def measure_fit(app: Application) -> FitReport:
    """Measure how well the model fits the labelled data, and decide.

    A **contradiction** is what no model of this data can be: significantly worse than always
    answering the most frequent class, right in another order of the classes, or not what the user
    expects. **Doubt** is what a useless model and a misread one have in common: it is no better
    than no model, always answers the same, hardly fits its own training data, or is far below a
    simple reference model. Anything else is **fit**, and so is what the user confirms.

    Up to 10,000 records are asked of the training part, and as many unseen ones: all of the
    holdout and calibration part, or as many spread evenly over them.

    Raises
    ------
    DataError
        A part is empty.
    TargetError
        The model raises, or its answers are not answers.
    """
    return _Measured.of(app).report()


def contradiction_of(report: FitReport, *, where: str = "") -> DescriptionError | None:
    """Return the error for a model that contradicts its data; None for any other.

    Parameters
    ----------
    report
        What was measured.
    where
        The application file, for the message.
    """
    if report.fit != "contradiction":
        return None
    causes = [f"{c.cause} (accuracy {_percent(c.accuracy)}): {c.remedy}" for c in report.causes[:2]]
    return DescriptionError(
        f"the model does not fit its data: {'; '.join(report.reasons)}",
        where=where,
        key="model.expects" if report.expects and not report.confirmed else "model",
        expected=report.expects
        or f"more than {_percent(report.majority)} right, as always answering "
        f"{report.majority_class} is",
        given=f"{describe_accuracy(report.holdout)} on unseen records, "
        f"{describe_accuracy(report.train)} on training data",
        advice="; or: ".join(causes)
        or "compare the three examples of `goalkeeper check` with what your own system answers: "
        "are inputs prepared, and answers read, as there?",
    )


def describe_accuracy(accuracy: AccuracyEstimate) -> str:
    """Write an accuracy with its interval and n."""
    low, high = _percent(accuracy.low), _percent(accuracy.high)
    return f"{_percent(accuracy.value)} right ({low} to {high}, n = {accuracy.n:,})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


@dataclass(frozen=True, eq=False)
class _Measured:
    """The answers that a report is made from."""

    app: Application
    seen: Data
    unseen: Data
    train: AnsweredRecords
    holdout: AnsweredRecords
    majority: int
    reference: ReferenceAnswers | None

    @classmethod
    def of(cls, app: Application) -> _Measured:
        """Ask the model and the reference."""
        seen = _spread(app.data.train, app.target)
        unseen = _spread(app.data.holdout.joined(app.data.calibration), app.target)
        if not (len(seen) and len(unseen)):
            raise DataError("the training or the holdout part is empty; give more data")
        k = len(app.classes)
        return cls(
            app=app,
            seen=seen,
            unseen=unseen,
            train=_ask(app.target, seen, k),
            holdout=_ask(app.target, unseen, k),
            majority=int(np.bincount(app.data.train.y, minlength=k).argmax()),
            reference=ask_reference(app, unseen),
        )

    @property
    def _comparable(self) -> bool:
        """Whether both parts have records of several classes: else any answer is the majority's."""
        return min(len(np.unique(part.y)) for part in (self.train, self.holdout)) > 1

    def report(self) -> FitReport:
        """Decide, and put everything together."""
        order = permuted(self.train, self.holdout) if self._comparable else None
        contradictions = self._contradictions(order) if self._comparable else []
        doubts = self._doubts() if self._comparable else []
        found = compare(self.app, self._estimates())
        if found.problem:
            contradictions.append(found.problem)
        # What the user says of accuracy confirms nothing of constant answers: any model that
        # always answers this class has the same accuracy.
        settled = found.confirmed and (found.by_answers or not self.holdout.constant)
        fit: Fit = (
            "contradiction" if contradictions else "fit" if settled or not doubts else "doubt"
        )
        right = self._reference_right()
        below = 0.0 if right is None else float(right.mean())
        suspicion = Suspicion(self.app, self.unseen, self.holdout, below, order)
        train, holdout = self._estimates().values()
        return FitReport(
            fit=fit,
            train=train,
            holdout=holdout,
            majority=float((self.unseen.y == self.majority).mean()),
            majority_class=self.app.classes[self.majority],
            reference=None if right is None else below,
            reference_model="" if self.reference is None else self.reference.name,
            recall=tuple(self._recall()),
            confusion=tuple(tuple(row) for row in self.holdout.confusion.tolist()),
            examples=choose_examples(self.app, self.unseen, self.holdout),
            reasons=() if fit == "fit" else tuple(contradictions or doubts),
            causes=() if fit == "fit" else suspicion.find_causes(),
            notes=self._notes(confirmed=tuple(doubts) if settled else (), more=found.notes),
            expects=found.expects,
            confirmed=found.confirmed,
        )

    # ---- what is wrong --------------------------------------------------------------------------

    def _contradictions(self, order: Ints | None) -> list[str]:
        found = []
        if order is not None:
            found.append(self._describe_order(order))
        elif worse_than_constant((self.train, self.holdout), self.majority):
            found.append(
                "it is right less often than always answering "
                f"{self.app.classes[self.majority]} would be, on training and on unseen data"
            )
        return found

    def _describe_order(self, order: Ints) -> str:
        """Say what is wrong where another order fits better: that order, or something else."""
        right, other = self._reference_right(), float(reordered(self.holdout, order).right.mean())
        if right is None or other >= float(right.mean()) - LIMIT:
            return describe_order(order, self.app.classes)[0]
        return (
            f"its answers disagree with the classes: exchanged they would be right more often "
            f"({_percent(other)}), but the order of the classes alone does not explain it, for a "
            f"simple model is right in {_percent(float(right.mean()))}"
        )

    def _doubts(self) -> list[str]:
        found = []
        if self.holdout.constant:
            answer = self.app.classes[int(self.holdout.labels[0])]
            found.append(f"all {len(self.holdout)} unseen records get the answer {answer}")
        elif not has_signal(self.holdout, self.majority):
            found.append("on unseen data it is not significantly better than no model at all")
        if not has_signal(self.train, self.majority) or near_chance(self.train):
            found.append("it is hardly better than guessing on its own training data")
        right = self._reference_right()
        if right is not None and self.reference and far_below(self.holdout, right):
            found.append(
                f"it is far below a simple model of the same training data ({self.reference.name}: "
                f"{_percent(float(right.mean()))} right)"
            )
        return found

    def _notes(self, *, confirmed: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
        never = [r.name for r in self._recall() if r.accuracy and r.accuracy.value == 0]
        notes = []
        if not self._comparable:
            notes.append("labelled records are of one class: whether the model fits is not known")
        if never:
            names = ", ".join(never)
            notes.append(f"recall 0: no unseen record is answered right of the class {names}")
        notes += [f"confirmed by you: {doubt}" for doubt in confirmed]
        return (*notes, *more)

    # ---- figures --------------------------------------------------------------------------------

    def _estimates(self) -> dict[str, AccuracyEstimate]:
        parts = {"train": self.train, "holdout": self.holdout}
        return {name: _estimate(int(p.right.sum()), len(p)) for name, p in parts.items()}

    def _recall(self) -> list[ClassRecall]:
        rows = []
        for i, name in enumerate(self.app.classes):
            here = self.unseen.y == i
            n, k = int(here.sum()), int(self.holdout.right[here].sum())
            rows.append(ClassRecall(name=name, accuracy=_estimate(k, n) if n else None))
        return rows

    def _reference_right(self) -> np.ndarray | None:
        return None if self.reference is None else self.reference.labels == self.unseen.y


def _spread(data: Data, target: Target) -> Data:
    n, most = len(data), MOST_PAID if hasattr(target, "service") else MOST_ASKED
    if n <= most:
        return data
    return data.take(np.linspace(0, n - 1, most).astype(np.int64))


def _ask(target: Target, data: Data, k: int) -> AnsweredRecords:
    view = min(target.offers, View.SCORES)
    answers = target.answer(data.x, view)
    scores = answers.scores if view >= View.SCORES else None
    return AnsweredRecords(data.y, answers.labels, k, scores)


def _estimate(k: int, n: int) -> AccuracyEstimate:
    low, high = clopper_pearson(k, n)
    return AccuracyEstimate(value=k / n, low=low, high=high, n=n)
