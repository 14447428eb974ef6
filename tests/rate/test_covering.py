"""The same attack with more power speaks for the one with less, in every kind of run."""

from __future__ import annotations

import pytest

from goalkeeper.core.assessment import Verdict
from goalkeeper.core.evidence import Evidence, Measurement
from tests.rate.making import evidence, of, rated, requires, trial

NEED = 2  # the critical exposure begins above 5 %


def weak(successes: int = 0, n: int = 40) -> Evidence:
    """Too few inputs to exclude 5 %."""
    return evidence(trial(of(successes, n)), name="probe", attacker="outsider")


def strong(n: int = 200, **known: str) -> Evidence:
    """None of many inputs, with more knowledge."""
    needs = requires("insider", **(known or {"data": "full"}))
    return evidence(trial(of(0, n)), name="probe", attacker="insider", needs=needs)


def test_what_a_stronger_attacker_did_not_reach_does_not_stay_open_for_a_weaker_one() -> None:
    alone = rated(NEED, weak())
    assert alone.verdict is Verdict.INCONCLUSIVE
    both = rated(NEED, weak(), strong())
    assert both.verdict is Verdict.MET
    assert not both.not_tested
    assert set(both.attackers) == {"outsider", "insider"}


def slower(one: Evidence) -> Evidence:
    needs = one.requires.model_copy(update={"queries_per_day": 1})
    return one.model_copy(update={"requires": needs})


def changing(share: float, one: Evidence) -> Evidence:
    """The same evidence of an attack that changes a share of the training data."""
    trials = tuple(t.model_copy(update={"share": share}) for t in one.result.trials)
    result = one.result.model_copy(update={"trials": trials})
    return one.model_copy(update={"result": result})


def beside(baseline: float, one: Evidence) -> Evidence:
    """The same evidence, shown beside a baseline."""
    shown = Measurement(metric="success_rate", value=0, low=0, high=0.1, n=40, baseline=baseline)
    result = one.result.model_copy(update={"measurements": (shown,)})
    return one.model_copy(update={"result": result})


def test_a_higher_baseline_hides_what_a_weaker_attacker_gains_beyond_a_lower_one() -> None:
    hides, shows = beside(0.3, strong()), beside(0.1, strong())
    assert rated(NEED, beside(0.1, weak()), hides).verdict is Verdict.INCONCLUSIVE
    assert rated(NEED, beside(0.1, weak()), shows).verdict is Verdict.MET


def test_it_must_change_as_much_of_the_training_data() -> None:
    less, more = changing(0.05, strong()), changing(0.2, strong())
    assert rated(NEED, changing(0.1, weak()), less).verdict is Verdict.INCONCLUSIVE
    assert rated(NEED, changing(0.1, weak()), more).verdict is Verdict.MET


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(strong(n=40), id="it settles nothing either"),
        pytest.param(slower(strong()), id="it may ask fewer queries"),
        pytest.param(strong().model_copy(update={"attack": "other"}), id="another attack"),
        pytest.param(strong().model_copy(update={"task": "other"}), id="another task"),
    ],
)
def test_nothing_else_speaks_for_it(other: Evidence) -> None:
    assert rated(NEED, weak(), other).verdict is Verdict.INCONCLUSIVE


def test_it_must_know_all_that_the_other_knows() -> None:
    knows_more = weak().model_copy(update={"requires": requires("outsider", model="full")})
    assert rated(NEED, knows_more, strong(data="full")).verdict is Verdict.INCONCLUSIVE
    assert rated(NEED, knows_more, strong(model="full")).verdict is Verdict.MET


def test_a_success_of_the_weaker_one_counts_whatever_the_stronger_one_reached() -> None:
    assert rated(NEED, weak(successes=20), strong()).verdict is Verdict.NOT_MET
