"""The joined tests follow the kind of model: laws of log odds, votes of forests, single answers."""

from __future__ import annotations

import numpy as np
import pytest

from goalkeeper.attacks.membership._weighing import match_law, run_tests, weigh_tests
from goalkeeper.core.data import Bools, Floats
from goalkeeper.core.reference import draw_balanced_masks, plan_stages
from goalkeeper.stats import auc, student_ratio

N = 3000
MODELS = 8
VOTES = 25


def votes(rng: np.random.Generator, member: Bools, ease: Floats) -> Floats:
    """Return log odds of forests: most votes of a seen record, ties and exact 0 and 1 among them.

    The signal of a vote of 0 or 1 is that of a probability of 1e-12, as the attack gives it.
    """
    share = np.where(member, 0.65 + 0.35 * ease, ease)
    p = np.clip(rng.binomial(VOTES, share) / VOTES, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(p) - np.log1p(-p))


def normal(rng: np.random.Generator, member: Bools, ease: Floats) -> Floats:
    return np.asarray(4 * ease + 1.5 * member + rng.normal(size=member.shape))


def play(make: object, seed: int) -> tuple[float, float]:
    """Return the AUC of the joined tests, and that of the t law on log odds alone."""
    rng = np.random.default_rng(seed)
    ease = rng.beta(2, 1, N)
    member = draw_balanced_masks(MODELS, N, rng)
    truth = rng.random(N) < 0.3
    shadow, target = make(rng, member, ease), make(rng, truth, ease)  # type: ignore[operator]
    joined = weigh_tests(shadow, member).decision_function(run_tests(target, shadow, member))
    alone = student_ratio(shadow, member, target=target)
    return auc(joined[truth], joined[~truth]).value, auc(alone[truth], alone[~truth]).value


@pytest.mark.requirement("S48")
def test_votes_of_forests_are_no_log_odds() -> None:
    """A law of the log odds takes a vote of 0 or 1 for an outlier that outweighs all others."""
    joined, log_odds = play(votes, 0)
    assert joined > log_odds + 0.03


@pytest.mark.requirement("S48")
def test_where_log_odds_are_normal_nothing_is_lost() -> None:
    joined, log_odds = play(normal, 1)
    assert joined > log_odds - 0.01


def test_a_model_that_keeps_nothing_has_no_law() -> None:
    """All models answer alike: weights are learned all the same, and nothing is told apart."""
    rng = np.random.default_rng(2)
    member = draw_balanced_masks(MODELS, 60, rng)
    shadow = np.ones((MODELS, 60))
    score = weigh_tests(shadow, member).decision_function(run_tests(shadow[0], shadow, member))
    assert np.ptp(score) == 0


@pytest.mark.parametrize("models", [1, 4, 5, 17, 64])
def test_models_come_in_complementary_pairs(models: int) -> None:
    sizes = plan_stages(models)
    assert all(size % 2 == 0 for size in sizes)
    masks = draw_balanced_masks(sizes[0], 31, np.random.default_rng(0))
    assert masks.shape == (sizes[0], 31)
    assert (masks[::2] != masks[1::2]).all()


def test_ranks_are_kept_and_ties_stay_ties() -> None:
    target = np.array([0.0, 0.0, 5.0, 9.0])
    out = match_law(target, np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert out[0] == out[1] < out[2] < out[3] <= 4
