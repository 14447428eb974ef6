"""Ask about one input at a time, whatever it is, and say how the application took it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.errors import DataError, TargetError
from goalkeeper.core.power import View
from goalkeeper.games.nonsense.overconfident import allowed
from goalkeeper.games.shared.system import System

SURE = 0.95  # share of ordinary inputs that are answered with no more confidence
SUM = 1e-6  # how far from 1 the scores of an input may sum


class Outcome(StrEnum):
    """How an application took an input; the values are what people read."""

    ANSWERED = "answered without harm"
    REFUSED = "refused"
    CRASH = "crash"
    INVALID = "invalid state"
    CONFIDENT = "confidently answered"
    UNDELIVERED = "not delivered"

    @property
    def fails(self) -> bool:
        """Whether this counts against the application."""
        return self in FAILURES


FAILURES = (Outcome.CRASH, Outcome.INVALID, Outcome.CONFIDENT)


@dataclass(frozen=True, slots=True)
class Taken:
    """The outcome of one input, and what happened in words."""

    outcome: Outcome
    words: str = ""


@dataclass(frozen=True, eq=False)
class Asking:
    """Asks an application, with the confidence that is usual for its ordinary inputs."""

    app: Application
    usual: float  # confidence at or above which an answer is confident; infinite: never
    system: System
    outside: bool = False  # only what is outside the domain may not be answered confidently

    @classmethod
    def of(cls, app: Application, *, outside: bool = False) -> Asking:
        """Measure on calibration inputs which confidence 95 % of them do not exceed."""
        return cls(app, usual_confidence(app), System.of(app, b""), outside)

    def take(self, x: Inputs) -> Taken:
        """Ask about a single input `(1, ...)`; whatever the application raises is an outcome.

        A ValueError with a message is a clean refusal, and so is the application's own check of
        its domain where it declares one (`validates`); a ValueError about Unicode is a crash.
        """
        if self.app.wiring.validates and not allowed(self.app.domain, x).all():
            return Taken(Outcome.REFUSED, "outside the described domain")
        view = min(self.app.target.offers, View.SCORES)
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                answers = self.app.target.answer(x, view)
        except DataError as error:
            return Taken(Outcome.UNDELIVERED, str(error))
        except TargetError as error:
            return _raised(error)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a crash is what is looked for
            return _crash(error)
        taken = self._judged(answers, view)
        harmless = taken.outcome is Outcome.CONFIDENT and self.outside
        if harmless and allowed(self.app.domain, x).all():
            return Taken(Outcome.ANSWERED)
        return taken

    def _judged(self, answers: Answers, view: View) -> Taken:
        wrong = self._invalid(answers, view)
        if wrong:
            return Taken(Outcome.INVALID, wrong)
        if self.app.wiring.adapter is not None and self._rejected(answers, view):
            return Taken(Outcome.REFUSED, "rejected by the surrounding system")
        if view >= View.SCORES and float(answers.scores[0].max()) >= self.usual:
            label = self.app.classes[int(answers.labels[0])]
            top = float(answers.scores[0].max())
            return Taken(Outcome.CONFIDENT, f"answered {label} with a score of {top:.3f}")
        return Taken(Outcome.ANSWERED)

    def _invalid(self, answers: Answers, view: View) -> str:
        """Say what is wrong with an answer; empty when it is one."""
        if np.shape(answers.labels) != (1,):
            return f"{np.size(answers.labels)} answers to one input"
        label = int(answers.labels[0])
        if not 0 <= label < len(self.app.classes):
            return f"the answer {label} is none of the classes"
        scores = answers.scores[0] if view >= View.SCORES else None
        wrong = "" if scores is None else improper(scores, len(self.app.classes))
        wiring, name = self.app.wiring, self.app.classes[label]
        if not wrong and wiring.adapter is None and wiring.reactions:
            known = name in wiring.reactions
            return "" if known else f"the surrounding system has no reaction to {name}"
        return wrong

    def _rejected(self, answers: Answers, view: View) -> bool:
        scores = answers.scores[0] if view >= View.SCORES else None
        return self.system.reaction(int(answers.labels[0]), scores) is None


def improper(scores: Floats, classes: int) -> str:
    """Say why scores `(classes,)` are no probabilities; empty when they are."""
    if scores.shape != (classes,):
        return f"{scores.size} scores for {classes} classes"
    if not np.isfinite(scores).all():
        return "scores that are not numbers"
    if scores.min() < -SUM or scores.max() > 1 + SUM:
        return "scores outside of 0 to 1"
    if abs(float(scores.sum()) - 1) > max(SUM, 1e-6 * classes):
        return "scores that do not sum to 1"
    return ""


def usual_confidence(app: Application) -> float:
    """Return the highest score that 95 % of calibration inputs stay below, or infinity.

    Labels alone say nothing about confidence, and scores that are no probabilities neither.
    """
    if app.target.offers < View.SCORES:
        return float("inf")
    scores = app.target.answer(app.data.calibration.x, View.SCORES).scores
    top = scores.max(axis=1)
    if not np.isfinite(top).all():
        return float("inf")
    return float(np.quantile(top, SURE, method="higher"))


def _raised(error: TargetError) -> Taken:
    """Tell a model that raised from one that returned what is no answer."""
    cause = error.__cause__
    if cause is None or f" raised {type(cause).__name__}" not in str(error):
        return Taken(Outcome.INVALID, str(error))
    return _crash(cause)


def _crash(error: BaseException) -> Taken:
    words = f"{type(error).__name__}: {_first_line(error)}"
    clean = isinstance(error, ValueError) and not isinstance(error, UnicodeError)
    return Taken(Outcome.REFUSED if clean and str(error).strip() else Outcome.CRASH, words)


def _first_line(error: BaseException) -> str:
    lines: list[Any] = str(error).strip().splitlines()
    return str(lines[0])[:200] if lines else "no message"
