"""Findings: one card per attack that was played."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from goalkeeper.core.assessment import Assessment, GoalRating
from goalkeeper.core.evidence import (
    Accuracy,
    AttackPotential,
    Curve,
    DamageCount,
    Evidence,
    Exhibit,
    Gain,
    Measurement,
    Proportion,
    Ratio,
    Standard,
    Status,
    Tally,
)
from goalkeeper.core.goals import Goal
from goalkeeper.report import format as fmt
from goalkeeper.report.parts import Context, Fact, Link, Table
from goalkeeper.report.words import CONTROL_FAILED, LEVELS, STATUSES

PLAYED = (Status.TESTED, Status.CONTROL_FAILED)
WITHHELD = "Withheld: this exhibit holds training data. It is shown only on request."
MOST_EXHIBITS = 8


@dataclass(frozen=True, slots=True)
class Shown:
    """An exhibit as it may be shown."""

    title: str
    before: str
    after: str
    note: str
    withheld: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """A curve to be drawn, and the same numbers as a table."""

    curve: Curve
    metric: str
    baseline: float
    table: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One played attack, ready to be laid out."""

    anchor: str
    title: str
    id: str
    goals: tuple[Goal, ...]
    harm: str
    status: str
    warning: str
    attacker: str
    box: str
    summary: str
    exposure: str
    headline: fmt.Numbers | None
    metric: str
    remark: str
    measurements: Table
    drawing: Drawing | None
    exhibits: tuple[Shown, ...]
    more_exhibits: int
    controls: Table
    caveats: tuple[str, ...]
    potential: tuple[Fact, ...]
    steps: Table
    counts: Table
    cost: tuple[Fact, ...]
    details: tuple[Fact, ...]
    standards: tuple[str, ...]
    references: tuple[str, ...]
    command: str
    advice: tuple[Link, ...]


def finding(evidence: Evidence, anchor: str, assessment: Assessment, context: Context) -> Finding:
    """Turn one played piece of evidence into a card."""
    played, head = evidence.played, evidence.headline
    shown = tuple(_shown(e, private=context.show_private) for e in played.exhibits)
    advice = tuple(
        Link(f"advice-{i}", a.defence)
        for i, a in enumerate(assessment.advice, 1)
        if set(a.for_) & set(evidence.goals)
    )
    return Finding(
        anchor=anchor,
        title=f"{evidence.attack} on {evidence.task}",
        id=evidence.id,
        goals=evidence.goals,
        harm=harm(evidence),
        status=STATUSES[evidence.status],
        warning=_warning(evidence),
        attacker=evidence.attacker,
        box=evidence.box,
        summary=played.summary,
        exposure=_exposure(evidence),
        headline=fmt.measured(head) if head else None,
        metric=fmt.sentence_case(fmt.metric_name(head.metric)) if head else "",
        remark=head.note if head else "",
        measurements=_measurements(played.measurements[1:], evidence.attack),
        drawing=_drawing(played.curve, head, evidence),
        exhibits=shown[:MOST_EXHIBITS],
        more_exhibits=len(shown[MOST_EXHIBITS:]),
        controls=_controls(evidence),
        caveats=played.caveats,
        potential=_potential(evidence.rated.attack_potential) if evidence.rated else (),
        steps=_steps(evidence),
        counts=_counts(evidence),
        cost=_cost(evidence),
        details=_details(evidence),
        standards=tuple(_standard(s) for s in evidence.standards),
        references=tuple(context.citations.get(r, r) for r in evidence.references),
        command=context.commands.get(evidence.id) or command(evidence, assessment, context),
        advice=advice,
    )


def ordered(assessment: Assessment) -> tuple[Evidence, ...]:
    """Order the played evidence by goal, and within a goal strongest first."""
    rank = {goal: list(rating.because) for goal, rating in assessment.goals.items()}
    goals = list(Goal)

    def key(evidence: Evidence) -> tuple[float, ...]:
        goal = home(evidence, assessment.goals)
        because = rank.get(goal, [])
        place = because.index(evidence.id) if evidence.id in because else len(because)
        rated = evidence.rated
        strength = (rated.demonstrated, rated.potential) if rated else (-1, -1)
        cost = rated.attack_potential.points if rated else 0
        return (goals.index(goal), place, -strength[0], -strength[1], cost)

    played = [e for e in assessment.evidence if e.status in PLAYED]
    return tuple(sorted(played, key=key))


