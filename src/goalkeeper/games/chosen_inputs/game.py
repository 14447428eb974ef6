"""Chosen inputs: the attack picks ordinary inputs that trigger a wrong reaction of the system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Data, Ints
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.goals import Goal, Harm, IntegrityLevel
from goalkeeper.core.power import Power
from goalkeeper.games.base import Deal, Game, Marking, Task, Unfit
from goalkeeper.games.chosen_inputs import marks
from goalkeeper.games.chosen_inputs.erring import let_err
from goalkeeper.games.chosen_inputs.pool import InputPool
from goalkeeper.games.shared.reacting import METRIC, unfit_reactions

FEWEST = 80  # inputs: ten attempts of four inputs, and as many to learn from
LEAST_SIZE = 4  # inputs of an attempt
_OUTPUT = Harm(Goal.INTEGRITY, level=IntegrityLevel.OUTPUT)


@final
@dataclass(frozen=True, kw_only=True)
class ChosenInputs(Game[InputPool, None, Ints]):
    """Question: ordinary inputs to choose from. Answer: one of them for each attempt.

    The game sends the chosen inputs through the model and the described reactions (or the user's
    own adapter). A reaction is wrong when the class is, and when it differs from the one to the
    true class. Where a class is harmless, the inputs are of the other classes: what the attacker
    writes and what passes as something else. That an own harmless input is declined harms nobody
    else.

    The baseline is the best of as many inputs by chance: an attacker who sends, in the same
    attempt, as many random inputs as were asked about in any attempt, and one more, without seeing
    a reaction. A model that errs in 1 of 20 inputs errs on some of 11 in 43 % of cases, and to find
    that by trying is no attack. What an attack may gain is to know beforehand, from its answers
    about other inputs, which go wrong.

    Parameters
    ----------
    slots
        Attempts to choose an input that triggers a wrong reaction.
    size
        Inputs to choose from in each attempt, at most.
    practice
        Other inputs that an attack may learn from, at most.
    """

    name: ClassVar[str] = "chosen_inputs"
    family: ClassVar[str] = "output"
    grows: ClassVar[Mapping[str, int]] = {"slots": 20}

    slots: int = 40
    size: int = 20
    practice: int = 600

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Trigger wrong reactions by choice."""
        task = Task(
            name="chosen-inputs",
            harms=(_OUTPUT,),
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
        if count >= FEWEST:
            return None
        kind = "" if app.harmless is None else f" that are not {app.classes[app.harmless]}"
        return Unfit(
            f"inconclusive: only {count} inputs{kind} to choose from, fewer than {FEWEST}; "
            "give more holdout data"
        )

    def deal(self, app: Application, task: Task, rng: np.random.Generator) -> Deal[InputPool, None]:
        """Lay out inputs to choose from, and half of all, or more, to learn from."""
        data = _candidates(app)
        order = rng.permutation(len(data))
        slots = min(self.slots, len(data) // 2 // LEAST_SIZE)
        size = min(self.size, len(data) // 2 // slots)
        picked, rest = data.take(order[: slots * size]), data.take(order[slots * size :])
        pool = InputPool(
            x=picked.x,
            y=picked.y,
            slots=slots,
            size=size,
            practice=rest.take(np.arange(min(len(rest), self.practice))),
        )
        return Deal(pool, None, campaigns=slots + 1)

    def mark(self, marking: Marking[InputPool, None, Ints]) -> AttackResult:
        """Let the surrounding system react to what was chosen."""
        return marks.mark(marking)

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Let the model err on inputs that have a feature in common."""
        return let_err(app, rng)

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Say how many answers are asked for."""
        return Estimate(queries=min(granted.budget.queries, self.practice) + self.slots * self.size)


def _candidates(app: Application) -> Data:
    """Return the inputs to choose from: those that are not harmless, where a class is harmless."""
    holdout = app.data.holdout
    if app.harmless is None:
        return holdout
    return holdout.take(np.flatnonzero(holdout.y != app.harmless))
