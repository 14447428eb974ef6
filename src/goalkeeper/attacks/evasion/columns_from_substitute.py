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
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Data, Floats, Ints
from goalkeeper.core.domain import Domain
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.evasion import EvasionQuestion
from goalkeeper.training.families import FamilyModel, fit_family, predict_held_back

# Families whose scores rise towards a boundary, so that a search knows where to go. A single tree
# and few neighbours give steps.
FAMILIES = ("linear", "boosting", "kernel")
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
        own = list_own_rows(access)
        seen = Data(x=np.zeros((0, *question.x.shape[1:])), y=np.zeros(0, dtype=np.int64))
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


def list_own_rows(access: Access) -> Floats:
    """List the attacker's own rows `(n, d)` in random order; none where it has no data."""
    if access.granted.knowledge.data is Grade.NONE:
        return np.zeros((0, len(access.domain.columns)))  # type: ignore[attr-defined]
    x = np.asarray(access.data().x, dtype=np.float64)
    return x[access.rng.permutation(len(x))]


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


def pick_doubtful(model: FamilyModel | None, rows: Floats, n: int) -> Floats:
    """Pick the `n` rows on which a model decides most narrowly; any without a model."""
    if model is None or len(rows) <= n:
        return rows[:n]
    margins = np.sort(_margins(model, rows), axis=1)
    return rows[np.argsort(margins[:, -1] - margins[:, -2], kind="stable")[:n]]


def fit_best(seen: Data, domain: Domain, rng: np.random.Generator) -> FamilyModel | None:
    """Fit the family that predicts held-back answers best; None where all answers are alike."""
    if len(np.unique(seen.y)) < 2:
        return None
    folds: Ints = rng.permutation(np.arange(len(seen)) % 3)
    seed = int(rng.integers(2**31))
    right = [
        int((predict_held_back(family, seen, domain, folds, seed) == seen.y).sum())
        for family in FAMILIES
    ]
    return fit_family(FAMILIES[int(np.argmax(right))], seen, domain, seed)


def measure_lead(model: FamilyModel, rows: Floats, wanted: Bools) -> Floats:
    """Measure how far the wanted answers `(classes,)` are ahead for rows `(q, d)`."""
    scores = np.full((len(rows), len(wanted)), -np.inf)
    scores[:, model.model.classes_] = _margins(model, rows)
    best = scores[:, wanted].max(axis=1)
    with np.errstate(invalid="ignore"):  # neither a wanted nor another class was ever answered
        lead = best - scores[:, ~wanted].max(axis=1)
    return np.asarray(np.where(np.isnan(lead), -np.inf, lead))


def _margins(model: FamilyModel, rows: Floats) -> Floats:
    """Return what classes are chosen by `(n, classes seen)`."""
    margins = model.margins(rows)
    return np.hstack([-margins, margins]) if margins.shape[1] == 1 else margins