def home(evidence: Evidence, goals: dict[Goal, GoalRating]) -> Goal:
    """Name the goal under which evidence is shown: its first that was rated."""
    return next((g for g in evidence.goals if g in goals), (evidence.goals or tuple(Goal))[0])


def harm(evidence: Evidence) -> str:
    """Say which goals the evidence counts for, with integrity's level or aspect."""
    detail = f"{evidence.level} level" if evidence.level else str(evidence.aspect or "")
    names = [
        f"{g} ({detail})" if g is Goal.INTEGRITY and detail else str(g) for g in evidence.goals
    ]
    return fmt.listed(tuple(names))


def command(evidence: Evidence, assessment: Assessment, context: Context) -> str:
    """Put together the command that plays this attack again."""
    goal = home(evidence, assessment.goals)
    words = ["--only", str(goal), "--attack", evidence.attack]
    words += ["--attacker", evidence.attacker, "--seed", str(assessment.seed)]
    return f"{context.commands.get('run', 'goalkeeper run FILE')} {shlex.join(words)}"


# ---- parts of a card -----------------------------------------------------------------------------


def _warning(evidence: Evidence) -> str:
    if evidence.status is not Status.CONTROL_FAILED:
        return ""
    return (evidence.played.reason or CONTROL_FAILED).rstrip(".")


def _standard(standard: Standard) -> str:
    framework = "" if standard.id.startswith(standard.framework) else standard.framework
    return " ".join(word for word in (framework, standard.id, standard.name) if word)


def _exposure(evidence: Evidence) -> str:
    rated = evidence.rated
    if rated is None:
        return "not rated"
    low, high = LEVELS[rated.demonstrated], LEVELS[rated.potential]
    words = low if low == high else f"{low} to {high}"
    return f"{words} (level {fmt.levels(rated.demonstrated, rated.potential)} of 4)"


def _measurements(measurements: tuple[Measurement, ...], attack: str) -> Table:
    rows = []
    for m in measurements:
        numbers = fmt.measured(m)
        name = fmt.metric_name(m.metric)
        row = (m.group or "everything", name, numbers.value, numbers.interval, numbers.baseline)
        rows.append((*row, f"{m.n:,}", m.note))
    head = ("Group", "Measure", "Value", "95 % interval", "Baseline", "n", "Note")
    wide = len(head) if any(m.note for m in measurements) else len(head) - 1
    caption = f"Further measurements of {attack}"
    return Table(caption, head[:wide], tuple(row[:wide] for row in rows))


def _drawing(curve: Curve | None, head: Measurement | None, evidence: Evidence) -> Drawing | None:
    if curve is None or head is None or not curve.x:
        return None
    rows = []
    for x, value, low, high in zip(curve.x, curve.value, curve.low, curve.high, strict=True):
        text, around = fmt.bounded(low, high, value, head.metric)
        rows.append((fmt.count(x), text, around))
    budget = f"{curve.budget} ({curve.unit})" if curve.unit else curve.budget
    name = fmt.sentence_case(fmt.metric_name(head.metric))
    caption = f"{name} of {evidence.attack} against the budget"
    table = Table(caption, (fmt.sentence_case(budget), name, "95 % interval"), tuple(rows))
    return Drawing(curve, head.metric, head.baseline, table)


def _shown(exhibit: Exhibit, *, private: bool) -> Shown:
    if exhibit.private and not private:
        return Shown("Private exhibit", "", "", WITHHELD, withheld=True)
    return Shown(
        exhibit.title,
        fmt.shortened(exhibit.before),
        fmt.shortened(exhibit.after),
        fmt.shortened(exhibit.note),
        withheld=False,
    )


def _controls(evidence: Evidence) -> Table:
    rows = tuple(
        (c.name, "passed" if c.passed else "failed", c.detail) for c in evidence.played.controls
    )
    return Table(f"Controls of {evidence.attack}", ("Control", "Outcome", "Detail"), rows)


