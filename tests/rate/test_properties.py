"""What must hold of every rating, whatever the evidence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goalkeeper.core.assessment import Verdict
from goalkeeper.core.evidence import Evidence, Status
from tests.rate.making import evidence, of, random_evidence, rated, rated_one, stream, trial

RANK = {Verdict.NOT_MET: 0, Verdict.INCONCLUSIVE: 1, Verdict.MET: 2}


seeds = st.integers(0, 2**32)
many = settings(max_examples=150, deadline=None)


def portfolio(seed: int, size: int) -> list[Evidence]:
    rnd = stream(seed)
    return [random_evidence(rnd, i) for i in range(size)]


@pytest.mark.requirement("S2", "S9")
@many
@given(seeds, st.integers(2, 6), st.sampled_from([1, 2, 3]))
def test_adding_evidence_never_improves_a_verdict(seed: int, size: int, need: int) -> None:
    first = evidence(trial(of(0, 400)), name="first")
    found = [first, *portfolio(seed, size)]
    ranks = [RANK[rated(need, *found[:k], hypotheses=6).verdict] for k in range(1, size + 2)]
    assert ranks == sorted(ranks, reverse=True)


@pytest.mark.requirement("S2", "S3")
@many
@given(seeds, st.integers(0, 5))
def test_a_higher_need_never_improves_a_verdict(seed: int, size: int) -> None:
    found = portfolio(seed, size)
    ranks = [RANK[rated(need, *found).verdict] for need in (1, 2, 3)]
    assert ranks == sorted(ranks, reverse=True)


@pytest.mark.requirement("S2")
@many
@given(seeds, st.integers(0, 5), st.sampled_from([0, 1, 2, 3]))
def test_brackets_are_never_inverted(seed: int, size: int, need: int) -> None:
    result = rated(need, *portfolio(seed, size))
    assert result.potential <= result.demonstrated
    assert result.risk.low <= result.risk.high
    assert result.exposure.low <= result.exposure.high


UNTESTED = [s for s in list(Status)[2:] if s is not Status.COVERED]


@pytest.mark.requirement("S2")
@many
@given(seeds, st.sampled_from([1, 2, 3]), st.sampled_from(UNTESTED))
def test_untested_is_never_green_and_never_red(seed: int, need: int, status: Status) -> None:
    alone = rated(need, evidence(status=status))
    assert alone.verdict is Verdict.INCONCLUSIVE
    found = [evidence(trial(of(0, 4000)), name="tested"), *portfolio(seed, 2)]
    before, after = rated(need, *found), rated(need, *found, evidence(status=status, name="gap"))
    assert after.verdict is not Verdict.MET
    assert (after.verdict is Verdict.NOT_MET) == (before.verdict is Verdict.NOT_MET)


@pytest.mark.parametrize("need", [1, 2, 3])
def test_an_empty_portfolio_is_inconclusive(need: int) -> None:
    result = rated(need)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason == "Inconclusive: no attack was tested."
    assert (result.exposure.low, result.exposure.high) == (0, 4)
    alone = rated(need, evidence(status=Status.NOT_APPLICABLE))
    assert alone.verdict is Verdict.INCONCLUSIVE
    assert alone.not_tested == ()


def test_another_planned_test_never_makes_a_level_rise() -> None:
    one = evidence(trial(of(30, 400)))
    levels = [rated_one(one, hypotheses=m).demonstrated for m in (1, 3, 10, 100, 10000)]
    assert levels == sorted(levels, reverse=True)
