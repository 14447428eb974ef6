"""The sections beside goals and findings: attackers, plan, advice, what was not played."""

from __future__ import annotations

from dataclasses import dataclass

from goalkeeper.core.assessment import Assessment, PlanRow
from goalkeeper.core.evidence import Standard, Status
from goalkeeper.core.power import MEANING
from goalkeeper.report import format as fmt
from goalkeeper.report.finding import PLAYED, harm
from goalkeeper.report.parts import Context, Fact, Table, merged, without_empty
from goalkeeper.report.words import STATUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackerPart:
    """An attacker: what it knows, can do, sees and may spend."""

    name: str
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
class SourcePart:
    """Where an attack is described: catalogues and papers."""

    anchor: str
    attack: str
    standards: tuple[str, ...]
    references: tuple[str, ...]


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
                box=_box(a.box, a.label),
                knows=fmt.listed(tuple(known)) or "nothing",
                can=tuple(f"{c}: {MEANING[c]}" if c in MEANING else c for c in a.capabilities),
                sees=a.view,
                spends=", ".join(spends),
                window=a.window,
            )
        )
    return tuple(parts)


def _box(box: str, label: str) -> str:
    if f"{box} box" in label:
        return label
    return f"{box} box: {label}" if label else f"{box} box"


def played_table(assessment: Assessment) -> Table:
    """List what was planned, with its outcome."""
    status = {(e.attack, e.task, e.attacker): e.status for e in assessment.evidence}
    rows = []
    for row in (r for r in assessment.plan if r.status == "planned"):
        key = (row.attack, row.task, row.attacker)
        outcome = STATUSES[status[key]] if key in status else "planned, not played"
        goals = fmt.listed(tuple(map(str, row.goals)))
        rows.append((*key, goals, outcome, "; ".join(row.reasons)))
    head = ("Attack", "Task", "Attackers", "Goals", "Outcome", "Reasons")
    return without_empty(
        Table("Attacks that were planned, and what became of them", head, merged(rows, 2))
    )


def skipped_table(plan: tuple[PlanRow, ...]) -> Table:
    """List the attacks that were skipped, and why."""
    rows = [
        (r.attack, r.task, r.attacker, "; ".join(r.reasons))
        for r in plan
        if r.status == "skipped" and r.attack
    ]
    head = ("Attack", "Task", "Attackers", "Why it was skipped")
    return Table("Attacks that were skipped, and why", head, merged(rows, 2))


def missing(assessment: Assessment) -> dict[tuple[str, str], str]:
    """Name the variants, each with an attacker who could, that nothing installed plays, and why."""
    found = {(r.variant, r.attacker): "; ".join(r.reasons) for r in assessment.plan if not r.attack}
    lacking = (e for e in assessment.evidence if not e.attack)
    return {(e.variant, e.attacker): e.played.reason for e in lacking} | found


def missing_table(assessment: Assessment) -> Table:
    """List the variants that nothing installed plays, put together where the reason is one."""
    rows = [(who, variant, why) for (variant, who), why in missing(assessment).items()]
    head = ("Attackers who could", "Variants", "Why nothing was played")
    caption = "Variants without an attack: the goals that they threaten stay open"
    return Table(caption, head, merged(merged(rows, 0), 1))


def unplayed_table(assessment: Assessment) -> Table:
    """List the attacks that were not played, and why."""
    rows = [
        (f"{e.attack} on {e.task}", e.attacker, harm(e), STATUSES[e.status], e.played.reason)
        for e in assessment.evidence
        if e.attack and e.status not in (*PLAYED, Status.FAILED_TO_RUN)
    ]
    head = ("Attack", "Attackers", "Goals", "Status", "Reason")
    return Table("Attacks that were not played", head, merged(rows, 1))


def source_parts(assessment: Assessment, context: Context) -> tuple[SourcePart, ...]:
    """List the standards and sources of every attack that was played, once each."""
    found: dict[str, SourcePart] = {}
    for e in sorted(assessment.evidence, key=lambda e: e.attack):
        if e.status in PLAYED and e.attack not in found:
            found[e.attack] = SourcePart(
                anchor=f"sources-{len(found) + 1}",
                attack=e.attack,
                standards=tuple(_standard(s) for s in e.standards),
                references=tuple(context.citations.get(r, r) for r in e.references),
            )
    return tuple(found.values())


def _standard(standard: Standard) -> str:
    framework = "" if standard.id.startswith(standard.framework) else standard.framework
    return " ".join(word for word in (framework, standard.id, standard.name) if word)


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
