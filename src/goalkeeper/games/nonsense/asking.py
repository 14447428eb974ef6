"""Ask about one input at a time, whatever it is, and say how the application took it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.errors import DataError, ReportedError, TargetError
from goalkeeper.core.power import View
from goalkeeper.games.nonsense.overconfident import allowed
from goalkeeper.games.shared.system import System

CONFIDENCE_QUANTILE = 0.95  # share of ordinary inputs answered with no more confidence
SUM_TOLERANCE = 1e-6  # of the sum of an input's scores


class InputOutcome(StrEnum):
    """How an application handled an input; the values are shown to the user."""

    ANSWERED = "answered without harm"
    REFUSED = "refused"
    CRASH = "crash"
    INVALID = "invalid state"
    CONFIDENT = "answered confidently"
    HANG = "no answer for long"
    BLOCKS = "others are not answered afterwards"
    UNDELIVERED = "not delivered"


# What counts against an application: an invalid state or a confident answer is wrong for whoever
# relies on it; others are harmed only where the application goes down, hangs, or refuses them.
UNRELIABLE = (InputOutcome.CRASH, InputOutcome.INVALID, InputOutcome.CONFIDENT)
# Libraries whose errors about inputs that they do not take are no ValueErrors.
DECLINING = frozenset({"catboost", "lightgbm", "onnxruntime"})
ANSWERED = (InputOutcome.ANSWERED, InputOutcome.CONFIDENT)
UNAVAILABLE = (InputOutcome.BLOCKS, InputOutcome.CRASH, InputOutcome.HANG)


@dataclass(frozen=True, slots=True)
class HandledInput:
    """The outcome of one input, and a message that says what happened."""

    outcome: InputOutcome
    message: str = ""


@dataclass(frozen=True, eq=False)
class InputTester:
    """Sends inputs to an application and classifies how it handles them."""

    app: Application
    threshold: float  # confidence from which on an answer is confident; infinite: never
    system: System
    outside: bool = False  # only what is outside the domain may not be answered confidently
    clock: Callable[[], float] = float
    patience: float = float("inf")  # seconds without an answer, from which on it hangs
    others: Inputs | None = None  # ordinary inputs `(m, ...)` that must be answered afterwards

    @classmethod
    def of(cls, app: Application, *, outside: bool = False) -> InputTester:
        """Measure the confidence that 95 % of calibration inputs do not exceed."""
        return cls(app, confidence_threshold(app), System.of(app, b""), outside)

    def disturb(self, x: Inputs) -> HandledInput:
        """Ask about a single input `(1, ...)`, and then about ordinary ones of other people."""
        start = self.clock()
        result = self.test(x)
        taken = self.clock() - start
        if self.has_stopped():
            return HandledInput(
                InputOutcome.BLOCKS, f"ordinary inputs are not answered any more; {result.message}"
            )
        if result.outcome is not InputOutcome.CRASH and taken > self.patience:
            return HandledInput(InputOutcome.HANG, f"no answer for {taken:.0f} seconds")
        return result

    def check_alive(self) -> None:
        """Refuse an application that no longer answers what it answered a moment ago.

        Raises
        ------
        TargetError
            It answers none of the ordinary inputs, though nothing else was sent to it.
        """
        if self.others is not None and self.has_stopped():
            raise TargetError(
                "the application stopped answering ordinary inputs before anything else was sent "
                f"to it: {self.test(self.others[:1]).message}"
            )

    def has_stopped(self) -> bool:
        """Tell whether ordinary inputs that were answered before are not any more."""
        if self.others is None or not len(self.others):
            return False
        one_by_one = (self.others[i : i + 1] for i in range(len(self.others)))
        return all(self.test(x).outcome not in ANSWERED for x in one_by_one)

    def test(self, x: Inputs) -> HandledInput:
        """Ask about a single input `(1, ...)`; whatever the application raises is an outcome.

        A ValueError with a message is a clean refusal, and so is the application's own check of
        its domain where it declares one (`validates`); a ValueError about Unicode is a crash.
        """
        if self.app.wiring.validates and not allowed(self.app.domain, x).all():
            return HandledInput(InputOutcome.REFUSED, "outside the described domain")
        view = min(self.app.target.offers, View.SCORES)
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                answers = self.app.target.answer(x, view)
        except DataError as error:
            return HandledInput(InputOutcome.UNDELIVERED, str(error))
        except TargetError as error:
            return _classify_target_error(error)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a crash is what is looked for
            return _classify_exception(error)
        result = self._classify(answers, view)
        allowed_here = result.outcome is InputOutcome.CONFIDENT and self.outside
        if allowed_here and allowed(self.app.domain, x).all():
            return HandledInput(InputOutcome.ANSWERED)
        return result

    def _classify(self, answers: Answers, view: View) -> HandledInput:
        fault = self._find_fault(answers, view)
        if fault:
            return HandledInput(InputOutcome.INVALID, fault)
        if self.app.wiring.adapter is not None and self._is_rejected(answers, view):
            return HandledInput(InputOutcome.REFUSED, "rejected by the surrounding system")
        if view >= View.SCORES and float(answers.scores[0].max()) >= self.threshold:
            label = self.app.classes[int(answers.labels[0])]
            top = float(answers.scores[0].max())
            return HandledInput(
                InputOutcome.CONFIDENT, f"answered {label} with a score of {top:.3f}"
            )
        return HandledInput(InputOutcome.ANSWERED)

    def _find_fault(self, answers: Answers, view: View) -> str:
        """Return what is wrong with an answer; empty when it is valid."""
        if np.shape(answers.labels) != (1,):
            return f"{np.size(answers.labels)} answers to one input"
        label = int(answers.labels[0])
        if not 0 <= label < len(self.app.classes):
            return f"the answer {label} is not one of the classes"
        scores = answers.scores[0] if view >= View.SCORES else None
        fault = "" if scores is None else find_score_fault(scores, len(self.app.classes))
        wiring, name = self.app.wiring, self.app.classes[label]
        no_reaction = wiring.adapter is None and wiring.reactions and name not in wiring.reactions
        if not fault and no_reaction:
            return f"the surrounding system has no reaction to {name}"
        return fault

    def _is_rejected(self, answers: Answers, view: View) -> bool:
        scores = answers.scores[0] if view >= View.SCORES else None
        return self.system.reaction(int(answers.labels[0]), scores) is None


def find_score_fault(scores: Floats, classes: int) -> str:
    """Return why scores `(classes,)` are not probabilities; empty when they are."""
    if scores.shape != (classes,):
        return f"{scores.size} scores for {classes} classes"
    if not np.isfinite(scores).all():
        return "scores that are not numbers"
    if scores.min() < -SUM_TOLERANCE or scores.max() > 1 + SUM_TOLERANCE:
        return "scores outside of 0 to 1"
    if abs(float(scores.sum()) - 1) > max(SUM_TOLERANCE, 1e-6 * classes):
        return "scores that do not sum to 1"
    return ""


def confidence_threshold(app: Application) -> float:
    """Return the highest score that 95 % of calibration inputs stay below, or infinity.

    Labels alone say nothing about confidence, and scores that are no probabilities neither.
    """
    if app.target.offers < View.SCORES:
        return float("inf")
    scores = app.target.answer(app.data.calibration.x, View.SCORES).scores
    top = scores.max(axis=1)
    if not np.isfinite(top).all():
        return float("inf")
    return float(np.quantile(top, CONFIDENCE_QUANTILE, method="higher"))


def _classify_target_error(error: TargetError) -> HandledInput:
    """Distinguish a model that raised from one that returned something that is not an answer."""
    if isinstance(error, ReportedError):  # a reply that says why there is no answer
        return HandledInput(InputOutcome.REFUSED, str(error))
    cause = error.__cause__
    if cause is None or f" raised {type(cause).__name__}" not in str(error):
        return HandledInput(InputOutcome.INVALID, str(error))
    return _classify_exception(cause)


def _classify_exception(error: BaseException) -> HandledInput:
    message = f"{type(error).__name__}: {_first_line(error)}"
    library = type(error).__module__.partition(".")[0].lstrip("_")
    says_why = isinstance(error, ValueError) or library in DECLINING
    clean = says_why and not isinstance(error, UnicodeError)
    return HandledInput(
        InputOutcome.REFUSED if clean and str(error).strip() else InputOutcome.CRASH, message
    )


def _first_line(error: BaseException) -> str:
    lines: list[Any] = str(error).strip().splitlines()
    return str(lines[0])[:200] if lines else "no message"
