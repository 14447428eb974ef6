"""Change many entries of a row at random until its label turns, then take changes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from goalkeeper.attacks.evasion._cells import Ask, Case, CellAttack, Talk, led, without
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats
from goalkeeper.core.power import Budget
from goalkeeper.games.evasion import Question

MOST_AT_ONCE = 160  # random rows


@final
@dataclass(frozen=True, kw_only=True)
class ColumnsFromLabels(CellAttack):
    """Draw rows in which every entry is changed, or a few; reduce those whose label turned.

    Changes are taken back in blocks of half the size each time, in random order, as long as the
    label stays turned. A row that has one success more is reduced again from another start, as
    the order decides which changes are left. Constraints are kept throughout.

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

    def talks(self, question: Question, access: Access) -> Callable[[Case], Talk]:
        """Talk about one row after the other."""
        return self.talk

    def talk(self, case: Case) -> Talk:
        """Draw rows, and reduce the first successes."""
        left, size = self.starts, self.first
        all_parts, few = len(case.limits.parts), case.limits.entries
        for _ in range(self.draws):
            sizes = np.where(np.arange(size) % 2, few, all_parts)
            rows = case.moves.drawn(case.row, sizes, case.rng)
            told = yield rows
            turned = rows[told.reached]
            if len(turned):
                before = np.repeat(case.row[None], len(turned), axis=0)
                fewest = turned[np.argmin(case.limits.size(before, turned))]
                yield from without(case, fewest)
                left -= 1
            if not left:
                return
            size = size if len(turned) else min(2 * size, MOST_AT_ONCE)


def perturb(
    ask: Ask, question: Question, settings: ColumnsFromLabels | None = None, seed: int = 0
) -> Floats:
    """Change rows by their labels, without any framework.

    Parameters
    ----------
    ask
        Tells of rows `(q, d)` which reach the aim; leads are not used.
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
    return led((settings or ColumnsFromLabels()).talk, ask, question, seed)
