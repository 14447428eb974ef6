"""Likely causes of a misfit: each is tried by asking the model again, in another way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Floats, Inputs, Ints
from goalkeeper.core.domain import ImageDomain, TableDomain
from goalkeeper.core.errors import DataError, TargetError
from goalkeeper.core.fit import FitCause
from goalkeeper.core.power import View
from goalkeeper.fit.decisions import ALPHA, LIMIT, AnsweredRecords, better, reordered

MOST_ASKED = 1_000  # records for each cause
BYTE = 255.0


@dataclass(frozen=True, eq=False)
class Suspect:
    """A way in which inputs or answers may be misread: its name, what to do, and its answers."""

    cause: str
    remedy: str
    labels: Callable[[], Ints]


@dataclass(frozen=True, eq=False)
class Suspicion:
    """A model that does not fit, with what its causes are measured by.

    Parameters
    ----------
    app
        The application.
    unseen
        Records that the model never saw.
    answered
        Its answers to them as they are.
    reference
        Accuracy of the reference model; 0 without one.
    order
        The order of the classes that fits better; None if there is none.
    """

    app: Application
    unseen: Data
    answered: AnsweredRecords
    reference: float
    order: Ints | None

    def find_causes(self) -> tuple[FitCause, ...]:
        """Return the causes that make the model right, most accurate first.

        A cause is named when the model is right significantly more often with it (one-sided sign
        test, `ALPHA` shared by all causes that are tried), and at most ten points less often than
        the reference model.
        """
        found = []
        suspects = [*self._orders(), *self._outputs(), *self._images(), *self._tables()]
        for suspect in suspects:
            try:
                labels = suspect.labels()
            except (TargetError, DataError):
                continue  # the model refuses such inputs: then this is not what it was made for
            right = labels == self._tried.y
            p = better(right, self._tried.right) * len(suspects)
            if p <= ALPHA and right.mean() >= self.reference - LIMIT:
                accuracy = float(right.mean())
                cause = FitCause(cause=suspect.cause, accuracy=accuracy, remedy=suspect.remedy)
                found.append(cause)
        return tuple(sorted(found, key=lambda cause: -cause.accuracy))

    @property
    def _rows(self) -> Ints:
        n = len(self.unseen)
        return np.linspace(0, n - 1, min(n, MOST_ASKED)).astype(np.int64)

    @property
    def _tried(self) -> AnsweredRecords:
        return self.answered.take(self._rows)

    def _suspect(self, cause: str, remedy: str, change: Callable[[Inputs], Inputs]) -> Suspect:
        x = self.unseen.x[self._rows]
        ask = lambda: self.app.target.answer(change(np.array(x)), View.LABELS).labels  # noqa: E731
        return Suspect(cause, remedy, ask)

    # ---- answers that are misread ---------------------------------------------------------------

    def _orders(self) -> Iterator[Suspect]:
        if self.order is not None:
            order = self.order
            cause, remedy = describe_order(order, self.app.classes)
            yield Suspect(cause, remedy, lambda: reordered(self._tried, order).labels)

    def _outputs(self) -> Iterator[Suspect]:
        """Scores of two classes at another threshold: 0.5 for what was read as a logit, or 0."""
        scores = self._tried.scores
        if scores is None:
            return
        if self._tried.k != 2:  # of two classes, this is the other order of the classes
            yield Suspect(
                "the class with the lowest score is meant, as of distances or losses",
                "return the negative of these numbers",
                lambda: np.asarray(scores.argmin(axis=1), dtype=np.int64),
            )
            return
        with np.errstate(divide="ignore"):
            logit = np.log(scores[:, 1].clip(0)) - np.log(scores[:, 0].clip(0))
        if np.isfinite(logit).all() and logit.min() >= -1e-6 and logit.max() <= 1 + 1e-6:
            yield Suspect(
                "the model answers with probabilities, which are read as logits (threshold 0)",
                "leave out the last sigmoid or softmax of the module, or say what it answers with: "
                "`answers: probabilities` under model",
                lambda: (logit > 0.5).astype(np.int64),
            )
        if scores.min() < -1e-6 or scores.max() > 1 + 1e-6:
            yield Suspect(
                "the model answers with logits, which are read as probabilities (threshold 0.5)",
                "return probabilities, or say what it answers with: `answers: logits` under model",
                lambda: (scores[:, 1] > 0).astype(np.int64),
            )

    # ---- inputs that are prepared in another way ------------------------------------------------

    def _images(self) -> Iterator[Suspect]:
        domain = self.app.domain
        if not isinstance(domain, ImageDomain):
            return
        train, span = self.app.data.train.x, domain.high - domain.low
        inside = "divide by 255 in the function or module that goalkeeper calls"
        yield self._suspect(
            "the model wants values from 0 to 255, and gets them divided by 255",
            "multiply the inputs by 255 in the function or module that goalkeeper calls",
            lambda x: x * BYTE,
        )
        yield self._suspect(
            "the model wants values divided by 255 once more", inside, lambda x: x / BYTE
        )
        yield self._suspect(
            "the model wants values from -1 to 1",
            "scale the inputs to [-1, 1] in the function or module that goalkeeper calls",
            lambda x: 2 * (x - domain.low) / span - 1,
        )
        yield from self._standardised(train, (0, 2, 3), np.True_)
        if domain.shape[0] == 3:
            yield self._suspect(
                "the model wants the channels in the other order (blue, green, red)",
                "reverse the channels: x[:, ::-1] in the function or module that goalkeeper calls",
                lambda x: x[:, ::-1],
            )
        if domain.shape[0] > 1:
            yield self._suspect(
                "the model wants the channels last",
                "move the channels to the end in the function that goalkeeper calls: "
                "x.transpose(0, 2, 3, 1)",
                lambda x: x.transpose(0, 2, 3, 1).reshape(x.shape),
            )

    def _tables(self) -> Iterator[Suspect]:
        domain = self.app.domain
        if not isinstance(domain, TableDomain):
            return
        train = np.asarray(self.app.data.train.x, dtype=np.float64)
        numbers = np.array([c.kind != "category" for c in domain.columns])
        yield from self._standardised(train, (0,), numbers)
        low, high = np.nanmin(train, axis=0), np.nanmax(train, axis=0)
        yield self._suspect(
            "the model wants columns scaled to 0 to 1",
            "store the scaler and the model together, e.g. as one Pipeline",
            lambda x: np.where(numbers, (x - low) / np.where(high > low, high - low, 1.0), x),
        )
        inside = low[numbers].min(initial=0) >= 0
        largest = high[numbers].max(initial=0)
        if inside and 0 < largest <= BYTE:  # pixels in columns, as bytes or as shares
            factor, words = (BYTE, "multiplied") if largest <= 1 else (1 / BYTE, "divided")
            yield self._suspect(
                f"the model wants numbers {words} by 255",
                "scale them in the data, or in the function that goalkeeper calls",
                lambda x: np.where(numbers, x * factor, x),
            )
        yield from self._column_orders(domain)

    def _standardised(
        self, train: Inputs, axes: tuple[int, ...], numbers: Any
    ) -> Iterator[Suspect]:
        """Centre and scale by the training data, a column or a channel at a time."""
        mean = np.nanmean(train, axis=axes, keepdims=True)
        spread: Floats = np.nanstd(train, axis=axes, keepdims=True)
        yield self._suspect(
            "the model wants standardised inputs (mean 0, variance 1): its scaler was left out",
            "store the scaler and the model together, e.g. as one Pipeline, or scale the inputs "
            "in the function or module that goalkeeper calls",
            lambda x: np.where(numbers, (x - mean) / np.where(spread > 0, spread, 1.0), x),
        )

    def _column_orders(self, domain: TableDomain) -> Iterator[Suspect]:
        """Columns sorted by name, in the order that the model names, or back from it."""
        names = [c.name for c in domain.columns]
        as_is = list(range(len(names)))
        orders = {"sorted by name": sorted(as_is, key=names.__getitem__)}
        wanted = [str(name) for name in getattr(self._wrapped, "feature_names_in_", ())]
        if sorted(wanted) == sorted(names):
            orders["in the order of its feature_names_in_"] = [names.index(n) for n in wanted]
        for words, order in orders.items():
            if order != as_is:
                listed = ", ".join(names[j] for j in order)
                yield self._suspect(
                    f"the model wants the columns {words}",
                    f"name them in this order: `features: [{listed}]` under data",
                    lambda x, order=order: x[:, order],  # type: ignore[misc]
                )

    @property
    def _wrapped(self) -> Any:
        target = self.app.target
        return getattr(target, "model", None) or getattr(target, "function", None)


def describe_order(order: Ints, classes: tuple[str, ...]) -> tuple[str, str]:
    """Return an order of the classes as a cause, with what to do."""
    moved = [i for i in range(len(classes)) if order[i] != i]
    said = ", ".join(f"{classes[i]} stands for {classes[order[i]]}" for i in moved[:6])
    more = f" and {len(moved) - 6} more" if len(moved) > 6 else ""
    listed = ", ".join(classes[i] for i in order)
    cause = f"the classes are in another order than in the model: its answer {said}{more}"
    if any(name.lstrip("-").isdigit() for name in classes):  # answers are names, not places
        return cause, "correct the labels in the data, or map the answers in a function of your own"
    return cause, (
        f"write the classes in the order of the model: `classes: [{listed}]`; where the model "
        "answers with their names, correct the labels in the data"
    )
