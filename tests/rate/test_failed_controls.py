"""A control that failed says that an attack may be too weak, not that its successes are none."""

from __future__ import annotations

import math

import pytest

from goalkeeper.core.assessment import Verdict
from goalkeeper.core.evidence import Control, Evidence, Proportion, Status, Trial
from tests.rate.making import evidence, of, rated, rated_one, trial

MASKED = Control(name="the gradient leads to other answers", passed=False, detail="zero")
RANDOM = Control(name="does more than random changes", passed=False, detail="", voids=True)


def failed(*trials: Trial, control: Control = MASKED, name: str = "weak") -> Evidence:
    one = evidence(*trials, name=name, status=Status.CONTROL_FAILED)
    result = one.result.model_copy(update={"controls": (control,), "reason": control.detail})
    return one.model_copy(update={"result": result})


def paired(attack: int, baseline: int, both: int, n: int = 60) -> Proportion:
    return Proportion(successes=attack, n=n, baseline_successes=baseline, baseline_n=n, both=both)


def test_what_was_reached_is_shown_and_nothing_is_ruled_out() -> None:
    one = failed(trial(of(3, 60)), trial(of(30, 60), queries=10))
    result, tested = rated_one(one), rated_one(evidence(*one.result.trials))
    assert [t.demonstrated for t in result.trials] == [t.demonstrated for t in tested.trials]
    assert [t.low for t in result.trials] == [t.low for t in tested.trials]
    assert [t.potential for t in result.trials] == [4, 4]
    assert [t.high for t in result.trials] == [math.inf, math.inf]


@pytest.mark.parametrize("need", [1, 2, 3])
def test_harm_that_was_shown_decides(need: int) -> None:
    alone = rated(need, failed(trial(of(40, 60))))
    assert (alone.verdict, alone.because) == (Verdict.NOT_MET, ("E-weak-outsider",))
    assert alone.reason.startswith("Not met: weak by outsider succeeds with")
    assert alone.not_tested == ()
    assert (alone.exposure.low, alone.exposure.high) == (4, 4)


def test_little_harm_leaves_the_goal_open() -> None:
    shown = rated(1, failed(trial(of(1, 60))), evidence(trial(of(0, 400))))
    assert shown.verdict is Verdict.INCONCLUSIVE
    assert "weak by outsider (control failed)" in shown.reason
    assert [gap.reason for gap in shown.not_tested] == ["control failed: zero"]
    alone = rated(1, failed(trial(of(1, 60))))
    assert (alone.verdict, alone.demonstrated, alone.potential) == (
        Verdict.INCONCLUSIVE, math.inf, 0,
    )  # fmt: skip


def test_a_control_on_who_did_it_leaves_nothing_shown() -> None:
    assert rated_one(failed(trial(of(60, 60), verified=60), control=RANDOM), 3) is None
    assert rated(3, failed(trial(of(60, 60)), control=RANDOM)).verdict is Verdict.INCONCLUSIVE


def test_one_verified_success_counts_at_the_highest_need_unless_the_baseline_had_it_too() -> None:
    def level(tally: Proportion) -> int:
        return int(rated_one(failed(trial(tally, verified=tally.successes)), 3).demonstrated)

    assert level(paired(2, 0, 0)) == level(paired(2, 2, 1)) == 1
    assert level(paired(2, 2, 2)) == level(paired(0, 0, 0)) == 0


@pytest.mark.parametrize("successes", [0, 5, 20, 60])
def test_a_failed_control_never_improves_a_verdict(successes: int) -> None:
    rank = {Verdict.NOT_MET: 0, Verdict.INCONCLUSIVE: 1, Verdict.MET: 2}
    trials = (trial(of(successes, 60)),)
    other = evidence(trial(of(0, 400)), name="other")
    for need in (1, 2, 3):
        tested, weak = evidence(*trials), failed(*trials, name="good_words")
        assert (
            rank[rated(need, weak, other).verdict]
            <= rank[rated(need, tested, other).verdict]
            <= rank[rated(need, other).verdict]
        )
