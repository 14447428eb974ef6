"""Change rows until the attacker's own model is turned, without seeing any answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np

from goalkeeper.attacks.evasion._cells import CellAttack, RowItem, list_turned
from goalkeeper.attacks.evasion._query_plans import QueryPlan
from goalkeeper.core.access import Access
from goalkeeper.core.application import Target
from goalkeeper.core.data import Bools, Floats
from goalkeeper.core.domain import Domain
from goalkeeper.core.power import Budget, Grade, Knowledge, Power, View
from goalkeeper.games.evasion import EvasionQuestion
from goalkeeper.training import SklearnTrainer, build_encoder, plain_rows


@final
@dataclass(frozen=True, kw_only=True)
class ColumnsTransferred(CellAttack):
    """Train a model on the attacker's own rows, and change the entries that turn it.

    What evades one model often evades another that was trained for the same task. One entry after
    the other is changed, always the one that brings the own model nearest to the goal; as the
    target's margin is unknown, rows with more changes than turn the own model are handed in, too.
    Costs no query. An attacker who knows the family of the training algorithm trains that, where it
    gives scores; any other a logistic regression.

    Deviations: Papernot et al. follow gradients; here the search is greedy, as entries are limited
    in number and may be categories.
    """

    variant = "evasion.transfer"
    reference = "Papernot, McDaniel, Goodfellow 2016, Transferability in machine learning"
    uses = Power(knowledge=Knowledge(algorithm=Grade.PARTIAL))
    most = Budget(queries=0, compute_h=1.0)
    # Harmless rows that are to be declined are left out: no weakened application is known that a
    # change found on another model breaks there, so that a failure would prove nothing.
    tasks = ("harmful-passes*", "any-wrong*")

    def planner(self, question: EvasionQuestion, access: Access) -> Callable[[RowItem], QueryPlan]:
        """Train once."""
        model = self._train(access)

        def plan(item: RowItem) -> QueryPlan:
            for row in list_turned(item, partial(measure_lead, model)):
                yield row[None]

        return plan

    def _train(self, access: Access) -> Target:
        """Train the own model; one that gives scores."""
        data, seed = access.data(), int(access.rng.integers(2**31))
        if access.retrainable and access.granted.knowledge.algorithm >= Grade.PARTIAL:
            target = access.trainer().fit(data, seed)
            if target.offers >= View.SCORES:
                return target
        rows = plain_rows(access.domain)
        return SklearnTrainer(_build_model(access.domain), access.classes, rows).fit(data, seed)


def _build_model(domain: Domain) -> object:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(build_encoder(domain), LogisticRegression(max_iter=500))


def measure_lead(model: Target, rows: Floats, wanted: Bools) -> Floats:
    """Measure how far the wanted answers `(classes,)` are ahead for rows `(q, d)`."""
    scores = model.answer(rows, View.SCORES).scores
    lead = scores[:, wanted].max(axis=1) - scores[:, ~wanted].max(axis=1)
    return np.asarray(np.where(np.isnan(lead), -np.inf, lead))
