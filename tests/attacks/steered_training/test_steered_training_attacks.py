"""Steered trainings: seeds, orders, shares of steps, and weights, on real estimators."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neural_network import MLPClassifier

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.steered_training._orders import classes_to_put_last
from goalkeeper.attacks.steered_training.batch_order import BatchOrder
from goalkeeper.attacks.steered_training.loss_weights import LossWeights
from goalkeeper.attacks.steered_training.seed_choice import SeedChoice, _worst
from goalkeeper.attacks.steered_training.step_order import StepOrder
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Application
from goalkeeper.core.evidence import AttackResult, Proportion
from goalkeeper.core.power import Budget
from goalkeeper.games.steered_training import SteeredTraining, TrainingAim
from goalkeeper.games.steered_training.game import TASK
from goalkeeper.training import SklearnTrainer
from tests.contract.harness import AnAttack, build, enough


def app_with(estimator: Any) -> Application:
    app = build(BatchOrder, "table", "rigged", 0)
    trainer = SklearnTrainer(estimator, app.classes, app.domain)
    return replace(app, trainer=trainer, target=trainer.fit(app.data.train, 0))


def run_with(attack: Any, app: Application, share: float = 0.1) -> AttackResult:
    kind: AnAttack = type(attack)
    this = AttackRun(
        attack=attack,
        game=SteeredTraining().smaller(),
        task=TASK,
        granted=replace(enough(kind), budget=Budget(share=share)),
        seed=0,
    )
    return evaluate(app, this)


def rates(result: AttackResult) -> tuple[float, float]:
    tally = result.trials[-1].tally
    assert isinstance(tally, Proportion)
    return tally.successes / tally.n, tally.baseline_successes / tally.baseline_n


def aim(labels: list[int], harmless: int | None) -> TrainingAim:
    return TrainingAim(rows=len(labels), tolerance=0.02, harmless=harmless, labels=np.array(labels))


def access(share: float) -> Access:
    app = build(StepOrder, "table", "rigged", 0)
    granted = replace(enough(StepOrder), budget=Budget(share=share))
    rng = np.random.default_rng(0)
    return Access(app, Terms(granted=granted, rng=rng, victim=np.random.SeedSequence(0)))


def test_what_comes_last() -> None:
    assert classes_to_put_last(aim([0, 1, 2], harmless=1)).tolist() == [True, False, True]
    assert classes_to_put_last(aim([0, 0, 1, 1, 1, 3], harmless=None)).tolist() == [
        False,
        False,
        False,
        True,
    ]


@pytest.mark.requirement("S18")
def test_the_last_steps_see_one_class_and_no_record_is_lost() -> None:
    labels = np.array([0, 1, 0, 1, 1, 0, 0, 1])
    steering = BatchOrder().run(aim(labels.tolist(), harmless=0), access(0.1))
    assert steering.order is not None
    honest = np.random.default_rng(0).permutation(8)
    order = steering.order(honest, labels, 0)
    assert sorted(order.tolist()) == list(range(8))
    assert labels[order].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


@pytest.mark.requirement("S19")
@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.5, 1.0])
def test_no_more_places_are_touched_than_are_influenced(share: float) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    steering = StepOrder().run(aim(labels.tolist(), harmless=0), access(share))
    assert steering.order is not None
    honest = rng.permutation(200)
    order = steering.order(honest, labels, 3)
    assert sorted(order.tolist()) == list(range(200))
    assert (order != honest).sum() <= share * 200
    late = labels[order][-10:].mean() >= labels[honest][-10:].mean()
    assert late
    if share == 1.0:
        assert (np.diff(labels[order]) >= 0).all()


@pytest.mark.requirement("S18")
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # few passes on purpose
def test_order_harms_what_learns_step_by_step() -> None:
    """The order alone: the records and their labels are the same in both trainings."""
    for estimator in (
        SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.5, max_iter=4, tol=None),
        MLPClassifier(
            (8,), solver="sgd", learning_rate_init=0.1, batch_size=8, max_iter=12, tol=0.0,
            n_iter_no_change=12,
        ),
    ):  # fmt: skip
        result = run_with(BatchOrder(), app_with(estimator))
        steered, honest = rates(result)
        assert steered > honest + 0.3, result.summary


@pytest.mark.requirement("S19")
def test_a_larger_share_of_steps_harms_more() -> None:
    app = build(StepOrder, "table", "rigged", 0)
    few, many = (rates(run_with(StepOrder(), app, share))[0] for share in (0.01, 0.5))
    assert many > few + 0.2
    assert run_with(StepOrder(), app, 0.5).trials[0].budget == 0.5


@pytest.mark.requirement("S18")
def test_the_worst_seed_within_what_validation_passes() -> None:
    counts = np.array([True, True, False, False])
    wrong = np.array([
        [False, False, False, False],
        [True, False, False, False],
        [True, True, False, False],
        [True, True, True, True],
        [False, False, True, False],
    ])  # fmt: skip
    assert _worst(wrong, counts, 1.0) == 2  # equal to the last but one in harm, and found first
    assert _worst(wrong, counts, 0.3) == 2
    assert _worst(wrong, counts, 0.0) == 1


@pytest.mark.requirement("S18")
def test_weights_harm_a_closed_solver_and_validation_would_see_it() -> None:
    result = run_with(LossWeights(), app_with(LogisticRegression()))
    steered, honest = rates(result)
    assert steered > 0.9
    assert honest == 0
    lost = next(m for m in result.measurements if m.metric.startswith("accuracy lost"))
    assert lost.value > 0.1
    assert "would have noticed" in lost.note


@pytest.mark.requirement("S18")
def test_the_chosen_seed_is_used_and_copies_are_counted() -> None:
    app = build(SeedChoice, "image", "rigged", 0)
    attack = SeedChoice(seeds=7)
    result = run_with(attack, app)
    assert result.cost.models == 7
    assert "steered: the seed" in result.caveats[-1]
