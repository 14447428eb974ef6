"""Change many entries of a row at random until its label flips, then undo changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from goalkeeper.attacks.evasion._cells import (
    Ask,
    CellAttack,
    RowItem,
    repair_in_turns,
    run_plans,
    undo_changes,
)
from goalkeeper.attacks.evasion._query_plans import QueryPlan
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats
from goalkeeper.core.power import Budget
from goalkeeper.games.evasion import EvasionQuestion

MOST_AT_ONCE = 160  # random rows


@final
@dataclass(frozen=True, kw_only=True)
class ColumnsFromLabels(CellAttack):
    """Draw rows with all or a few entries changed; where the label flips, undo changes.

    Changes are undone in blocks of half the size each time, in random order, as long as the label
    stays flipped. Several successes of a row are reduced, as the order decides which changes are
    left. Constraints are kept throughout: where a drawn row breaks a relation, it is repaired.

    Deviations: the paper knows a point of the other class and has boolean features; here the
    other class is found by random rows, and numbers and categories are entries like others.

    Parameters
    ----------
    first
        Random rows asked first; twice as many after each failure, up to 160.
    draws
        Such questions until a row is given up.
    starts
        Successes that are reduced.
    """

    variant = "evasion.decision"
    reference = "Lowd, Meek 2005, Adversarial learning, KDD, algorithm 2"
    most = Budget(queries=1000)
    first: int = 10
    draws: int = 20
    starts: int = 5

    def planner(self, question: EvasionQuestion, access: Access) -> Callable[[RowItem], QueryPlan]:
        """Plan for each row on its own."""
        return self.plan

    def plan(self, item: RowItem) -> QueryPlan:
        """Draw rows, and reduce the first successes."""
        left, size = self.starts, self.first
        all_parts, few = len(item.constraint.parts), item.constraint.entries
        for _ in range(self.draws):
            sizes = np.where(np.arange(size) % 2, few, all_parts)
            rows = repair_in_turns(item, item.changes.draw(item.row, sizes, item.rng))
            reply = yield rows
            turned = rows[reply.reached]
            if len(turned):
                before = np.repeat(item.row[None], len(turned), axis=0)
                fewest = turned[np.argmin(item.constraint.size(before, turned))]
                yield from undo_changes(item, fewest)
                left -= 1
            if not left:
                return
            size = size if len(turned) else min(2 * size, MOST_AT_ONCE)


def perturb(
    ask: Ask, question: EvasionQuestion, settings: ColumnsFromLabels | None = None, seed: int = 0
) -> Floats:
    """Change rows by their labels, without any framework.

    Parameters
    ----------
    ask
        Returns which of some rows `(q, d)` reach the aim; leads are not used.
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
    return run_plans((settings or ColumnsFromLabels()).plan, ask, question, seed)
