"""When a defence is accepted: a function of what was measured, tried on made-up measurements."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from goalkeeper.comparing import Direction
from goalkeeper.core.assessment import Verdict
from goalkeeper.core.goals import Goal
from goalkeeper.hardening.accepting import (
    FirstOutcome,
    TrialOutcome,
    decide,
    effects_of_first,
    refuse_first,
    refuse_price,
)
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


def assessment(
    verdict: Verdict, points: float, *, other: Verdict = Verdict.MET, price: float | None = None
) -> SimpleNamespace:
    """An assessment in which one attack costs `price`, and succeeds at `points`; INF: nowhere."""
    price = points if price is None else price
    trial = SimpleNamespace(
        demonstrated=3 if points < INF else 0,
        attack_potential=SimpleNamespace(points=price),
        budget=10,
    )
    evidence = SimpleNamespace(
        id="e1", attack="loss_threshold", task="membership", attacker="customer", goals=(P,),
        rated=SimpleNamespace(trials=(trial,)), standing=SimpleNamespace(decides=True),
    )  # fmt: skip
    common = {"critical": 3, "required": 20}
    goals = {
        P: SimpleNamespace(verdict=verdict, demonstrated=points, cheapest_attack="e1", **common),
        A: SimpleNamespace(verdict=other, demonstrated=INF, cheapest_attack="", **common),
    }
    plan = SimpleNamespace(
        attack="loss_threshold", task="membership", attacker="customer", unit="u", evidence="e1"
    )
    return SimpleNamespace(evidence=(evidence,), goals=goals, plan=(plan,), complete=True)


def out_of_reach(verdict: Verdict) -> SimpleNamespace:
    made = assessment(verdict, INF)
    made.evidence, made.plan[0].unit, made.plan[0].evidence = (), "", ""
    return made


def first(**changed: Any) -> FirstOutcome:
    made = {
        "aimed": (P,),
        "before": assessment(Verdict.NOT_MET, 5),
        "after": assessment(Verdict.MET, INF, price=5),
        "comparison": SimpleNamespace(attacks=(row(),), alpha=0.05),
        "tried": 5,
        "complete": True,
        **changed,
    }
    return FirstOutcome(**cast(Any, made))


def measured(**changed: Any) -> TrialOutcome:
    same = SimpleNamespace(change=Direction.UNDECIDED, sentence="As before.")
    made = {
        "first": first(),
        "before": assessment(Verdict.NOT_MET, 5),
        "after": assessment(Verdict.MET, INF, price=5),
        "comparison": SimpleNamespace(goals={P: same, A: same}),
        "side_effects": (effect(0.10, 0.11),),
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


def compared(*rows: SimpleNamespace) -> SimpleNamespace:
    return SimpleNamespace(attacks=rows, alpha=0.05)


def test_a_goal_that_is_met_now_beyond_chance_is_accepted() -> None:
    ruling = decide(measured(), feasibility)
    assert ruling.accepted
    assert ruling.why == "Privacy: not met before, met now."


def test_more_defences_tried_need_clearer_evidence() -> None:
    slight = compared(row(p_holm=0.02))
    assert decide(measured(first=first(comparison=slight, tried=2)), feasibility).accepted
    assert not decide(measured(first=first(comparison=slight, tried=3)), feasibility).accepted


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"first": first(comparison=compared(row(p_holm=0.3)))}, "chance"),
        ({"first": first(comparison=compared())}, "No difference"),
        ({"first": first(comparison=compared(row(), row(0.01, 0.1, 0.9)))}, "chance"),
        ({"after": assessment(Verdict.NOT_MET, 5)}, "no better protected"),
        ({"side_effects": (effect(0.10, 0.13),)}, "costs too much"),
        ({"after": assessment(Verdict.MET, INF, other=Verdict.NOT_MET)}, "availability is not met"),
        (
            {
                "comparison": SimpleNamespace(
                    goals={A: SimpleNamespace(change=Direction.WORSE, sentence="Worse.")}
                )
            },
            "makes availability worse",
        ),
    ],
)
def test_what_is_refused(changed: dict[str, Any], why: str) -> None:
    ruling = decide(measured(**changed), feasibility)
    assert not ruling.accepted
    assert why in ruling.why


def test_an_attack_that_costs_another_class_is_accepted_without_statistics() -> None:
    def ruled(points: float, *, price: float) -> Any:
        after = assessment(Verdict.NOT_MET, points, price=price)
        return decide(
            measured(first=first(comparison=compared(), after=after), after=after), feasibility
        )

    dearer = ruled(15, price=15)
    assert dearer.accepted
    assert dearer.why.startswith(
        "Privacy: the cheapest successful attack costs 15 points in place of 5, by what the"
    )
    assert "not tested" in dearer.why
    assert dearer.granted == (P,)
    assert not ruled(12, price=12).accepted  # of the same class
    assert not ruled(15, price=5).accepted  # as cheap as before, and not shown by chance


def test_an_attack_that_costs_all_that_is_required_is_accepted_if_nothing_else_is_left() -> None:
    nothing, after = compared(), assessment(Verdict.MET, INF, price=21)
    assert decide(
        measured(first=first(comparison=nothing, after=after), after=after), feasibility
    ).accepted


def test_an_attack_that_is_out_of_reach_now_is_accepted_and_one_that_was_not_run_is_not() -> None:
    after = out_of_reach(Verdict.MET)
    given = measured(first=first(comparison=compared(), after=after), after=after)
    assert decide(given, feasibility).accepted
    assert not refuse_first(given.first)
    after.plan[0].evidence = "e1"  # it is planned, and could not be tested
    assert not decide(given, feasibility).accepted
    assert "No difference" in refuse_first(given.first)


def test_nothing_is_accepted_that_was_cut_off_by_the_time() -> None:
    for cut in (measured(complete=False), measured(first=first(complete=False))):
        ruling = decide(cut, feasibility)
        assert not ruling.accepted
        assert "time was over" in ruling.why


def test_what_takes_from_attackers_makes_nothing_worse_and_counts_where_a_goal_is_met() -> None:
    nothing, reached = compared(), out_of_reach(Verdict.MET)
    reached.goals[A].verdict = Verdict.NOT_MET
    before = assessment(Verdict.NOT_MET, 5, other=Verdict.INCONCLUSIVE)
    before.complete = False
    given = {
        "first": first(comparison=nothing, after=reached, complete=False),
        "before": before,
        "after": reached,
        "complete": False,  # time cut off what was not needed for the goal that is met
    }
    ruling = decide(measured(**given, narrows=True), feasibility)
    assert ruling.accepted
    assert ruling.moved == (P,)
    assert not decide(measured(**given), feasibility).accepted
    reached.goals[P].verdict = Verdict.INCONCLUSIVE
    open_ = decide(measured(**given, narrows=True), feasibility)
    assert not open_.accepted
    assert "time was over" in open_.why


def test_a_milder_setting_may_do_where_the_price_or_another_goal_stands_against_it() -> None:
    assert decide(measured(side_effects=(effect(0.10, 0.13),)), feasibility).milder
    assert not decide(measured(first=first(comparison=compared())), feasibility).milder


def test_what_time_left_open_before_is_no_verdict_that_becomes_better() -> None:
    before = assessment(Verdict.INCONCLUSIVE, INF, price=5)
    assert decide(measured(before=before), feasibility).accepted
    before.complete = False
    assert not decide(measured(before=before), feasibility).accepted


def test_a_goal_that_can_no_longer_be_assessed_is_not_better() -> None:
    after = assessment(Verdict.NOT_ASSESSED, INF)
    assert not decide(measured(after=after), feasibility).accepted


def test_what_protects_from_one_of_two_attacks_is_not_accepted_and_may_do_with_another() -> None:
    ruling = decide(measured(after=assessment(Verdict.NOT_MET, 5)), feasibility)
    assert (ruling.accepted, ruling.remaining) == (False, (P,))
    costly = measured(after=assessment(Verdict.NOT_MET, 5), side_effects=(effect(0.10, 0.13),))
    assert decide(costly, feasibility).remaining == ()


def test_a_trial_ends_at_the_first_thing_that_speaks_against_it() -> None:
    assert "costs too much" in refuse_price([effect(0.10, 0.13)])
    assert not refuse_price([effect(0.10, 0.11)])
    assert not refuse_first(first())
    assert "chance" in refuse_first(first(comparison=compared(row(p_holm=0.3))))
    assert "time was over" in refuse_first(first(complete=False))


def test_what_was_not_assessed_again_is_not_called_better() -> None:
    before: Any = assessment(Verdict.NOT_MET, 5)
    after = {goal: e.after for goal, e in effects_of_first(before, None).items()}
    assert after == {P: Verdict.NOT_ASSESSED, A: Verdict.NOT_ASSESSED}
    shown = effects_of_first(before, cast(Any, assessment(Verdict.NOT_MET, 5)))
    assert (shown[P].after, shown[P].potential_after) == (Verdict.NOT_MET, 5)
    open_ = effects_of_first(before, cast(Any, assessment(Verdict.MET, INF)))
    assert open_[P].after is Verdict.NOT_ASSESSED


def test_where_time_left_a_goal_open_before_the_refusal_does_not_say_that_it_was_better() -> None:
    def ruled(verdict: Verdict, *, complete: bool) -> Any:
        before = assessment(Verdict.NOT_MET, 5, other=verdict)
        before.complete = complete
        after = assessment(Verdict.MET, INF, price=5, other=Verdict.NOT_MET)
        return decide(measured(before=before, after=after), feasibility)

    unknown = ruled(Verdict.INCONCLUSIVE, complete=False)
    assert not unknown.accepted
    assert "Whether it was before is open" in unknown.why
    for verdict, complete in ((Verdict.INCONCLUSIVE, True), (Verdict.MET, False)):
        refused = ruled(verdict, complete=complete)
        assert not refused.accepted
        assert "which it was not before" in refused.why
