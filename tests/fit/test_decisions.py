"""Error probabilities of the rule of fit, by simulation and where they are known."""

from __future__ import annotations

import numpy as np
import pytest

from goalkeeper.core.data import Ints
from goalkeeper.fit.decisions import (
    ALPHA,
    AnsweredRecords,
    best_order,
    far_below,
    has_signal,
    near_chance,
    permuted,
    sign_test,
    worse_than_constant,
)


def answered(
    seed: int, n: int, k: int, accuracy: float, shares: list[float] | None = None
) -> AnsweredRecords:
    """Answers that are right with one probability, else any other class."""
    rng = np.random.default_rng(seed)
    y = rng.choice(k, size=n, p=shares)
    wrong = (y + rng.integers(1, k, size=n)) % k
    return AnsweredRecords(y, np.where(rng.random(n) < accuracy, y, wrong), k)


def said(part: AnsweredRecords, order: list[int]) -> AnsweredRecords:
    return AnsweredRecords(part.y, np.asarray(order)[part.labels], part.k)


def test_the_sign_test_is_exact() -> None:
    assert sign_test(0, 0) == 1
    assert sign_test(5, 0) == pytest.approx(1 / 32)
    assert sign_test(3, 1) == pytest.approx(5 / 16)


def test_a_coin_contradicts_its_data_no_more_often_than_stated() -> None:
    """The worst case: answers independent of two classes of equal size, on many records.

    2,000 simulated models: with probability ALPHA each, more than 8 have probability .0002.
    """
    coins = ((answered(2 * s, 200, 2, 0.5), answered(2 * s + 1, 200, 2, 0.5)) for s in range(2000))
    wrong = sum(
        permuted(*pair) is not None or worse_than_constant(pair, int(pair[0].y.mean() > 0.5))
        for pair in coins
    )
    assert wrong <= 2000 * ALPHA + 6


@pytest.mark.parametrize("accuracy", [0.34, 0.5, 0.9])
@pytest.mark.parametrize("k", [3, 10])
def test_no_model_of_several_classes_is_said_to_have_them_in_another_order(
    k: int, accuracy: float
) -> None:
    """200 models: 3 or more false alarms of probability ALPHA have probability .001."""
    pairs = ((answered(2 * s, 300, k, accuracy), answered(2 * s + 1, 200, k, accuracy))
             for s in range(200))  # fmt: skip
    assert sum(permuted(*pair) is not None for pair in pairs) <= 2


@pytest.mark.parametrize(
    ("k", "order"), [(2, [1, 0]), (3, [1, 0, 2]), (3, [1, 2, 0]), (10, [*range(1, 10), 0])]
)
def test_another_order_is_found_with_a_hundred_records(k: int, order: list[int]) -> None:
    """Accuracy .9, n = 100: found in 39 of 40 at least (power above .99)."""
    found = 0
    for s in range(40):
        train, unseen = (
            said(answered(2 * s + i, n, k, 0.9), order) for i, n in ((0, 300), (1, 100))
        )
        better = permuted(train, unseen)
        found += better is not None and bool((better[np.asarray(order)] == np.arange(k)).all())
    assert found >= 39


def test_two_of_many_classes_that_change_places_are_found() -> None:
    order = [1, 0, *range(2, 10)]
    train, unseen = (said(answered(s, 1000, 10, 0.95), order) for s in (1, 2))
    better = permuted(train, unseen)
    assert better is not None
    assert better.tolist() == order


def test_the_best_order_is_that_of_all_orders() -> None:
    from itertools import permutations

    rng = np.random.default_rng(3)
    for _ in range(30):
        confusion: Ints = rng.integers(0, 9, size=(4, 4))
        best = max(sum(confusion[p[j], j] for j in range(4)) for p in permutations(range(4)))
        order = best_order(confusion)
        assert sum(confusion[order[j], j] for j in range(4)) == best
    assert best_order(np.full((3, 3), 5)).tolist() == [0, 1, 2]


def test_constant_answers_are_no_other_order() -> None:
    y = np.repeat([0, 1], [80, 20])
    always = AnsweredRecords(y, np.ones(100, dtype=np.int64), 2)
    assert permuted(always, always) is None
    assert worse_than_constant((always, always), 0)


def test_noise_that_was_memorised_is_no_contradiction() -> None:
    """Unseen records are answered as by a coin, worse than a majority of 70 %."""
    shares = [0.7, 0.3]
    train, unseen = answered(1, 1000, 2, 1.0, shares), answered(2, 1000, 2, 0.5, shares)
    assert not worse_than_constant((train, unseen), 0)
    assert permuted(train, unseen) is None
    assert not has_signal(unseen, 0)


def test_a_model_for_a_rare_class_fits_although_the_majority_is_more_accurate() -> None:
    """1 % positive: recall .8 at 5 % false alarms is right less often than never."""
    rng = np.random.default_rng(4)
    y = (np.arange(2000) % 100 == 0).astype(np.int64)
    found = np.where(y == 1, rng.random(2000) < 0.8, rng.random(2000) < 0.05).astype(np.int64)
    part = AnsweredRecords(y, found, 2)
    assert part.accuracy < (y == 0).mean()
    assert has_signal(part, 0)
    assert not near_chance(part)
    assert not worse_than_constant((part, part), 0)


def test_scores_that_rank_are_a_signal_where_answers_are_not() -> None:
    """A rare class that is hardly ever the answer, but has the higher scores."""
    rng = np.random.default_rng(5)
    y = (np.arange(1000) % 50 == 0).astype(np.int64)
    p = np.clip(0.1 + 0.2 * y + 0.1 * rng.normal(size=1000), 0, 0.49)
    labels = np.zeros(1000, dtype=np.int64)
    labels[1] = 1
    scored = AnsweredRecords(y, labels, 2, np.stack([1 - p, p], axis=1))
    assert has_signal(scored, 0)
    assert not near_chance(scored)
    bare = AnsweredRecords(y, labels, 2)
    assert not has_signal(bare, 0)
    assert near_chance(bare)


def test_far_below_needs_ten_points_and_significance() -> None:
    y = np.arange(400) % 2
    right = np.ones(400, dtype=bool)
    for wrong, far in ((20, False), (60, True)):
        labels = y.copy()
        labels[:wrong] = 1 - labels[:wrong]
        assert far_below(AnsweredRecords(y, labels, 2), right) is far
    few = AnsweredRecords(y[:10], np.r_[1 - y[:2], y[2:10]], 2)
    assert not far_below(few, right[:10])


def test_a_hundred_classes() -> None:
    part = answered(6, 2000, 100, 0.6)
    assert has_signal(part, 0)
    assert permuted(part, answered(7, 1000, 100, 0.6)) is None


def test_the_auc_and_its_p_value_are_those_of_mann_whitney() -> None:
    from scipy.stats import mannwhitneyu

    from goalkeeper.fit.decisions import auc

    rng = np.random.default_rng(8)
    y = rng.integers(0, 2, size=80)
    p = np.round(rng.random(80) + 0.2 * y, 1)  # with ties
    area, least = auc(AnsweredRecords(y, y, 2, np.stack([-p, p], axis=1)))
    known = mannwhitneyu(
        p[y == 1], p[y == 0], alternative="greater", use_continuity=False, method="asymptotic"
    )
    assert area == pytest.approx(known.statistic / (y.sum() * (80 - y.sum())))
    assert least == pytest.approx(2 * known.pvalue)
