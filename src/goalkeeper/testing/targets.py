"""What every target owes the framework, as checks that any target can be given to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers, Target
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.errors import GoalkeeperError, NotGranted, NotOffered
from goalkeeper.core.power import View
from goalkeeper.testing.contract import Breach, Check, run_all

SUM = 1e-6  # how far the scores of one input may sum from 1
CLOSE = 1e-5  # float32 networks sum a batch in another order than one input

OFFERS = "a target says which view it gives: labels, scores, logits or gradients"
SHAPES = "answers have one row an input and one column a class, and are finite"
SCORES = "scores are probabilities: not negative, each row sums to 1"
AGREE = "labels name the class of the highest score and of the highest logit"
ALONE = "an input is answered alone as in a batch, and whatever its place"
UNTOUCHED = "questions are not changed"
NONE = "no inputs get no answers"
CUT = "what a view does not show cannot be read once the answers are cut to it"
BEYOND = "a target gives no more than it says it offers"
PARAMETERS = "parameters can be read, or are refused by NotOffered"
FILE = "a stored file exists, or is refused by NotOffered"


def check_target(target: Target, x: Inputs, classes: Sequence[str]) -> None:
    """Check every promise that a target makes; see `target_checks`.

    Raises
    ------
    ContractError
        A promise is broken; the message names it, says what was seen and what to do.
    """
    run_all(target_checks(target, x, classes))


def target_checks(target: Target, x: Inputs, classes: Sequence[str]) -> Iterator[Check]:
    """Yield a check for each promise of a target.

    Parameters
    ----------
    target
        The target.
    x
        At least three different inputs of its domain, `(n, ...)`.
    classes
        Names of its classes, in the order of its scores.

    Raises
    ------
    ValueError
        There are fewer than three inputs, or fewer than two classes.
    """
    if len(x) < 3 or len(classes) < 2:
        raise ValueError(
            f"a target is checked with three inputs and two classes at least, these are {len(x)} "
            f"inputs and {len(classes)} classes; give more"
        )
    name = type(target).__name__
    asked = _Asked(target, x, len(classes))
    promises: tuple[tuple[str, str, Callable[[], Iterator[Breach]]], ...] = (
        ("says-what-it-offers", OFFERS, partial(_offers, target)),
        ("answers-in-shape", SHAPES, asked.shapes),
        ("gives-probabilities", SCORES, asked.probabilities),
        ("agrees-with-itself", AGREE, asked.agreement),
        ("answers-each-input-alone", ALONE, asked.alone),
        ("changes-no-question", UNTOUCHED, asked.untouched),
        ("answers-nothing", NONE, asked.nothing),
        ("can-be-cut", CUT, asked.cut),
        ("gives-no-more-than-it-offers", BEYOND, asked.beyond),
        ("gives-its-parameters", PARAMETERS, partial(_parameters, target)),
        ("gives-its-file", FILE, partial(_file, target)),
    )
    for short, promise, test in promises:
        yield Check(f"{name}-{short}", promise, test)


def _offers(target: Target) -> Iterator[Breach]:
    offers: object = target.offers
    if not isinstance(offers, View) or offers is View.NOTHING:
        yield Breach(f"`offers` is {offers!r}", "return a View, LABELS at least")


class _Asked:
    """A target and questions to it; a new copy of the questions each time."""

    def __init__(self, target: Target, x: Inputs, classes: int) -> None:
        self.target, self.x, self.classes = target, x, classes

    @property
    def views(self) -> list[View]:
        """The views that answers can have, as far as they are offered."""
        most = min(self.target.offers, View.LOGITS)
        return [view for view in (View.LABELS, View.SCORES, View.LOGITS) if view <= most]

    def ask(self, view: View, x: Inputs | None = None) -> Answers:
        """Ask about a copy of the inputs."""
        return self.target.answer((self.x if x is None else x).copy(), view)

    def numbers(self, answers: Answers, view: View) -> dict[str, Floats]:
        """Return scores and logits, as far as a view shows them."""
        return {
            **({"scores": answers.scores} if view >= View.SCORES else {}),
            **({"logits": answers.logits} if view >= View.LOGITS else {}),
        }

    def shapes(self) -> Iterator[Breach]:
        """Look at shapes and types under every view."""
        n = len(self.x)
        for view in self.views:
            answers: Any = self.ask(view)
            if not isinstance(answers, Answers):
                yield Breach(f"answer() returned a {type(answers).__name__}", "return Answers")
                return
            labels = np.asarray(answers.labels)
            if labels.shape != (n,) or labels.dtype != np.int64:
                finding = f"labels are {labels.dtype} of shape {labels.shape} for {n} inputs"
                yield Breach(finding, f"return int64 of shape ({n},)")
            elif not ((labels >= 0) & (labels < self.classes)).all():
                finding = f"labels go from {labels.min()} to {labels.max()}"
                yield Breach(finding, f"return indices of the {self.classes} classes")
            for what, values in self.numbers(answers, view).items():
                if values.shape != (n, self.classes) or values.dtype.kind != "f":
                    finding = f"{what} are {values.dtype} of shape {values.shape}"
                    yield Breach(finding, f"return floats of shape ({n}, {self.classes})")
                elif not np.isfinite(values).all():
                    yield Breach(f"some {what} are not finite", "bound them, e.g. by clipping")

    def probabilities(self) -> Iterator[Breach]:
        """Look at the range and the sums of scores."""
        if View.SCORES not in self.views:
            return
        scores = self.ask(View.SCORES).scores
        if scores.min() < 0:
            yield Breach(f"the smallest score is {scores.min():g}", "return probabilities")
        off = np.abs(scores.sum(axis=1) - 1).max()
        if not off <= SUM:
            yield Breach(f"scores sum to 1 only up to {off:g}", "divide by the sum")

    def agreement(self) -> Iterator[Breach]:
        """Compare labels with scores, with logits, and with those that are asked for alone."""
        view = self.views[-1]
        answers, n = self.ask(view), np.arange(len(self.x))
        for what, values in self.numbers(answers, view).items():
            wrong = int((values[n, answers.labels] < values.max(axis=1)).sum())
            if wrong:
                finding = (
                    f"{wrong} of {len(n)} labels are not the class of the highest of the {what}"
                )
                yield Breach(finding, "return the class of the highest score as the label")
        other = int((self.ask(View.LABELS).labels != answers.labels).sum())
        if other:
            finding = f"{other} of {len(n)} labels are others when only labels are asked for"
            yield Breach(finding, "answer with the same labels whatever the view")

    def alone(self) -> Iterator[Breach]:
        """Compare a batch with its inputs one at a time, and in the opposite order."""
        view = self.views[-1]
        whole = self.ask(view)
        turned = self.ask(view, self.x[::-1])
        single = [self.ask(view, self.x[i : i + 1]) for i in range(len(self.x))]
        for asked, answers in (("one at a time", single), ("in the opposite order", [turned])):
            step = -1 if answers[0] is turned else 1
            labels = np.concatenate([a.labels for a in answers])[::step]
            apart = {
                what: np.concatenate([self.numbers(a, view)[what] for a in answers])[::step]
                for what in self.numbers(whole, view)
            }
            differ = int((labels != whole.labels)[_clear(whole, view)].sum())
            far = [w for w, v in self.numbers(whole, view).items() if not _near(v, apart[w])]
            if differ or far:
                finding = f"asked {asked}, {differ} labels differ" + "".join(
                    f", so do {w}" for w in far
                )
                yield Breach(finding, "let no answer depend on the rest of the batch, or on chance")

    def untouched(self) -> Iterator[Breach]:
        """Compare questions before and after."""
        for view in self.views:
            x = self.x.copy()
            self.target.answer(x, view)
            if not np.array_equal(x, self.x):
                finding = f"the inputs were changed when {view.name.lower()} were asked for"
                yield Breach(finding, "work on a copy")

    def nothing(self) -> Iterator[Breach]:
        """Ask about no inputs."""
        for view in self.views:
            answers = self.ask(view, self.x[:0])
            shapes = {w: v.shape for w, v in self.numbers(answers, view).items()}
            shapes["labels"] = answers.labels.shape
            wrong = {w: s for w, s in shapes.items() if s != (0,) + (self.classes,) * (len(s) - 1)}
            if wrong:
                finding = ", ".join(f"{what} of shape {shape}" for what, shape in wrong.items())
                yield Breach(finding, f"return shapes (0,) and (0, {self.classes})")

    def cut(self) -> Iterator[Breach]:
        """Try to read what a view hides."""
        for view in self.views:
            answers = self.ask(view).cut(view)
            for what in ("scores", "logits")[max(0, view - View.LABELS) :]:
                if _readable(answers, what):
                    finding = f"{what} can be read by whoever sees {view.name.lower()}"
                    yield Breach(finding, "return Answers, and do not override cut()")

    def beyond(self) -> Iterator[Breach]:
        """Ask for more than is offered."""
        for view, what in ((View.SCORES, "scores"), (View.LOGITS, "logits")):
            if view <= self.target.offers:
                continue
            try:
                answers = self.ask(view)
            except GoalkeeperError:
                continue
            if _readable(answers, what):
                finding = f"it gives {what} and offers {self.target.offers.name.lower()}"
                yield Breach(finding, f"let `offers` be {view.name}, or do not fill in {what}")


def _readable(answers: Answers, what: str) -> bool:
    try:
        getattr(answers, what)
    except NotGranted:
        return False
    return True


def _near(one: Floats, other: Floats) -> bool:
    return one.shape == other.shape and np.allclose(one, other, rtol=CLOSE, atol=CLOSE)


def _clear(answers: Answers, view: View) -> Any:
    """Which answers `(n,)` are no near ties, whose labels may turn with the last digit."""
    if view < View.SCORES:
        return np.ones(len(answers.labels), dtype=bool)
    highest = np.sort(answers.scores, axis=1)
    return highest[:, -1] - highest[:, -2] > 2 * CLOSE


def _parameters(target: Target) -> Iterator[Breach]:
    try:
        numbers: Any = target.parameters()
    except NotOffered:
        return
    if not isinstance(numbers, Mapping):
        yield Breach(f"parameters() returned a {type(numbers).__name__}", "return a mapping")
        return
    if "weights" in numbers and "bias" in numbers:
        weights, bias = np.shape(numbers["weights"]), np.shape(numbers["bias"])
        if len(weights) < 2 or weights[:-1] != bias:
            finding = f"weights of shape {weights}, bias of shape {bias}"
            yield Breach(finding, "return weights (k, d) and bias (k,)")


def _file(target: Target) -> Iterator[Breach]:
    try:
        path: Any = target.artefact()
    except NotOffered:
        return
    if not isinstance(path, Path) or not path.exists():
        yield Breach(f"artefact() returned {path!r}", "return the path of a file that exists")
