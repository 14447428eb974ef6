"""The other sections: attackers, plan, advice, and what was not run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from goalkeeper.core.assessment import Assessment
from goalkeeper.core.evidence import Standard, Status
from goalkeeper.core.power import MEANING
from goalkeeper.report import format as fmt
from goalkeeper.report.finding import RUN_STATUSES, describe_harm
from goalkeeper.report.parts import Context, Fact, Table, merge_rows
from goalkeeper.report.words import STATUSES

NO_ATTACK = "no attack"
LISTED_ELSEWHERE = (Status.FAILED_TO_RUN, Status.NOT_NEEDED, Status.COVERED)

# What an attacker adds who cannot change all inputs.
INPUTS = {
    "both": (),
    "own": ("changes only inputs of its own",),
    "others": ("changes only inputs of others",),
    "stored": ("changes stored inputs, whoever sent them",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackerPart:
    """An attacker: knowledge, capabilities, view and budget."""

    name: str
    box: str
    knows: str
    can: tuple[str, ...]
    sees: str
    spends: str
    window: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvicePart:
    """A recommended defence, and whether its effect was verified."""

    anchor: str
    defence: str
    goals: str
    reason: str
    verified: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An attack that failed to run, and its error."""

    title: str
    attacker: str
    goals: str
    reason: str
    traceback: str


def attacker_parts(assessment: Assessment) -> tuple[AttackerPart, ...]:
    """Describe every attacker in words."""
    parts = []
    for a in assessment.attackers:
        knowledge = [
            f"{grade} {aspect}" for aspect, grade in a.knowledge.items() if grade != "none"
        ]
        spends = [f"{fmt.count(a.queries)} queries"]
        if fmt.count(a.queries_per_day) != "unlimited":
            spends.append(f"{fmt.count(a.queries_per_day)} per day and account")
        spends.append("1 account" if a.identities == 1 else f"{a.identities:,} accounts")
        spends += [f"{fmt.percent(a.share)} of the training data"] if a.share else []
        spends.append(f"{fmt.count(a.compute_h)} hours of computing")
        parts.append(
            AttackerPart(
                name=a.name,
                box=_box(a.box, a.label),
                knows=fmt.join_words(tuple(knowledge)) or "nothing",
                can=(
                    *(f"{c}: {MEANING[c]}" if c in MEANING else c for c in a.capabilities),
                    *INPUTS[a.writes],
                ),
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


def pending_table(assessment: Assessment) -> Table:
    """List what was planned but not run; everything else is among the findings."""
    seen = {(e.attack, e.task, e.attacker) for e in assessment.evidence}
    rows = (
        ("; ".join(r.reasons) or "planned", f"{r.attack} on {r.task}", r.attacker)
        for r in assessment.plan
        if r.status == "planned" and (r.attack, r.task, r.attacker) not in seen
    )
    head = ("Reason for planning", "Attack runs", "Attacks and attackers")
    return Table("Planned, but not run", head, by_reason(rows))


def skipped_table(assessment: Assessment) -> Table:
    """List the attacks that were skipped, by reason; what was not needed has its own table."""
    not_needed = {e.id for e in assessment.evidence if e.status is Status.NOT_NEEDED}
    rows = (
        ("; ".join(r.reasons), f"{r.attack} on {r.task}", r.attacker)
        for r in assessment.plan
        if r.status == "skipped" and r.attack and r.evidence not in not_needed
    )
    head = ("Reason for skipping", "Attack runs", "Attacks and attackers")
    return Table("Skipped attacks, by reason", head, by_reason(rows))


def missing(assessment: Assessment) -> dict[tuple[str, str], str]:
    """Map each variant without an attack, and an attacker who could mount it, to the reason."""
    found = {(r.variant, r.attacker): "; ".join(r.reasons) for r in assessment.plan if not r.attack}
    lacking = (e for e in assessment.evidence if not e.attack)
    return {(e.variant, e.attacker): e.result.reason for e in lacking} | found


def not_run_table(assessment: Assessment) -> Table:
    """List what was not tested, by reason: attacks, and variants without an attack."""
    rows = [(why, NO_ATTACK, variant, who) for (variant, who), why in missing(assessment).items()]
    rows += [
        (e.result.reason, STATUSES[e.status], f"{e.attack} on {e.task}", e.attacker)
        for e in assessment.evidence
        if e.attack and e.status not in (*RUN_STATUSES, *LISTED_ELSEWHERE)
    ]
    head = ("Reason", "Status", "Attack runs", "Attacks or variants, and attackers")
    return Table("Not run, by reason", head, by_reason(rows))


def by_reason(rows: Iterable[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Group rows that end in an attack and an attacker; largest groups first, with their counts."""
    found: dict[tuple[str, ...], dict[str, dict[str, None]]] = {}
    for *reason, what, attacker in rows:
        found.setdefault(tuple(reason), {}).setdefault(what, {})[attacker] = None
    counted = [
        (sum(map(len, who.values())), reason, [(what, ", ".join(by)) for what, by in who.items()])
        for reason, who in found.items()
    ]
    counted.sort(key=lambda row: -row[0])
    return tuple((*reason, f"{n:,}", _by_attackers(pairs)) for n, reason, pairs in counted)


def _by_attackers(pairs: list[tuple[str, str]]) -> str:
    """Write `a, b (outsider, customer); c (insider)`."""
    return "; ".join(f"{what} ({who})" for what, who in merge_rows(pairs, 0))


def source_tables(assessment: Assessment, context: Context) -> tuple[Table, Table]:
    """List the standards and the sources of the attacks that were run, once each."""
    by_name = {e.attack: e for e in assessment.evidence if e.status in RUN_STATUSES}
    attacks = [by_name[name] for name in sorted(by_name)]
    standards = [(_standard(s), e.attack) for e in attacks for s in e.standards]
    sources = [(context.citations.get(r, r), e.attack) for e in attacks for r in e.references]
    return (
        Table("Standards", ("Standard", "Attacks"), merge_rows(sorted(standards), 1)),
        Table("Sources", ("Source", "Attacks"), merge_rows(sorted(sources), 1)),
    )


def _standard(standard: Standard) -> str:
    framework = "" if standard.id.startswith(standard.framework) else standard.framework
    return " ".join(word for word in (framework, standard.id, standard.name) if word)


def failures(assessment: Assessment) -> tuple[Failure, ...]:
    """List the attacks that failed to run, with their errors."""
    return tuple(
        Failure(
            title=f"{e.attack} on {e.task}",
            attacker=e.attacker,
            goals=describe_harm(e),
            reason=e.result.reason or "No reason was recorded.",
            traceback=fmt.truncate(e.result.traceback, 6_000),
        )
        for e in assessment.evidence
        if e.status is Status.FAILED_TO_RUN
    )


def advice_parts(assessment: Assessment) -> tuple[AdvicePart, ...]:
    """List the recommended defences."""
    return tuple(
        AdvicePart(
            anchor=f"advice-{i}",
            defence=a.defence,
            goals=fmt.join_words(tuple(map(str, a.for_))),
            reason=a.reason,
            verified=tuple(
                Fact(k.replace("_", " ").capitalize(), v) for k, v in (a.verified or {}).items()
            ),
        )
        for i, a in enumerate(assessment.advice, 1)
    )
