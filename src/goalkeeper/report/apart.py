"""What was run, but counts for no verdict: shown apart, with one sentence why."""

from __future__ import annotations

from collections.abc import Iterable

from goalkeeper.core.assessment import Assessment
from goalkeeper.core.evidence import Evidence
from goalkeeper.core.standing import StandingKind
from goalkeeper.report.finding import RUN_STATUSES, describe_harm
from goalkeeper.report.parts import Table, merge_rows
from goalkeeper.report.words import STATUSES

CAPTIONS = {
    StandingKind.BY_ASSUMPTION: "By assumption: rests on what the description does not declare",
    StandingKind.NO_HARM: "No harm here: follows from what was granted, or harms nobody else",
}


def apart_tables(assessment: Assessment) -> tuple[Table, ...]:
    """List the attack runs that may not decide, a table for each kind of standing."""
    ran = [e for e in assessment.evidence if e.status in RUN_STATUSES]
    tables = (
        _table(caption, (e for e in ran if e.standing.kind is kind))
        for kind, caption in CAPTIONS.items()
    )
    return tuple(table for table in tables if table)


def _table(caption: str, evidence: Iterable[Evidence]) -> Table:
    rows = (
        (f"{e.attack} on {e.task}", e.attacker, describe_harm(e), _found(e), e.standing.reason)
        for e in evidence
    )
    head = ("Attack run", "Attackers", "Would count for", "What was found", "Why it does not count")
    return Table(caption, head, merge_rows(rows, 1))


def _found(evidence: Evidence) -> str:
    return evidence.result.summary or STATUSES[evidence.status]
