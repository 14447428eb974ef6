"""The steered training game: what a training depends on, and what a steering may change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import MultinomialNB

from goalkeeper.attacks.steered_training.batch_order import BatchOrder
from goalkeeper.attacks.steered_training.loss_weights import LossWeights
from goalkeeper.attacks.steered_training.seed_choice import SeedChoice
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Ints
from goalkeeper.core.errors import ChangeRefused, NotGranted
from goalkeeper.core.power import Capability
from goalkeeper.games.steered_training import SteeredTraining, Steering
from goalkeeper.games.steered_training.game import TASK
from goalkeeper.training import SklearnTrainer
from tests.games.tampering import EVERYTHING, app_of, assert_controlled, result_of, tally

GAME = SteeredTraining().smaller()


def with_estimator(estimator: Any, domain: str = "table") -> Application:
    app = app_of(domain)
    trainer = SklearnTrainer(estimator, app.classes, app.domain)
    return replace(app, trainer=trainer, target=trainer.fit(app.data.train, 0))


@pytest.mark.requirement("S18", "S19")
def test_an_honest_steering_changes_nothing_beyond_chance() -> None:
    result = result_of(lambda aim, access: Steering(order=lambda honest, y, epoch: honest), GAME)
    assert tally(result).successes == 0
    lost = result.measurements[1]
    assert lost.metric == "accuracy lost on validation data"
    assert lost.value == 0


@pytest.mark.requirement("S18")
def test_seed_and_order_are_proven_not_to_count_where_they_do_not() -> None:
    app = with_estimator(LogisticRegression())
    for attack in (SeedChoice(), BatchOrder()):
        unfit = attack.unfit(app)
        assert unfit is not None
        assert unfit.proven
        assert "gave the same model" in unfit.reason
    assert LossWeights().unfit(app) is None
    counting = with_estimator(MultinomialNB())
    assert (found := BatchOrder().unfit(counting)) is not None
    assert found.proven
    forest = with_estimator(RandomForestClassifier(5))
    assert SeedChoice().unfit(forest) is None
    assert (found := BatchOrder().unfit(forest)) is not None
    assert not found.proven
    by_steps = with_estimator(SGDClassifier(max_iter=5, tol=None))
    assert SeedChoice().unfit(by_steps) is None
    assert BatchOrder().unfit(by_steps) is None


def test_without_a_recipe_nothing_is_proven() -> None:
    app = replace(app_of(), trainer=None)
    for unfit in (SteeredTraining().unfit(app, TASK), SeedChoice().unfit(app)):
        assert unfit is not None
        assert not unfit.proven


@pytest.mark.requirement("S19")
def test_who_influences_steps_moves_no_more_than_the_share() -> None:
    only_steps = replace(EVERYTHING, capabilities=Capability.M4)

    def turned(honest: Ints, labels: Ints, epoch: int) -> Ints:
        return honest[::-1]

    with pytest.raises(ChangeRefused, match=r"at most 10\.00% of them"):
        result_of(lambda aim, access: Steering(order=turned), GAME, power=only_steps)
    with pytest.raises(NotGranted, match="need capability M3"):
        result_of(lambda aim, access: Steering(seed=3), GAME, power=only_steps)
    nothing = replace(EVERYTHING, capabilities=Capability.W)
    with pytest.raises(NotGranted, match="M3 or M4"):
        result_of(lambda aim, access: Steering(seed=3), GAME, power=nothing)


def test_an_order_that_drops_records_is_refused() -> None:
    def some(honest: Ints, labels: Ints, epoch: int) -> Ints:
        return np.repeat(honest[: len(honest) // 2], 2)

    with pytest.raises(ChangeRefused, match="every row of the epoch exactly once"):
        result_of(lambda aim, access: Steering(order=some), GAME)


@pytest.mark.parametrize(
    "bad", [np.ones(3), np.full(200, -1.0), np.zeros(200), np.full(200, np.nan)]
)
def test_weights_that_do_not_fit_are_refused(bad: Any) -> None:
    with pytest.raises(ChangeRefused, match="do not fit 200 rows"):
        result_of(lambda aim, access: Steering(weights=bad), GAME)


def test_steer_trains_and_counts() -> None:
    models: list[int] = []

    def how(aim: Any, access: Access) -> Steering:
        steering = Steering(order=lambda honest, y, epoch: np.sort(honest))
        steered = access.steer(steering)
        models.append(steered.spent.models)
        assert len(steered.query(access.data().x[:3]).labels) == 3
        return steering

    result_of(how, GAME)
    assert models == [1]


def test_what_nobody_wins_is_controlled_by_a_weakened_application() -> None:
    assert_controlled(BatchOrder())
