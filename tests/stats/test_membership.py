"""Leave-one-out membership scores against the definitions, written plainly for one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

from goalkeeper import stats
from goalkeeper.stats import lira, offline_lira, relative_likelihood, rmia, student_ratio
from goalkeeper.stats.membership import MIN_DEVIATION, PRIOR_MODELS
from goalkeeper.stats.relative import share_exceeded

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Naive = Callable[[Floats, Floats, Bools], Floats]

LOCATIONS = ("mean", "median")
VARIANCES = ("record", "pooled", "global")


def drawn(models: int = 9, records: int = 31, seed: int = 0) -> tuple[Floats, Bools]:
    """Signals with a scale of their own for each record, and masks without one-sided records."""
    rng = np.random.default_rng(seed)
    member = rng.random((models, records)).argsort(axis=0) < rng.integers(
        3, models - 2, size=records
    )
    signals = rng.normal(size=(models, records)) * rng.gamma(1, size=records)
    return signals + 3 * rng.normal(size=records) + member, member


def one_by_one(naive: Naive, signals: Floats, member: Bools) -> Floats:
    """Take each model as the target, and give the naive code the others only."""
    found = []
    for i in range(len(signals)):
        others = np.arange(len(signals)) != i
        found.append(naive(signals[i], signals[others], member[others]))
    return np.stack(found)


# ---- the definitions, one record at a time ------------------------------------------------------


def normal_law(
    signals: Floats, mask: Bools, j: int, location: str, variance: str
) -> tuple[float, float]:
    own = signals[mask[:, j], j]
    centre = float(np.median(own) if location == "median" else own.mean())
    if variance == "global":
        return centre, float(
            np.concatenate([c[m] for c, m in zip(signals.T, mask.T, strict=True)]).std()
        )
    if variance == "record":
        return centre, float(own.std())
    return centre, float(np.sqrt(pooled(signals, mask)))


def pooled(signals: Floats, mask: Bools) -> float:
    groups = [c[m] for c, m in zip(signals.T, mask.T, strict=True) if m.sum() > 1]
    return float(sum(len(g) * g.var() for g in groups)) / sum(len(g) - 1 for g in groups)


def naive_lira(location: str, variance: str) -> Naive:
    def score(target: Floats, signals: Floats, member: Bools) -> Floats:
        found = []
        for j, x in enumerate(target):
            a, s = normal_law(signals, member, j, location, variance)
            b, t = normal_law(signals, ~member, j, location, variance)
            found.append(
                norm.logpdf(x, a, s + MIN_DEVIATION) - norm.logpdf(x, b, t + MIN_DEVIATION)
            )
        return np.array(found)

    return score


def naive_offline(location: str, variance: str) -> Naive:
    def score(target: Floats, signals: Floats, member: Bools) -> Floats:
        laws = [normal_law(signals, ~member, j, location, variance) for j in range(len(target))]
        return np.array([(x - a) / s for x, (a, s) in zip(target, laws, strict=True)])

    return score


def naive_student(target: Floats, signals: Floats, member: Bools) -> Floats:
    shared = [pooled(signals, mask) for mask in (member, ~member)]
    found = []
    for j, x in enumerate(target):
        laws = []
        for mask, one in zip((member, ~member), shared, strict=True):
            own = signals[mask[:, j], j]
            n = len(own)
            variance = (PRIOR_MODELS * one + n * own.var()) / (PRIOR_MODELS + n - 1)
            laws.append((PRIOR_MODELS + n - 1, own.mean(), np.sqrt(variance * (1 + 1 / n))))
        gap = max(laws[0][1] - laws[1][1], 0.0)
        beyond = max(x - laws[0][1], 0.0) if gap > 0 else 0.0
        above, below = (student.logpdf(x - beyond, *law) for law in laws)
        found.append(above - below + beyond * gap / max(laws[0][2], laws[1][2]) ** 2)
    return np.array(found)


def naive_relative(a: float | None) -> Naive:
    def score(target: Floats, signals: Floats, member: Bools) -> Floats:
        found = []
        for j, p in enumerate(target):
            outside = signals[~member[:, j], j].mean()
            if a is None:
                mean = (signals[member[:, j], j].mean() + outside) / 2
            else:
                mean = (1 + a) / 2 * outside + (1 - a) / 2
            found.append(p / mean)
        return np.array(found)

    return score


# ---- equality -----------------------------------------------------------------------------------


@pytest.mark.parametrize("variance", VARIANCES)
@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("seed", range(5))
def test_lira_is_its_definition(location: Any, variance: Any, seed: int) -> None:
    signals, member = drawn(seed=seed)
    found = lira(signals, member, location=location, variance=variance)
    wanted = one_by_one(naive_lira(location, variance), signals, member)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("variance", VARIANCES)
@pytest.mark.parametrize("location", LOCATIONS)
def test_offline_lira_is_its_definition(location: Any, variance: Any) -> None:
    signals, member = drawn(seed=7)
    found = offline_lira(signals, member, location=location, variance=variance)
    wanted = one_by_one(naive_offline(location, variance), signals, member)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_the_student_ratio_is_its_definition(seed: int) -> None:
    signals, member = drawn(seed=seed)
    found = student_ratio(signals, member)
    np.testing.assert_allclose(
        found, one_by_one(naive_student, signals, member), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("a", [None, 0.0, 0.3, 1.0])
def test_the_relative_likelihood_is_its_definition(a: float | None) -> None:
    signals, member = drawn(seed=3)
    likelihoods = 1 / (1 + np.exp(-signals))
    found = relative_likelihood(likelihoods, member, a=a)
    wanted = one_by_one(naive_relative(a), likelihoods, member)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("score", [lira, offline_lira, student_ratio])
def test_one_target_outside_the_set_is_scored_as_inside_it(score: Any) -> None:
    signals, member = drawn(seed=4)
    every = score(signals, member)
    np.testing.assert_allclose(
        score(signals[1:], member[1:], target=signals[0]), every[0], rtol=1e-9
    )
    likelihoods = 1 / (1 + np.exp(-signals))
    one = relative_likelihood(likelihoods[1:], member[1:], target=likelihoods[0])
    np.testing.assert_allclose(one, relative_likelihood(likelihoods, member)[0], rtol=1e-12)


def test_float32_signals_lose_nothing_in_sums() -> None:
    signals, member = drawn(models=40, seed=5)
    rounded = signals.astype(np.float32)
    for score in (lira, offline_lira, student_ratio):
        np.testing.assert_array_equal(score(rounded, member), score(rounded.astype(float), member))


@pytest.mark.parametrize("gamma", [1.0, 2.0, 0.7])
@pytest.mark.parametrize("a", [None, 0.3])
def test_rmia_is_the_whole_comparison_bit_for_bit(gamma: float, a: float | None) -> None:
    signals, member = drawn(seed=6)
    rng = np.random.default_rng(6)
    likelihoods = np.round(1 / (1 + np.exp(-signals)), 2)  # so that some are equal, and some are 0
    population = np.round(rng.random((len(signals), 53)), 2)
    found = rmia(likelihoods, member, population, gamma=gamma, a=a)
    ratios = relative_likelihood(likelihoods, member, a=a)
    nobody = np.zeros(population.shape, dtype=bool)
    theirs = relative_likelihood(population, nobody, a=1.0 if a is None else a)
    with np.errstate(divide="ignore", invalid="ignore"):
        quotients = ratios[:, :, None] / theirs[:, None, :]
    np.testing.assert_array_equal(found, (quotients > gamma).mean(axis=2))


@given(
    st.lists(st.floats(0, 1e308), min_size=1, max_size=12),
    st.floats(0.01, 100),
    st.integers(-4, 4),
)
@settings(deadline=None, max_examples=300)
def test_exceeded_is_exact_also_next_to_equality(
    others: list[float], gamma: float, steps: int
) -> None:
    """Ratios that lie within four numbers of gamma times another, where rounding decides."""
    z = np.array(others)
    with np.errstate(over="ignore"):
        x = z * gamma
    for _ in range(abs(steps)):
        x = np.nextafter(x, np.inf if steps > 0 else 0.0)
    x = np.where(np.isfinite(x), x, 1.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        wanted = (x[:, None] / z[None, :] > gamma).mean(axis=1)
    np.testing.assert_array_equal(share_exceeded(x, z, gamma), wanted)


# ---- the stated rules ---------------------------------------------------------------------------


def test_one_that_holds_nearly_the_whole_sum_is_left_out_exactly() -> None:
    """Taking 1e8 off a sum would leave nothing of signals around 1e-3."""
    signals, member = drawn(seed=8)
    signals *= 1e-3
    signals[4, ::3] += 1e8
    for found, naive in (
        (lira(signals, member), naive_lira("mean", "record")),
        (offline_lira(signals, member), naive_offline("mean", "record")),
    ):
        wanted = one_by_one(naive, signals, member)
        np.testing.assert_allclose(found[4], wanted[4], rtol=1e-9)
    likelihoods = np.full((6, 2), 1e-20)
    likelihoods[0, 0] = 1.0
    half = np.arange(6)[:, None] % 2 == np.zeros((1, 2))
    found = relative_likelihood(likelihoods, half)
    np.testing.assert_allclose(found, one_by_one(naive_relative(None), likelihoods, half))
    assert found[0, 0] == pytest.approx(1e20)


def test_equal_signals_have_no_spread_and_a_finite_score() -> None:
    signals = np.full((8, 3), 0.1)
    signals[:, 1] = 0.2
    signals[0] = [0.1, 0.2, 5.0]
    member = np.arange(8)[:, None] < np.full((1, 3), 4)
    found = lira(signals, member)
    np.testing.assert_array_equal(found[:, :2], 0.0)  # the same law on both sides
    assert np.isfinite(found).all()
    assert np.isfinite(student_ratio(signals, member)).all()
    assert (offline_lira(signals, member)[0, :2] == 0).all()
    assert offline_lira(signals, member)[0, 2] == pytest.approx((5.0 - 0.1) / MIN_DEVIATION)


@pytest.mark.parametrize("values", [(1.0, 1.0, 1.0, 2.0), (1.0, 2.0, 2.0, 3.0), (2.0, 2.0, 2.0)])
def test_medians_of_equal_signals_are_right(values: tuple[float, ...]) -> None:
    k = len(values)
    signals = np.concatenate([values, [0.0, 1.0, 2.5]])[:, None]
    member = np.arange(k + 3)[:, None] < k
    found = lira(signals, member, location="median", variance="global")
    wanted = one_by_one(naive_lira("median", "global"), signals, member)
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_record_on_one_side_only_has_no_score(location: Any) -> None:
    """Records that all 7 models saw, none, the first only, the first two, and the first three."""
    rng = np.random.default_rng(9)
    signals = rng.normal(size=(7, 5))
    member = np.arange(7)[:, None] < np.array([7, 0, 1, 2, 3])
    likelihoods = 1 / (1 + np.exp(-signals))
    inside, outside = member.sum(axis=0) - member, (~member).sum(axis=0) - ~member
    few = np.minimum(inside, outside)
    assert (few < 1).sum() == 7 + 7 + 1
    for found in (
        student_ratio(signals, member),
        lira(signals, member, location=location, variance="pooled"),
        relative_likelihood(likelihoods, member),
        rmia(likelihoods, member, likelihoods[:, :2]),
    ):
        np.testing.assert_array_equal(np.isnan(found), few < 1)
    # a variance of its own takes two models
    np.testing.assert_array_equal(np.isnan(lira(signals, member, location=location)), few < 2)
    np.testing.assert_array_equal(np.isnan(offline_lira(signals, member)), outside < 2)
    np.testing.assert_array_equal(
        np.isnan(relative_likelihood(likelihoods, member, a=0.3)), outside < 1
    )


def test_what_counts_scores_refuses_those_that_are_missing() -> None:
    signals, member = drawn()
    member[:, 0] = True
    scores = student_ratio(signals, member)[0]
    with pytest.raises(ValueError, match="are NaN"):
        stats.auc(scores[member[0]], scores[~member[0]])


def test_two_models_cannot_attack_each_other_with_variances_of_records() -> None:
    signals, member = np.array([[1.0], [2.0]]), np.array([[True], [False]])
    for found in (lira(signals, member), student_ratio(signals, member)):
        assert np.isnan(found).all()


def test_no_records_give_no_scores() -> None:
    nothing = np.empty((4, 0))
    for score in (lira, offline_lira, student_ratio, relative_likelihood):
        assert score(nothing, nothing > 0).shape == (4, 0)


def test_what_cannot_be_scored_is_refused() -> None:
    signals, member = drawn()
    broken = signals.copy()
    broken[2, 3] = np.nan
    with pytest.raises(ValueError, match="finite signals; 1 of 279 are not"):
        lira(broken, member)
    with pytest.raises(ValueError, match="mask of booleans of the same shape"):
        student_ratio(signals, member.astype(int))
    with pytest.raises(ValueError, match="for each of 31 records"):
        offline_lira(signals, member, target=signals[0, :5])
    with pytest.raises(ValueError, match=r"probabilities in \[0, 1\]"):
        relative_likelihood(signals, member)
    likelihoods = 1 / (1 + np.exp(-signals))
    with pytest.raises(ValueError, match="at least one record"):
        rmia(likelihoods, member, likelihoods[:, :0])
    with pytest.raises(ValueError, match="of 9 models"):
        rmia(likelihoods, member, likelihoods[:4])
    with pytest.raises(ValueError, match="positive gamma"):
        rmia(likelihoods, member, likelihoods, gamma=0)
    with pytest.raises(ValueError, match="need 0 <= a <= 1"):
        relative_likelihood(likelihoods, member, a=30)
