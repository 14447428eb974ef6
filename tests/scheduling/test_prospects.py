"""What no verdict can depend on is left out of a plan, with the reason."""

from __future__ import annotations

import pytest

from goalkeeper.core.evidence import Status
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import Grade
from goalkeeper.core.standing import Standing
from goalkeeper.planning import Choice, Plan, PlanEntry
from goalkeeper.scheduling import narrow
from tests.scheduling.making import Case, entry_of, plan_of, stakes_of

DEAR = Case(name="dear", window="difficult", data=Grade.FULL)
IDLE = Case(name="idle", goals=(Goal.PRIVACY,))
HARMLESS = Case(name="harmless", standing=Standing.no_harm("it harms nobody"))
ONE = Case(name="one")


def entry(case: Case, choice: Choice | None = None, need: int = 1) -> PlanEntry:
    plan = plan_of([case, ONE], choice)
    return narrow(plan, stakes_of({Goal.INTEGRITY: need})).entries[0]


@pytest.mark.parametrize(
    ("case", "why"),
    [
        (DEAR, "an attack potential of 17 or more, and only attacks below 14 decide"),
        (IDLE, "no protection need is declared for privacy"),
        (HARMLESS, "counts for no verdict (it harms nobody)"),
    ],
)
def test_it_is_not_needed_and_the_reason_names_the_option(case: Case, why: str) -> None:
    left_out = entry(case)
    assert (left_out.unit, left_out.status) == (None, Status.NOT_NEEDED)
    assert why in left_out.reasons[0]
    assert left_out.reasons[0].endswith("runs it")


def test_what_can_decide_stays() -> None:
    assert entry(ONE).unit is not None
    assert entry(DEAR, need=3).unit is not None, "a very high need asks for more"


def test_all_adds_what_counts_for_no_verdict_but_not_what_is_too_dear() -> None:
    everything = Choice(all_goals=True)
    assert entry(IDLE, everything).unit is not None
    assert entry(HARMLESS, everything).unit is not None
    assert entry(DEAR, everything).unit is None
    assert entry(IDLE, Choice(goals=(Goal.PRIVACY,))).unit is not None, "it was asked for by name"


def test_what_counts_for_no_verdict_stops_with_the_run_that_it_shares() -> None:
    """An attacker for whom it decides has the same run; it has the same looks, whoever is first."""
    idle = entry_of(Case(name="same", standing=Standing.no_harm("it harms nobody")))
    one = entry_of(Case(name="same"))
    for entries in ((idle, one), (one, idle)):
        plan = Plan(entries=entries, attackers=(), choice=Choice(all_goals=True))
        narrowed = narrow(plan, stakes_of())
        assert [entry.interim is None for entry in narrowed.entries] == [False, False]


def test_exhaustive_and_chosen_attacks_leave_nothing_out() -> None:
    for choice in (Choice(exhaustive=True), Choice(attacks=("dear",))):
        assert all(entry(case, choice).unit for case in (DEAR, IDLE, HARMLESS))


def test_left_out_runs_do_not_share_the_error_probability() -> None:
    plan = narrow(plan_of([ONE, DEAR, HARMLESS]), stakes_of())
    assert plan.hypotheses()[Goal.INTEGRITY] == 1
