"""The other sections: attackers, plan, advice, and what was not run."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from goalkeeper.core.assessment import Advice, Assessment, AttackerRow, PlanRow
from goalkeeper.core.evidence import Standard, Status
from goalkeeper.report import format as fmt
from goalkeeper.report.finding import RUN_STATUSES, describe_harm
from goalkeeper.report.language import N_, _, ngettext
from goalkeeper.report.parts import Context, Fact, Table, merge_rows
from goalkeeper.report.stored import retell_reason
from goalkeeper.report.words import (
    MEANINGS,
    ON_TASK,
    describe_knowledge,
    goal_name,
    run_name,
    status_name,
)

NO_ATTACK = N_("no attack")
LISTED_ELSEWHERE = (Status.FAILED_TO_RUN, Status.NOT_NEEDED, Status.COVERED)

VIEWS = {
    "nothing": N_("nothing"),
    "labels": N_("labels"),
    "scores": N_("scores"),
    "logits": N_("logits"),
    "gradients": N_("gradients"),
}
WINDOWS = {
    "unlimited": N_("unlimited"),
    "easy": N_("easy"),
    "moderate": N_("moderate"),
    "difficult": N_("difficult"),
}
BOXES = {"black": N_("black box"), "grey": N_("grey box"), "white": N_("white box")}

# What an attacker adds who cannot change all inputs.
INPUTS = {
    "both": (),
    "own": (N_("changes only inputs of its own"),),
    "others": (N_("changes only inputs of others"),),
    "stored": (N_("changes stored inputs, whoever sent them"),),
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
    command: str  # tries it; empty where goalkeeper cannot apply it


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
        meanings = (f"{c}: {_(MEANINGS[c])}" if c in MEANINGS else c for c in a.capabilities)
        parts.append(
            AttackerPart(
                name=a.name,
                box=_box(a.box, a.label),
                knows=describe_knowledge(a.knowledge),
                can=(*meanings, *map(_, INPUTS[a.writes])),
                sees=_(VIEWS.get(a.view, a.view)),
                spends=_spends(a),
                window=_(WINDOWS.get(a.window, a.window)),
            )
        )
    return tuple(parts)


def _spends(a: AttackerRow) -> str:
    """List what an attacker may spend."""
    spends = [_("{n} queries").format(n=fmt.count(a.queries))]
    if not math.isinf(a.queries_per_day):
        spends.append(_("{n} per day and account").format(n=fmt.count(a.queries_per_day)))
    accounts = ngettext("{n} account", "{n} accounts", a.identities)
    spends.append(accounts.format(n=fmt.count(a.identities)))
    if a.share:
        spends.append(_("{share} of the training data").format(share=fmt.percent(a.share)))
    spends.append(_("{n} hours of computing").format(n=fmt.count(a.compute_h)))
    return ", ".join(spends)


def _box(box: str, label: str) -> str:
    if f"{box} box" in label:
        return label
    name = _(BOXES.get(box, "{box} box")).format(box=box)
    return f"{name}: {label}" if label else name


def pending_table(assessment: Assessment) -> Table:
    """List what was planned but not run; everything else is among the findings."""
    seen = {(e.attack, e.task, e.attacker) for e in assessment.evidence}
    rows = (
        (_retell_all(r.reasons) or _("planned"), _run(r), r.attacker)
        for r in assessment.plan
        if r.status == "planned" and (r.attack, r.task, r.attacker) not in seen
    )
    head = (_("Reason for planning"), _("Attack runs"), _("Attacks and attackers"))
    return Table(_("Planned, but not run"), head, by_reason(rows))


def skipped_table(assessment: Assessment) -> Table:
    """List the attacks that were skipped, by reason; what was not needed has its own table."""
    not_needed = {e.id for e in assessment.evidence if e.status is Status.NOT_NEEDED}
    rows = (
        (_retell_all(r.reasons), _run(r), r.attacker)
        for r in assessment.plan
        if r.status == "skipped" and r.attack and r.evidence not in not_needed
    )
    head = (_("Reason for skipping"), _("Attack runs"), _("Attacks and attackers"))
    return Table(_("Skipped attacks, by reason"), head, by_reason(rows))


def _run(row: PlanRow) -> str:
    return _(ON_TASK).format(attack=row.attack, task=row.task)


def _retell_all(reasons: Iterable[str]) -> str:
    return "; ".join(map(retell_reason, reasons))


def missing(assessment: Assessment) -> dict[tuple[str, str], str]:
    """Map each variant without an attack, and an attacker who could mount it, to the reason."""
    found = {(r.variant, r.attacker): "; ".join(r.reasons) for r in assessment.plan if not r.attack}
    lacking = (e for e in assessment.evidence if not e.attack)
    return {(e.variant, e.attacker): e.result.reason for e in lacking} | found


def not_run_table(assessment: Assessment) -> Table:
    """List what was not tested, by reason: attacks, and variants without an attack."""
    rows = [
        (retell_reason(why), _(NO_ATTACK), variant, who)
        for (variant, who), why in missing(assessment).items()
    ]
    rows += [
        (retell_reason(e.result.reason), status_name(e.status), run_name(e), e.attacker)
        for e in assessment.evidence
        if e.attack and e.status not in (*RUN_STATUSES, *LISTED_ELSEWHERE)
    ]
    head = (
        _("Reason"),
        _("Status"),
        _("Attack runs"),
        _("Attacks or variants, and attackers"),
    )
    return Table(_("Not run, by reason"), head, by_reason(rows))


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
    return tuple((*reason, fmt.count(n), _by_attackers(pairs)) for n, reason, pairs in counted)


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
        Table(_("Standards"), (_("Standard"), _("Attacks")), merge_rows(sorted(standards), 1)),
        Table(_("Sources"), (_("Source"), _("Attacks")), merge_rows(sorted(sources), 1)),
    )


def _standard(standard: Standard) -> str:
    framework = "" if standard.id.startswith(standard.framework) else standard.framework
    return " ".join(word for word in (framework, standard.id, standard.name) if word)


def failures(assessment: Assessment) -> tuple[Failure, ...]:
    """List the attacks that failed to run, with their errors."""
    return tuple(
        Failure(
            title=run_name(e),
            attacker=e.attacker,
            goals=describe_harm(e),
            reason=retell_reason(e.result.reason) or _("No reason was recorded."),
            traceback=fmt.truncate(e.result.traceback, 6_000),
        )
        for e in assessment.evidence
        if e.status is Status.FAILED_TO_RUN
    )


def harden_command(assessment: Assessment, context: Context) -> str:
    """Compose the command that tries every recommended defence; empty where none can be tried."""
    if not any(a.tries for a in assessment.advice):
        return ""
    return context.commands.get("harden", "")


def _trial_command(advice: Advice, context: Context) -> str:
    command = context.commands.get("harden", "")
    if not (command and advice.tries):
        return ""
    return f"{command} {shlex.join(w for name in advice.tries for w in ('--defence', name))}"


def advice_parts(assessment: Assessment, context: Context) -> tuple[AdvicePart, ...]:
    """List the recommended defences."""
    return tuple(
        AdvicePart(
            anchor=f"advice-{i}",
            defence=_(a.defence),
            goals=fmt.join_words(tuple(map(goal_name, a.for_))),
            reason=_(a.reason),
            verified=tuple(
                Fact(_(k.replace("_", " ").capitalize()), v) for k, v in (a.verified or {}).items()
            ),
            command=_trial_command(a, context),
        )
        for i, a in enumerate(assessment.advice, 1)
    )
