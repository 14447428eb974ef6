"""The games of hidden victims know what their victims are, and compare with naming one kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Application
from goalkeeper.core.cost import Cost
from goalkeeper.core.data import Ints
from goalkeeper.core.errors import DataError
from goalkeeper.core.evidence import AttackResult, Gain
from goalkeeper.core.power import Budget, Capability, Power, View
from goalkeeper.games.base import Deal, Game, Marking
from goalkeeper.games.hyperparameters import HyperparameterInference
from goalkeeper.games.model_family import ModelFamilyInference
from goalkeeper.games.shared.hidden_victims import draw_kinds, draw_records
from goalkeeper.games.tallies import beats_baseline, estimate_tally
from tests.public_tables import table

VictimGame = Game[Any, Ints, Ints]
FAMILY, STRENGTH = ModelFamilyInference(), HyperparameterInference()


@pytest.fixture(scope="module")
def app() -> Application:
    return table(load_breast_cancer)


def dealt(app: Application, game: VictimGame) -> Deal[Any, Ints]:
    return game.deal(app, game.tasks(app)[0], np.random.default_rng(0))


def evaluate(
    app: Application, game: VictimGame, answer: Any, deal: Deal[Any, Ints]
) -> AttackResult:
    return game.mark(
        Marking(
            app=app,
            task=game.tasks(app)[0],
            deal=deal,
            answers=[Checkpoint(answer, Cost(queries=7), np.full(deal.campaigns, 7))],
            granted=Power(capabilities=Capability.M2, view=View.SCORES, budget=Budget(queries=100)),
            rng=np.random.default_rng(0),
            victim=np.random.SeedSequence(1),
        )
    )


def tally(result: AttackResult) -> Gain:
    found = result.trials[-1].tally
    assert isinstance(found, Gain)
    return found


@pytest.mark.requirement("S34")
@pytest.mark.parametrize(("game", "kinds"), [(STRENGTH, 5)])
def test_correct_guesses_are_counted_beside_naming_one(
    app: Application, game: VictimGame, kinds: int
) -> None:
    deal = dealt(app, game)
    assert len(deal.question.names) == kinds
    assert deal.campaigns == len(deal.victims) == 30
    perfect, one = (evaluate(app, game, a, deal) for a in (deal.secret, np.zeros(30, dtype=int)))
    assert (tally(perfect).successes, tally(perfect).n) == (30, 30)
    assert tally(perfect).baseline_successes == tally(one).successes == 30 // kinds
    assert beats_baseline(tally(perfect))
    assert not beats_baseline(tally(one))
    headline = perfect.measurements[0]
    assert headline.metric == "normalised_gain"
    both = (headline.value, headline.low, headline.high)
    assert both == pytest.approx(tuple(estimate_tally(tally(perfect))))


def test_answers_that_are_no_guesses_are_refused(app: Application) -> None:
    deal = dealt(app, STRENGTH)
    for answer in (np.zeros(3, dtype=int), np.full(30, 5), np.zeros(30), None):
        with pytest.raises(DataError):
            evaluate(app, STRENGTH, answer, deal)


def test_victims_do_not_share_all_records(app: Application) -> None:
    rng = np.random.default_rng(3)
    first, second = (draw_records(app.data.train, 100, rng) for _ in "ab")
    assert len(first) == 100
    assert set(np.unique(first.y)) == set(np.unique(app.data.train.y))
    assert (first.x != second.x).any()


def test_kinds_are_dealt_equally_often() -> None:
    hidden = draw_kinds(30, 6, np.random.default_rng(0))
    assert np.bincount(hidden).tolist() == [5] * 6
    assert (hidden != draw_kinds(30, 6, np.random.default_rng(1))).any()


@pytest.mark.parametrize("game", [FAMILY, STRENGTH])
def test_few_records_are_not_tested(app: Application, game: VictimGame) -> None:
    small = table(load_iris)
    few = replace(small, data=replace(small.data, train=small.data.train.take(slice(0, 50))))
    (task,) = game.tasks(few)
    assert "are too few" in str(game.unfit(few, task))
    assert game.unfit(app, task) is None
