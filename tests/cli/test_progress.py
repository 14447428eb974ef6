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


def finished(*, counts: bool) -> Finished:
    result = AttackResult(status=Status.CONTROL_FAILED, summary="3 of 9")
    counted = {"u1": result} if counts else {}
    return Finished(unit=UNIT, result=result, status=RunStatus(counted, (), {}, {}))


def test_the_line_says_what_was_found_and_at_which_look() -> None:
    told = describe_result(finished(counts=True), first_look=True)
    assert told == "pgd / any-wrong (first look): control failed - 3 of 9"


def test_what_was_begun_ahead_in_vain_is_said_not_to_count() -> None:
    """The counts of the report would not add up to these lines otherwise."""
    told = describe_result(finished(counts=False), first_look=False)
    assert told == (
        "pgd / any-wrong: control failed - 3 of 9; not counted: meanwhile no verdict depends on it"
    )