def _potential(potential: AttackPotential) -> tuple[Fact, ...]:
    return (
        Fact("In all", fmt.points(potential.points, "none")),
        Fact("Elapsed time", fmt.days(potential.days)),
        Fact("Expertise", potential.expertise.replace("_", " ")),
        Fact("Secret knowledge", potential.knowledge.replace("_", " ")),
        Fact("Window", potential.window.replace("_", " ")),
        Fact("Equipment", potential.equipment.replace("_", " ")),
    )


def _steps(evidence: Evidence) -> Table:
    rows = []
    for step in evidence.rated.trials if evidence.rated else ():
        scale = fmt.scale_of(evidence.metric)
        digits = fmt.places(step.low, step.high, step.low, scale)
        bounds = fmt.interval(step.low, step.high, digits, scale)
        level = fmt.levels(step.demonstrated, step.potential)
        cost = step.attack_potential
        rows.append((fmt.count(step.budget), bounds, level, str(cost.points), fmt.days(cost.days)))
    head = ("Budget", "One-sided bounds", "Exposure level", "Attack potential", "Elapsed time")
    return Table(f"Rating of {evidence.attack} at each budget", head, tuple(rows))


def _counts(evidence: Evidence) -> Table:
    rows = []
    for trial in evidence.played.trials:
        spent = [f"{fmt.count(trial.queries)} queries a campaign"]
        spent += [f"{fmt.percent(trial.share)} of the training data"] if trial.share else []
        checked = f"{trial.verified:,}" if trial.verified else "none"
        rows.append((fmt.count(trial.budget), ", ".join(spent), tally(trial.tally), checked))
    head = ("Budget", "Spent", "Counts", "Verified one by one")
    return Table(f"Counts from which {evidence.attack} was rated", head, tuple(rows))


def tally(counted: Tally) -> str:
    """Say in words what was counted."""
    match counted:
        case Proportion(successes=k, n=n, baseline_successes=k0, baseline_n=n0):
            return f"{k:,} of {n:,} succeeded; {k0:,} of {n0:,} without the attack"
        case Accuracy(correct=k, n=n):
            return f"{k:,} of {n:,} right; a coin gets half of them right"
        case Gain(successes=k, n=n, baseline_successes=k0, baseline_n=n0):
            return f"{k:,} of {n:,} right; {k0:,} of {n0:,} without access to the model"
        case Ratio(at=rates):
            return "; ".join(
                f"at {fmt.percent(r.fpr)} false alarms: {r.true_positives:,} of {r.positives:,} "
                f"found, {r.false_positives:,} of {r.negatives:,} false alarms"
                for r in rates
            )
        case DamageCount(gained=gained, lost=lost, n=n, tolerance=tolerance):
            pairs = ", ".join(f"+{g:,}/-{v:,}" for g, v in zip(gained, lost, strict=True))
            return (
                f"items newly wrong/newly right of {n:,}, per retraining: {pairs}; "
                f"tolerance {fmt.percent(tolerance)}"
            )


def _cost(evidence: Evidence) -> tuple[Fact, ...]:
    cost = evidence.played.cost
    counts = (
        ("Queries", cost.queries),
        ("Forward passes", cost.forward),
        ("Backward passes", cost.backward),
        ("Models trained", cost.models),
    )
    facts = [Fact(label, fmt.count(value)) for label, value in counts if value]
    return (*facts, Fact("Computing", fmt.duration(cost.seconds)))


def _details(evidence: Evidence) -> tuple[Fact, ...]:
    needs = evidence.requires
    knows = [f"{grade} {aspect}" for aspect, grade in needs.knowledge.items() if grade != "none"]
    facts = [
        Fact("Game", evidence.game),
        Fact(
            "Variant", f"{evidence.family}.{evidence.variant.removeprefix(evidence.family + '.')}"
        ),
        Fact("Needs to know", fmt.listed(tuple(knows)) or "nothing"),
        Fact("Needs to be able to", ", ".join(needs.capabilities) or "nothing"),
        Fact("Needs to see", needs.view),
        Fact("Seed of this play", str(evidence.seed)),
        Fact("Evidence", evidence.id),
    ]
    facts += [Fact("Unit", evidence.unit)] if evidence.unit else []
    facts += [
        Fact(f"Setting {k}", fmt.shortened(str(v), 200)) for k, v in evidence.settings.items()
    ]
    return tuple(facts)
