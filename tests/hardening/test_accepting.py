"""When a defence is accepted: a function of what was measured, tried on made-up measurements."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from goalkeeper.comparing import Direction
from goalkeeper.core.assessment import Verdict
from goalkeeper.core.goals import Goal
from goalkeeper.hardening.accepting import TrialOutcome, decide
from goalkeeper.hardening.records import SideEffect

P, A = Goal.PRIVACY, Goal.AVAILABILITY
INF = float("inf")


def value(x: float) -> SimpleNamespace:
    return SimpleNamespace(value=x, low=x - 0.05, high=x + 0.05, n=200)


def row(p_holm: float = 0.001, before: float = 0.8, after: float = 0.1) -> SimpleNamespace:
    return SimpleNamespace(
        attack="loss_threshold", goals=(P,), p_holm=p_holm, before=value(before),
        after=value(after), difference=value(after - before),
    )  # fmt: skip


def assessment(verdict: Verdict, points: float, *, other: Verdict = Verdict.MET) -> SimpleNamespace:
    trial = SimpleNamespace(demonstrated=3, attack_potential=SimpleNamespace(points=points))
    rated = SimpleNamespace(trials=(trial,) if points < INF else ())
    evidence = SimpleNamespace(
        id="e1", attack="loss_threshold", task="membership", attacker="customer", goals=(P,),
        rated=rated, standing=SimpleNamespace(decides=True),
    )  # fmt: skip
    goals = {
        P: SimpleNamespace(verdict=verdict, demonstrated=points, critical=3, cheapest_attack="e1"),
        A: SimpleNamespace(verdict=other, demonstrated=INF, critical=3, cheapest_attack=""),
    }
    plan = SimpleNamespace(
        attack="loss_threshold",
        task="membership",
        attacker="customer",
        status="planned",
        evidence="e1",
    )
    return SimpleNamespace(evidence=(evidence,), goals=goals, plan=(plan,))


def measured(**changed: Any) -> TrialOutcome:
    same = SimpleNamespace(change=Direction.UNDECIDED, sentence="As before.")
    made = {
        "aimed": (P,),
        "deciding": SimpleNamespace(attacks=(row(),), alpha=0.05),
        "whole": SimpleNamespace(goals={P: same, A: same}),
        "before": assessment(Verdict.NOT_MET, 5),
        "after": assessment(Verdict.MET, INF),
        "side_effects": (effect(0.10, 0.11),),
        "tried": 5,
        "complete": True,
        **changed,
    }
    return TrialOutcome(**cast(Any, made))


def effect(before: float, after: float) -> SideEffect:
    return SideEffect(
        what="wrong answers", before=before, after=after, low=-0.01, high=0.05, n=500,
        tolerance=0.02,
    )  # fmt: skip


def feasibility(points: float) -> str:
    return "high" if points <= 13 else "medium" if points <= 19 else "low"


def test_a_goal_that_is_met_now_beyond_chance_is_accepted() -> None:
    ruling = decide(measured(), feasibility)
    assert ruling.accepted
    assert ruling.why == "Privacy: not met before, met now."


def test_more_defences_tried_need_clearer_evidence() -> None:
    deciding = SimpleNamespace(attacks=(row(p_holm=0.02),), alpha=0.05)
    assert decide(measured(deciding=deciding, tried=2), feasibility).accepted
    assert not decide(measured(deciding=deciding, tried=3), feasibility).accepted


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"deciding": SimpleNamespace(attacks=(row(p_holm=0.3),), alpha=0.05)}, "chance"),
        ({"deciding": SimpleNamespace(attacks=(), alpha=0.05)}, "No difference"),
        ({"after": assessment(Verdict.NOT_MET, 5)}, "no better protected"),
        ({"side_effects": (effect(0.10, 0.13),)}, "costs too much"),
        ({"after": assessment(Verdict.MET, INF, other=Verdict.NOT_MET)}, "availability is not met"),
        (
            {
                "whole": SimpleNamespace(
                    goals={A: SimpleNamespace(change=Direction.WORSE, sentence="Worse.")}
                )
            },
            "makes availability worse",
        ),
        (
            {"deciding": SimpleNamespace(attacks=(row(), row(0.01, 0.1, 0.9)), alpha=0.05)},
            "chance",
        ),
    ],
)
def test_what_is_refused(changed: dict[str, Any], why: str) -> None:
    ruling = decide(measured(**changed), feasibility)
    assert not ruling.accepted
    assert why in ruling.why


def test_an_attack_that_costs_another_class_is_accepted_without_statistics() -> None:
    nothing = SimpleNamespace(attacks=(), alpha=0.05)
    dearer = decide(measured(deciding=nothing, after=assessment(Verdict.NOT_MET, 15)), feasibility)
    assert dearer.accepted
    assert dearer.why == "Privacy: the cheapest successful attack costs 15 points in place of 5."
    little = decide(measured(deciding=nothing, after=assessment(Verdict.NOT_MET, 12)), feasibility)
    assert not little.accepted


def test_an_attack_that_is_out_of_reach_now_is_accepted_and_one_that_was_not_run_is_not() -> None:
    nothing = SimpleNamespace(attacks=(), alpha=0.05)
    after = assessment(Verdict.MET, INF)
    assert not decide(measured(deciding=nothing, after=after), feasibility).accepted
    after.plan[0].status = "skipped"  # and yet there is evidence: that it could not be tested
    assert not decide(measured(deciding=nothing, after=after), feasibility).accepted
    after.plan[0].evidence = ""
    assert decide(measured(deciding=nothing, after=after), feasibility).accepted


def test_nothing_is_accepted_that_was_cut_off_by_the_time() -> None:
    ruling = decide(measured(complete=False), feasibility)
    assert not ruling.accepted
    assert "time was over" in ruling.why


def test_a_goal_that_can_no_longer_be_assessed_is_not_better() -> None:
    after = assessment(Verdict.NOT_ASSESSED, INF)
    assert not decide(measured(after=after), feasibility).accepted
