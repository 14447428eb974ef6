"""Chosen inputs: the attack picks ordinary inputs that trigger a wrong reaction of the system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from goalkeeper.core.application import Answers, Application
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Data, Inputs, Ints
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.goals import Goal, Harm, IntegrityLevel
from goalkeeper.core.power import Power, View
from goalkeeper.games.base import Deal, Game, Marking, Task, Unfit
from goalkeeper.games.chosen_inputs import marks
from goalkeeper.games.chosen_inputs.pool import InputPool
from goalkeeper.games.shared.base_targets import WrappedTarget, draw_by_content
from goalkeeper.games.shared.reacting import METRIC, unfit_reactions

ERRING = 0.3  # share of inputs that a weakened model misclassifies
_OUTPUT = Harm(Goal.INTEGRITY, level=IntegrityLevel.OUTPUT)


@final
@dataclass(frozen=True, kw_only=True)
class ChosenInputs(Game[InputPool, None, Ints]):
    """Question: ordinary inputs to choose from. Answer: one of them for each attempt.

    The game sends the chosen inputs through the model and the described reactions (or the user's
    own adapter). A reaction is wrong when the class is, and when it differs from the one to the
    true class; inputs that were not chosen are the baseline.

    Parameters
    ----------
    slots
        Attempts to choose an input that triggers a wrong reaction.
    size
        Inputs to choose from in each attempt, at most.
    """

    name: ClassVar[str] = "chosen_inputs"
    family: ClassVar[str] = "output"
    grows: ClassVar[Mapping[str, int]] = {"slots": 20}

    slots: int = 40
    size: int = 20

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Trigger wrong reactions by choice."""
        task = Task(
            name="chosen-inputs",
            harms=(_OUTPUT,) if app.harmless is None else (_OUTPUT, Harm(Goal.AVAILABILITY)),
            metric=METRIC,
            sentence="find ordinary inputs to which the surrounding system reacts wrongly",
            writes="own",
        )
        return (task,)

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need reactions that differ, and inputs enough to choose from."""
        unfit = unfit_reactions(app)
        if unfit is not None:
            return unfit
        count = len(_candidates(app))
        if count >= 2 * self.slots:
            return None
        return Unfit(
            f"inconclusive: only {count} inputs to choose from, fewer than {2 * self.slots}; "
            "give more holdout data"
        )

    def deal(self, app: Application, task: Task, rng: np.random.Generator) -> Deal[InputPool, None]:
        """Lay out inputs to choose from."""
        data = _candidates(app)
        size = min(self.size, len(data) // self.slots)
        picked = data.take(rng.permutation(len(data))[: self.slots * size])
        return Deal(InputPool(x=picked.x, y=picked.y, slots=self.slots, size=size), None)

    def mark(self, marking: Marking[InputPool, None, Ints]) -> AttackResult:
        """Let the surrounding system react to what was chosen."""
        return marks.mark(marking)

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Let the model err in a fixed share of inputs."""
        return replace(app, target=ErringTarget(app.target, rng.bytes(8), len(app.classes)))

    def smaller(self) -> ChosenInputs:
        """Choose less often."""
        return replace(self, slots=min(self.slots, 20))

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Say how many answers are asked for."""
        return Estimate(queries=min(granted.budget.queries, self.slots * self.size))


def _candidates(app: Application) -> Data:
    """Return the inputs to choose from: the harmless ones, where a class is harmless."""
    holdout = app.data.holdout
    if app.harmless is None:
        return holdout
    return holdout.take(np.flatnonzero(holdout.y == app.harmless))


@dataclass(frozen=True, eq=False)
class ErringTarget(WrappedTarget):
    """A target that gives another class for a share of inputs that only their content decides."""

    key: bytes
    classes: int

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        answers = self.target.answer(x, view)
        errs = draw_by_content(x, self.key) < ERRING
        labels = np.where(errs, (answers.labels + 1) % self.classes, answers.labels)
        if view < View.SCORES:
            return Answers(labels)
        turned = np.where(errs[:, None], np.roll(answers.scores, 1, axis=1), answers.scores)
        return Answers(labels, turned).cut(view)
