"""What was run, but counts for no verdict: shown apart, with one sentence why."""

from __future__ import annotations

from collections.abc import Iterable

from goalkeeper.core.assessment import Assessment
from goalkeeper.core.evidence import Evidence, Status
from goalkeeper.core.standing import StandingKind
from goalkeeper.report.finding import RUN_STATUSES, describe_harm, primary_goal
from goalkeeper.report.parts import Table, merge_rows
from goalkeeper.report.sentences import tell_reached, tell_run
from goalkeeper.report.words import STATUSES

CAPTIONS = {
    StandingKind.BY_ASSUMPTION: "By assumption: rests on what the description does not declare",
    StandingKind.NO_HARM: "No harm here: follows from what was granted, or harms nobody else",
}


def apart_tables(assessment: Assessment) -> tuple[Table, ...]:
    """List the attack runs that may not decide, a table for each kind of standing."""
    ran = [e for e in assessment.evidence if e.status in RUN_STATUSES]
    tables = (
        _table(caption, (e for e in ran if e.standing.kind is kind), assessment)
        for kind, caption in CAPTIONS.items()
    )
    return tuple(table for table in tables if table)


def _table(caption: str, evidence: Iterable[Evidence], assessment: Assessment) -> Table:
    rows = (
        (
            f"{e.attack} on {e.task}",
            e.attacker,
            describe_harm(e),
            _found(e, assessment),
            e.standing.reason,
        )
        for e in evidence
    )
    head = ("Attack run", "Attackers", "Would count for", "What was found", "Why it does not count")
    return Table(caption, head, merge_rows(rows, 1))


def _found(evidence: Evidence, assessment: Assessment) -> str:
    """Tell what was reached; who reached it has a column of its own, and may be several."""
    if evidence.status is Status.TESTED:
        return tell_reached(evidence, assessment) or STATUSES[evidence.status]
    return tell_run([evidence], primary_goal(evidence, assessment.goals), assessment)
