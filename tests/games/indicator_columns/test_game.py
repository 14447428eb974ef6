"""The indicator columns game knows which columns matter, and compares with guessing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Application
from goalkeeper.core.cost import Cost
from goalkeeper.core.errors import DataError, NotOffered
from goalkeeper.core.evidence import AttackResult, Gain, Status
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.games.base import Deal, Marking
from goalkeeper.games.indicator_columns import ColumnIndicators
from goalkeeper.games.indicator_columns.game import TASK
from goalkeeper.games.indicator_columns.influence import column_names, measure_influence
from goalkeeper.targets import PythonTarget
from goalkeeper.testing.worlds import indicator_columns
from tests.public_tables import table

GAME = ColumnIndicators()


@pytest.fixture(scope="module")
def app() -> Application:
    return table(load_breast_cancer)


def evaluate(
    app: Application, answer: Any, deal: Deal[Any, Any], data: Grade = Grade.NONE
) -> AttackResult:
    return GAME.mark(
        Marking(
            app=app,
            task=TASK,
            deal=deal,
            answers=[Checkpoint(answer, Cost(queries=7), np.full(deal.campaigns, 7))],
            attacker=Power(knowledge=Knowledge(data=data)),
            granted=Power(
                capabilities=Capability.M2,
                view=View.SCORES,
                budget=Budget(queries=100),
            ),
            rng=np.random.default_rng(0),
            victim=np.random.SeedSequence(1),
        )
    )


def tally(result: AttackResult) -> Gain:
    found = result.trials[-1].tally
    assert isinstance(found, Gain)
    return found


@pytest.mark.requirement("S33")
def test_the_columns_that_matter_are_read_from_weights_or_measured() -> None:
    app = indicator_columns.rigged("table", np.random.default_rng(0))
    weights = app.target.parameters()["weights"][0]
    read, how = measure_influence(app.target, app.data.holdout)
    truth = set(np.argsort(-np.abs(weights))[:20])
    assert set(np.argsort(-read)[:20]) == truth
    assert "weight" in how

    class Sealed:
        offers = View.SCORES
        answer = staticmethod(app.target.answer)

        def parameters(self) -> Any:
            raise NotOffered("sealed")

        def artefact(self) -> Any:
            raise NotOffered("sealed")

    measured, how = measure_influence(Sealed(), app.data.holdout)
    assert set(np.argsort(-measured)[:20]) == truth
    assert "shuffled" in how


@pytest.mark.requirement("S33")
def test_named_columns_are_counted_beside_drawing_and_own_data(app: Application) -> None:
    deal = GAME.deal(app, TASK, np.random.default_rng(0))
    pull, _ = measure_influence(app.target, app.data.holdout)
    names = column_names(app.domain)
    ranked = [names[i] for i in np.argsort(-pull)]
    best = tally(evaluate(app, ranked, deal))
    assert (best.successes, best.n) == (15, 15)
    assert (best.baseline_successes, best.baseline_n) == (15, 30)
    worst = tally(evaluate(app, ranked[::-1], deal))
    assert worst.successes == 0
    informed = tally(evaluate(app, ranked, deal, Grade.PARTIAL))
    assert informed.baseline_n == 15
    assert informed.baseline_successes > 7
    with pytest.raises(DataError, match="names of columns"):
        evaluate(app, ["none such"], deal)


def test_few_columns_are_not_tested(app: Application) -> None:
    assert "too few to distinguish" in str(GAME.unfit(table(load_iris), TASK))
    assert GAME.unfit(app, TASK) is None


def test_columns_that_move_nothing_are_not_tested(app: Application) -> None:
    constant = PythonTarget(
        lambda x: np.tile([0.9, 0.1], (len(x), 1)), app.classes, app.domain, sample=app.data.train.x
    )
    still = replace(app, target=constant)
    result = evaluate(
        still, column_names(app.domain), GAME.deal(app, TASK, np.random.default_rng(0))
    )
    assert result.status is Status.NOT_TESTED
