"""Columns that matter come out of labels alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.indicator_columns.indicator_features import IndicatorFeatures
from goalkeeper.core.application import Application
from goalkeeper.core.evidence import AttackResult, Gain
from goalkeeper.core.power import Budget, Grade, Knowledge
from goalkeeper.games.indicator_columns import ColumnIndicators
from goalkeeper.games.indicator_columns.game import TASK
from goalkeeper.games.tallies import beats_baseline
from goalkeeper.testing.worlds import indicator_columns
from tests.contract.harness import enough
from tests.public_tables import table


def result_of(app: Application, queries: float, data: Grade = Grade.NONE) -> AttackResult:
    granted = replace(enough(IndicatorFeatures), knowledge=Knowledge(data=data))
    this = AttackRun(
        attack=IndicatorFeatures(),
        game=ColumnIndicators(),
        task=TASK,
        granted=replace(granted, budget=Budget(queries=queries)),
        seed=0,
    )
    return evaluate(app, this)


def tally(result: AttackResult) -> Gain:
    found = result.trials[-1].tally
    assert isinstance(found, Gain)
    return found


@pytest.mark.requirement("S17", "S33")
def test_more_queries_find_more_columns() -> None:
    app = indicator_columns.rigged("table", np.random.default_rng(1))
    little, much = (result_of(app, queries) for queries in (500, 8000))
    assert tally(much).successes >= max(18, tally(little).successes)
    assert beats_baseline(tally(much))
    assert tally(much).n == 20


@pytest.mark.requirement("S33")
def test_columns_of_a_real_model_are_found_better_than_by_drawing() -> None:
    app = table(load_breast_cancer)
    found = tally(result_of(app, 8000))
    assert (found.n, found.baseline_n) == (15, 30)
    assert found.successes >= 10


def test_nothing_to_start_from_gives_a_list_all_the_same() -> None:
    app = indicator_columns.rigged("table", np.random.default_rng(1))
    result = result_of(app, 10)
    assert result.cost.queries <= 10
    assert tally(result).n == 20
