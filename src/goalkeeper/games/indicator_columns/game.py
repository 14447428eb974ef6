"""Indicator columns: the attack ranks columns by how much the model looks at them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.goals import Goal, Harm
from goalkeeper.core.numbers import spread
from goalkeeper.core.power import Attacker, Power
from goalkeeper.core.standing import Standing
from goalkeeper.games.base import Deal, Game, Marking, Task, Unfit
from goalkeeper.games.indicator_columns import marks
from goalkeeper.games.indicator_columns.influence import column_names
from goalkeeper.games.shared.constant_answers import unfit_constant
from goalkeeper.games.shared.grants import own_data, unless_it_holds_the_model
from goalkeeper.games.shared.rankings import ASKED, FEWEST, Ranking, RankingAim
from goalkeeper.games.shared.simple_targets import LinearTarget, balanced

TASK = Task(
    name="indicator-features",
    harms=(Harm(Goal.CONFIDENTIALITY),),
    metric="normalised_gain",
    sentence="name the columns that the model looks at most",
)


@final
@dataclass(frozen=True, kw_only=True)
class ColumnIndicators(Game[RankingAim, None, Ranking]):
    """Question: which columns the model looks at most. Answer: a ranked list of their names.

    The truth is the half of the columns that moves the answers most, read from the weights or
    measured by shuffling. Drawing columns at random is the baseline, as is what a model trained on
    similar data looks at where the attacker has such data.
    """

    name: ClassVar[str] = "indicator_columns"
    family: ClassVar[str] = "internals"
    domains: ClassVar[frozenset[str]] = frozenset({"table"})

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Name the columns."""
        return (TASK,)

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need columns enough that half of them can be found, and answers that differ."""
        constant = unfit_constant(app)
        if constant is not None:
            return constant
        count = len(column_names(app.domain))
        if count >= 2 * FEWEST:
            return None
        return Unfit(
            f"there are {count} columns, fewer than {2 * FEWEST}: too few to distinguish "
            "finding those that matter from guessing"
        )

    def standing(self, app: Application, task: Task, attacker: Attacker) -> Standing:
        """Whoever has the model gains nothing here."""
        return unless_it_holds_the_model(attacker, "naming its columns")

    def baseline_power(self, attacker: Power) -> Power:
        """Return the attacker's data, from which columns are ranked without any query."""
        return own_data(attacker)

    def deal(
        self, app: Application, task: Task, rng: np.random.Generator
    ) -> Deal[RankingAim, None]:
        """Ask for a ranking; the truth is read or measured when it is marked."""
        return Deal(RankingAim(len(column_names(app.domain)) // 2), None)

    def mark(self, marking: Marking[RankingAim, None, Ranking]) -> AttackResult:
        """Count how many of the first half of columns named are among those that matter most."""
        return marks.mark(marking)

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Use a rule in which half of the columns count, and the others not at all."""
        return replace(app, target=build_half_rule(app, rng))

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Say what the attack may ask."""
        return Estimate(queries=min(granted.budget.queries, ASKED))


def build_half_rule(app: Application, rng: np.random.Generator) -> LinearTarget:
    """Build a rule in which half of the columns count, all of them equally."""
    like = np.asarray(app.data.calibration.x, dtype=np.float64)
    width = spread(like)
    varied = np.flatnonzero(width > 0)
    chosen = rng.permutation(varied)[: max(FEWEST, len(varied) // 2)]
    weights = np.zeros(like.shape[1])
    weights[chosen] = rng.choice([-1.0, 1.0], len(chosen)) / width[chosen]
    return balanced(weights, like, classes=len(app.classes))
