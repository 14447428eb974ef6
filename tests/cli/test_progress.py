"""The line of each attack run while a run is under way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from goalkeeper.cli.progress import describe_result
from goalkeeper.core.evidence import AttackResult, Status
from goalkeeper.running.options import Finished
from goalkeeper.scheduling import RunStatus

UNIT = cast("Any", SimpleNamespace(id="u1", attack="pgd", run=SimpleNamespace(task=None)))
UNIT.run.task = SimpleNamespace(name="any-wrong")


def finished(*, counts: bool = True, status: Status = Status.TESTED, reason: str = "") -> Finished:
    result = AttackResult(status=status, summary="The attack turned 3 of 9", reason=reason)
    counted = {"u1": result} if counts else {}
    who = ("outsider", "customer")
    return Finished(unit=UNIT, result=result, status=RunStatus(counted, (), {}, {}), attackers=who)


def test_the_line_says_what_was_found_and_at_which_look() -> None:
    told = describe_result(finished(counts=True), first_look=True)
    assert told == ("pgd on any-wrong by outsider, customer, first look: The attack turned 3 of 9.")


def test_a_run_that_shows_nothing_gives_no_numbers() -> None:
    failed = finished(status=Status.CONTROL_FAILED, reason="it did not search")
    told = describe_result(failed, first_look=False)
    assert told.endswith(": not conclusive, control failed: it did not search.")
    assert "3 of 9" not in told
    broken = finished(status=Status.FAILED_TO_RUN)
    assert describe_result(broken, first_look=False).endswith(": failed to run.")


def test_what_was_begun_ahead_in_vain_is_said_not_to_count() -> None:
    """The counts of the report would not add up to these lines otherwise."""
    told = describe_result(finished(counts=False), first_look=False)
    assert told == (
        "pgd on any-wrong by outsider, customer: The attack turned 3 of 9. Not counted: meanwhile "
        "no verdict depends on it."
    )
