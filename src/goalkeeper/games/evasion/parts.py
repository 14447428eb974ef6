"""What passes between the evasion game and its attacks: question, limits, answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Bools, Data, Floats, Inputs, Ints
from goalkeeper.core.evidence import Control


class Ending(StrEnum):
    """How the work on one input ended; the values are the words shown to the user."""

    WRONG_BEFORE = "wrong before"
    BROKEN = "broken"
    SURVIVED = "survived"
    BUDGET_SPENT = "budget spent"
    INVALID = "invalid"
    UNSEEN = "no answer seen"
    UNANSWERED = "not answered"


@dataclass(frozen=True, eq=False, slots=True)
class AdversarialGoal:
    """Which answers count as reached: `wanted` `(n, classes)`, one row an input."""

    wanted: Bools

    def reached(self, labels: Ints, rows: Ints | None = None) -> Bools:
        """Return which labels `(m,)`, answered for the inputs `rows` `(m,)`, reach the aim.

        A label of -1 is no answer, and reaches nothing.
        """
        rows = np.arange(len(labels)) if rows is None else rows
        return np.asarray(self.wanted[rows, labels] & (labels >= 0), dtype=bool)

    def take(self, rows: NDArray[Any]) -> AdversarialGoal:
        """Return the aim for the chosen inputs."""
        return AdversarialGoal(self.wanted[rows])


class Constraint(Protocol):
    """How far an input may be changed. What a kind of change needs, it alone knows."""

    @property
    def unit(self) -> str:
        """Unit of a change's size, e.g. words added."""
        ...

    @property
    def most(self) -> float:
        """The largest size allowed."""
        ...

    @property
    def within(self) -> str:
        """The limit in words that can follow a number, e.g. `at Linf 0.3`."""
        ...

    @property
    def rule(self) -> str:
        """What was checked of a changed input, so that it still serves who sent it."""
        ...

    def quantise(self, before: Inputs, after: Inputs) -> Inputs:
        """Return each changed input as it arrives, e.g. rounded to the steps of an image."""
        ...

    def size(self, before: Inputs, after: Inputs) -> Floats:
        """Measure each change, `(n,)`."""
        ...

    def allows(self, before: Inputs, after: Inputs) -> Bools:
        """Return which changed inputs `(n,)` lie inside the limits and keep their content."""
        ...

    def perturb_randomly(
        self, before: Inputs, sizes: Floats, like: Inputs, rng: np.random.Generator
    ) -> Inputs:
        """Change each input blindly by a size `(n,)`, with material from inputs `like`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """How often an input is asked about before the answer is believed: most of `asks` answers.

    Once, or several times where the application was seen to answer the same input differently.
    alone: one input a batch, as copies in one batch always got the same answer. What is drawn
    once for a whole batch would else look like an effect on all of its inputs.
    """

    asks: int = 1
    alone: bool = False

    @property
    def majority(self) -> int:
        """The least number of answers that are most of them."""
        return self.asks // 2 + 1


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class EvasionQuestion:
    """Inputs `(n, ...)` with their true classes `(n,)`; each input is a campaign of its own.

    `asks` is how many answers the game will take about a submission, of which most must reach
    the goal, so that one answer by chance is no success. `quorum` is how many of
    as many answers show that most of further ones will.
    """

    x: Inputs
    y: Ints
    goal: AdversarialGoal
    constraint: Constraint
    asks: int = 1

    @property
    def quorum(self) -> int:
        """All but one of several answers; the one, where one is enough."""
        return max(1, self.asks - 1)

    def take(self, rows: NDArray[Any]) -> EvasionQuestion:
        """Return the question about the chosen inputs."""
        return replace(self, x=self.x[rows], y=self.y[rows], goal=self.goal.take(rows))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Submission:
    """Changed inputs `(n, ...)`, and how the attack thinks each of them ended, `(n,)`.

    `controls` are checks of the attack on its own work, such as whether the gradient that it
    followed leads anywhere: where one fails, what it did not break proves nothing.
    """

    x: Inputs
    endings: Inputs
    controls: tuple[Control, ...] = ()


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CleanState:
    """What the game remembers: the attacked records, and how many were wrong before.

    `repetition` is how often the game asks about an input before it believes the answer.
    `unanswered` counts inputs on which the application failed; they count as nothing.
    """

    attacked: Data
    wrong_before: int
    looked_at: int
    repetition: Repetition = Repetition()
    unanswered: int = 0
