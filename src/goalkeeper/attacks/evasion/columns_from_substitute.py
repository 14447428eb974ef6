"""Learn a substitute of a table's classifier from labels, and change the entries that turn it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np

from goalkeeper.attacks._mixtures import split_rounds
from goalkeeper.attacks.evasion._cells import (
    CellAttack,
    RowItem,
    entry_constraint,
    list_turned,
    undo_changes,
)
from goalkeeper.attacks.evasion._query_plans import QueryPlan
from goalkeeper.attacks.evasion._substitutes import (
    FamilyModel,
    fit_best,
    measure_lead,
    pick_doubtful,
)
from goalkeeper.core.access import Access
from goalkeeper.core.data import Data, Floats
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.evasion import EvasionQuestion

CANDIDATES = 4  # rows composed for each one asked; the nearest to the boundary are asked
FIRST = 50  # questions of the first round


@final
@dataclass(frozen=True, kw_only=True)
class ColumnsFromSubstitute(CellAttack):
    """Train a substitute first, then evade it: a chain of two attacks.

    Half of the budget is spent on the attacker's own rows and on changed rows under attack, each
    round nearer to where the substitute changes its answer. Then one entry after the other is
    changed, always the one that brings the substitute nearest to the goal, beginning with each
    entry in turn until the application agrees. What is learnt serves every row, and each row's
    campaign pays for all of it: that is what a single one would cost.

    Deviations: Papernot et al. train a network and add inputs along its gradient; here the family
    that predicts held-back answers best is trained, and rows are added where it is in doubt.

    Parameters
    ----------
    questions
        Rows asked to learn from, at most.
    tries
        Searches for each row, each beginning with another entry.
    """

    variant = "evasion.substitute"
    reference = (
        "Papernot, McDaniel, Goodfellow, Jha, Celik, Swami 2017, Practical black-box attacks "
        "against machine learning, ASIA CCS"
    )
    uses = Power(knowledge=Knowledge(data=Grade.PARTIAL))
    most = Budget(queries=2000, compute_h=1.0)
    questions: int = 1000
    tries: int = 10

    def planner(self, question: EvasionQuestion, access: Access) -> Callable[[RowItem], QueryPlan]:
        """Learn the substitute once."""
        model = self._learn(question, access)

        def plan(item: RowItem) -> QueryPlan:
            if model is None:
                return
            lead = partial(measure_lead, model)
            entries = item.rng.permutation(len(item.constraint.parts))[: self.tries - 1]
            for first in (-1, *entries):
                for row in list_turned(item, lead, int(first)):
                    reply = yield row[None]
                    if reply.reached[0]:
                        yield from undo_changes(item, row)
                        return

        return plan

    def _learn(self, question: EvasionQuestion, access: Access) -> FamilyModel | None:
        """Ask in rounds; None where every answer was the same."""
        seen = Data(x=np.zeros((0, *question.x.shape[1:])), y=np.zeros(0, dtype=np.int64))
        own = seen.x
        if access.granted.knowledge.data is not Grade.NONE:
            own = np.asarray(access.data().x, dtype=np.float64)
            own = own[access.rng.permutation(len(own))]
        model: FamilyModel | None = None
        for size in split_rounds(min(self.questions, int(access.left().min()) // 2), FIRST):
            known, own = own[: size // 2], own[size // 2 :]
            changed = draw_changed(question, CANDIDATES * (size - len(known)), access.rng)
            rows = np.concatenate([known, pick_doubtful(model, changed, size - len(known))])
            answers, answered = access.query_each(rows)
            seen = Data(
                x=np.concatenate([seen.x, rows[answered]]),
                y=np.concatenate([seen.y, answers.labels]),
            )
            model = fit_best(seen, access.domain, access.rng)
        return model


def draw_changed(question: EvasionQuestion, n: int, rng: np.random.Generator) -> Floats:
    """Draw `n` changed versions of rows under attack: a few entries, or many."""
    constraint = entry_constraint(question)
    before, counts = np.unique(rng.integers(0, len(question.x), n), return_counts=True)
    drawn = []
    for i, count in zip(before, counts, strict=True):
        item = RowItem.of(question.x[i], question.goal.wanted[i], constraint, rng)
        sizes = rng.integers(1, len(constraint.parts) + 1, count)
        sizes[::2] = np.minimum(sizes[::2], constraint.entries)
        rows = item.changes.draw(item.row, sizes, rng)
        drawn.append(constraint.repair(np.repeat(item.row[None], count, axis=0), rows))
    return np.concatenate([np.zeros((0, *question.x.shape[1:])), *drawn])
