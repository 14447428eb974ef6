"""The sections beside goals and findings: attackers, plan, advice, what was not played."""

from __future__ import annotations

from dataclasses import dataclass

from goalkeeper.core.assessment import Assessment, PlanRow
from goalkeeper.core.evidence import Status
from goalkeeper.core.power import MEANING
from goalkeeper.report import format as fmt
from goalkeeper.report.finding import PLAYED, harm
from goalkeeper.report.parts import Fact, Table, merged
from goalkeeper.report.words import STATUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackerPart:
    """An attacker: what it knows, can do, sees and may spend."""

    name: str
    label: str
    box: str
    knows: str
    can: tuple[str, ...]
    sees: str
    spends: str
    window: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvicePart:
    """What would help, and whether that was verified."""

    anchor: str
    defence: str
    goals: str
    reason: str
    verified: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An attack that failed to run, and how."""

    title: str
    attacker: str
    goals: str
    reason: str
    traceback: str


def attacker_parts(assessment: Assessment) -> tuple[AttackerPart, ...]:
    """Put every attacker into words."""
    parts = []
    for a in assessment.attackers:
        known = [f"{grade} {aspect}" for aspect, grade in a.knowledge.items() if grade != "none"]
        spends = [f"{fmt.count(a.queries)} queries"]
        if fmt.count(a.queries_per_day) != "unlimited":
            spends.append(f"{fmt.count(a.queries_per_day)} a day and account")
        spends.append("1 account" if a.identities == 1 else f"{a.identities:,} accounts")
        spends += [f"{fmt.percent(a.share)} of the training data"] if a.share else []
        spends.append(f"{fmt.count(a.compute_h)} hours of computing")
        parts.append(
            AttackerPart(
                name=a.name,
                label=a.label,
                box=a.box,
                knows=fmt.listed(tuple(known)) or "nothing",
                can=tuple(f"{c}: {MEANING[c]}" if c in MEANING else c for c in a.capabilities),
                sees=a.view,
                spends=", ".join(spends),
                window=a.window,
            )
        )
    return tuple(parts)


def played_table(assessment: Assessment) -> Table:
    """List what was planned, with its outcome."""
    status = {(e.attack, e.task, e.attacker): e.status for e in assessment.evidence}
    rows = []
    for row in (r for r in assessment.plan if r.status == "planned"):
        key = (row.attack, row.task, row.attacker)
        outcome = STATUSES[status[key]] if key in status else "planned, not played"
        goals = fmt.listed(tuple(map(str, row.goals)))
        rows.append((*key, goals, outcome, "; ".join(row.reasons)))
    head = ("Attack", "Task", "Attacker", "Goals", "Outcome", "Reasons")
    return Table("Attacks that were planned, and what became of them", head, tuple(rows))


def skipped_table(plan: tuple[PlanRow, ...]) -> Table:
    """List what was skipped, and why."""
    rows = [
        (r.attack, r.task, r.attacker, "; ".join(r.reasons)) for r in plan if r.status == "skipped"
    ]
    head = ("Attack", "Task", "Attacker", "Why it was skipped")
    return Table("Attacks that were skipped, and why", head, merged(rows, 2))


def unplayed_table(assessment: Assessment) -> Table:
    """List the attacks that were not played, and why."""
    rows = [
        (f"{e.attack} on {e.task}", e.attacker, harm(e), STATUSES[e.status], e.played.reason)
        for e in assessment.evidence
        if e.status not in (*PLAYED, Status.FAILED_TO_RUN)
    ]
    head = ("Attack", "Attacker", "Goals", "Status", "Reason")
    return Table("Attacks that were not played", head, merged(rows, 1))


def failures(assessment: Assessment) -> tuple[Failure, ...]:
    """List the attacks that failed to run, with how they failed."""
    return tuple(
        Failure(
            title=f"{e.attack} on {e.task}",
            attacker=e.attacker,
            goals=harm(e),
            reason=e.played.reason or "No reason was recorded.",
            traceback=fmt.shortened(e.played.traceback, 6_000),
        )
        for e in assessment.evidence
        if e.status is Status.FAILED_TO_RUN
    )


def advice_parts(assessment: Assessment) -> tuple[AdvicePart, ...]:
    """List what would help."""
    return tuple(
        AdvicePart(
            anchor=f"advice-{i}",
            defence=a.defence,
            goals=fmt.listed(tuple(map(str, a.for_))),
            reason=a.reason,
            verified=tuple(
                Fact(k.replace("_", " ").capitalize(), v) for k, v in (a.verified or {}).items()
            ),
        )
        for i, a in enumerate(assessment.advice, 1)
    )
