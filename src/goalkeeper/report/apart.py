"""What was run, but counts for no verdict: shown apart, with one sentence why."""

from __future__ import annotations

from collections.abc import Iterable

from goalkeeper.core.assessment import Assessment
from goalkeeper.core.evidence import Evidence, Status
from goalkeeper.core.standing import StandingKind
from goalkeeper.report.finding import RUN_STATUSES, describe_harm, primary_goal
from goalkeeper.report.language import N_, _
from goalkeeper.report.parts import Table, merge_rows
from goalkeeper.report.sentences import tell_reached, tell_run
from goalkeeper.report.stored import retell_reason
from goalkeeper.report.words import run_name, status_name

CAPTIONS = {
    StandingKind.BY_ASSUMPTION: N_("By assumption: rests on what the description does not declare"),
    StandingKind.NO_HARM: N_("No harm here: follows from what was granted, or harms nobody else"),
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
            run_name(e),
            e.attacker,
            describe_harm(e),
            _found(e, assessment),
            retell_reason(e.standing.reason),
        )
        for e in evidence
    )
    head = (
        _("Attack run"),
        _("Attackers"),
        _("Would count for"),
        _("What was found"),
        _("Why it does not count"),
    )
    return Table(_(caption), head, merge_rows(rows, 1))


def _found(evidence: Evidence, assessment: Assessment) -> str:
    """Tell what was reached; who reached it has a column of its own, and may be several."""
    if evidence.status is Status.TESTED:
        return tell_reached(evidence, assessment) or status_name(evidence.status)
    return tell_run([evidence], primary_goal(evidence, assessment.goals), assessment)
