"""Change one entry of a row after the other, always the one that helps the scores most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from goalkeeper.attacks.evasion._cells import Ask, CellAttack, RowItem, run_plans, search_greedily
from goalkeeper.attacks.evasion._query_plans import QueryPlan
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats
from goalkeeper.core.power import Budget
from goalkeeper.games.evasion import EvasionQuestion


@final
@dataclass(frozen=True, kw_only=True)
class ColumnsFromScores(CellAttack):
    """Query every possible change of one entry, apply the best, and repeat.

    Numbers are moved to the ends of their ranges; categories and one-hot groups take every other
    value. Immutable columns, types, bounds and groups are kept by construction. When
    this fails, further rounds begin with a random entry and also try values between the ends,
    which matters for trees.

    Deviations: the paper searches with a genetic algorithm that weighs constraints against
    success; here constraints hold throughout and the search is greedy.

    Parameters
    ----------
    rounds
        Rounds after the first.
    inner
        Values between the ends that later rounds try.
    """

    variant = "evasion.score"
    reference = (
        "Simonetto et al. 2022, A unified framework for adversarial attack and defense in "
        "constrained feature space, IJCAI"
    )
    most = Budget(queries=2000)
    rounds: int = 3
    inner: int = 2

    def planner(self, question: EvasionQuestion, access: Access) -> Callable[[RowItem], QueryPlan]:
        """Plan for each row on its own."""
        return self.plan

    def plan(self, item: RowItem) -> QueryPlan:
        """Search until one round succeeds."""
        _, solved = yield from search_greedily(item)
        parts = len(item.constraint.parts)
        for _ in range(0 if solved or not parts else self.rounds):
            first = int(item.rng.integers(parts))
            _, solved = yield from search_greedily(item, first, self.inner)
            if solved:
                return


def perturb(
    ask: Ask, question: EvasionQuestion, settings: ColumnsFromScores | None = None, seed: int = 0
) -> Floats:
    """Change rows by their scores, without any framework.

    Parameters
    ----------
    ask
        Returns which of some rows `(q, d)` reach the aim, and their leads (see `score_leads`).
    question
        Rows `(n, d)`, which answers are wanted, and the limits.
    settings
        Of the algorithm.
    seed
        Of the random choices.

    Returns
    -------
    (n, d)
        The smallest changes found; rows without one as they were.
    """
    return run_plans((settings or ColumnsFromScores()).plan, ask, question, seed)
