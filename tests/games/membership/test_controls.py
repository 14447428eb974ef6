"""Memorisers that every sound attack beats, and records that look the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from goalkeeper.attack_run import AttackRun, execute
from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.membership.label_robustness import LabelRobustness
from goalkeeper.attacks.membership.loss_threshold import LossThreshold
from goalkeeper.attacks.membership.neighbour_loss import NeighbourLoss
from goalkeeper.core.access import Checkpoint
from goalkeeper.core.cost import Cost
from goalkeeper.core.data import Floats
from goalkeeper.core.evidence import AttackResult, Ratio, Status
from goalkeeper.core.power import Power
from goalkeeper.games.base import Marking
from goalkeeper.games.membership import Membership
from goalkeeper.games.membership.game import TASK
from goalkeeper.games.tallies import bounds
from tests.contract.harness import enough
from tests.games.membership.worlds import shifted


def right(app: Any, share: float) -> Any:
    """Return scores that are right on a share of all records, members or not."""
    truth: dict[float, int] = {}
    for part, count in app.data.sizes().items():
        data = getattr(app.data, part)
        hit = np.random.default_rng(count).random(count) < share
        y = np.where(hit, data.y, (data.y + 1) % len(app.classes))
        truth |= dict(zip(data.x[:, 1].tolist(), y.tolist(), strict=True))

    def scores(x: Floats) -> Floats:
        y = np.array([truth.get(v, 0) for v in x[:, 1].tolist()])
        return np.asarray(0.1 / len(app.classes) + 0.9 * np.eye(len(app.classes))[y])

    return scores


@pytest.mark.requirement("S48")
@pytest.mark.parametrize(
    "attack", [LabelRobustness(versions=2), LossThreshold(), NeighbourLoss(neighbours=4)]
)
@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize("accuracy", [0.0, 0.5, 0.8, 1.0])
def test_no_accuracy_and_no_number_of_classes_lets_the_control_fail(
    attack: Attack[Any, Any], classes: int, accuracy: float
) -> None:
    """A model that is right by chance on a share of everybody's records keeps none of them."""
    from dataclasses import replace

    from tests.games.membership.worlds import Function

    app = shifted(0, None, n=150, classes=classes)
    app = replace(app, target=Function(right(app, accuracy)))
    granted = enough(type(attack))
    run = AttackRun(attack=attack, game=Membership(), task=TASK, granted=granted, seed=1)
    result = execute(app, run)
    assert result.status is Status.TESTED, result.reason
    assert all(control.passed for control in result.controls if "weakened" in control.name)


def marked(scores_of: Any, seed: int, n: int = 1000) -> AttackResult:
    """Mark scores that are drawn for members and for others."""
    rng = np.random.default_rng([seed, 9])
    app = shifted(0, None, n=n, seed=seed)
    dealt = Membership().deal(app, TASK, rng)
    scores = np.asarray(scores_of(dealt.secret.member, rng), dtype=np.float64)
    point = Checkpoint(scores, Cost(), np.ones(len(scores), dtype=np.int64))
    return Membership().mark(
        Marking(app=app, task=TASK, deal=dealt, answers=(point,), granted=Power(), rng=rng)
    )


@pytest.mark.requirement("S48")
def test_records_that_look_the_same_are_called_by_a_coin() -> None:
    """Members are all right, others half of them: at any rate f a positive call is twice as likely.

    Without the coin nothing at all lies above the one threshold that there is.
    """
    result = marked(lambda member, rng: member | (rng.random(len(member)) < 0.5), 0)
    tally = result.trials[-1].tally
    assert isinstance(tally, Ratio)
    for at in tally.at:
        expected = at.fpr * at.negatives
        assert abs(at.false_positives - expected) < 5 * np.sqrt(2 * expected) + 5
        assert abs(at.true_positives - 2 * expected) < 10 * np.sqrt(2 * expected) + 10
    assert bounds(tally, 0.05).low > 1.2


@pytest.mark.requirement("S48")
def test_randomised_response_shows_its_epsilon() -> None:
    """Members answer yes with probability e / (1 + e): the mean bound is below 1, well above 0."""
    share = math.e / (1 + math.e)
    found = []
    for seed in range(6):
        result = marked(
            lambda member, rng: np.where(rng.random(len(member)) < share, member, ~member), seed
        )
        found += [m.value for m in result.measurements if m.metric == "empirical epsilon"]
    assert max(found) < 1
    assert np.mean(found) > 0.3


@pytest.mark.requirement("S48")
@pytest.mark.parametrize(("n", "edge"), [(500, 2.718), (1000, 2.718)])
def test_without_a_leak_the_ratio_is_bounded(n: int, edge: float) -> None:
    """A high need is met from 500 records a side on; 5 of 6 runs at least."""
    tallies = [
        marked(lambda member, rng: rng.random(len(member)), seed, n).trials[-1].tally
        for seed in range(6)
    ]
    assert sum(bounds(tally, 0.05).high < edge for tally in tallies) >= 5


def test_a_leak_at_a_low_rate_is_not_bounded_away() -> None:
    """A twentieth of the members is given away: 50 of 1,000, where one false alarm is expected."""
    result = marked(
        lambda member, rng: rng.random(len(member)) + (member & (rng.random(len(member)) < 0.05)), 0
    )
    assert bounds(result.trials[-1].tally, 0.05).high > 10
