"""Findings: one card for each attack run, with all attackers who can mount it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace

from goalkeeper.core.assessment import Assessment, GoalRating
from goalkeeper.core.evidence import Curve, Evidence, Exhibit, Measurement, Picture, Status
from goalkeeper.core.goals import Goal
from goalkeeper.report import detail
from goalkeeper.report import format as fmt
from goalkeeper.report.deciding import (
    RunOutcome,
    determine_outcome,
    explain_role,
    select_deciding,
)
from goalkeeper.report.language import _
from goalkeeper.report.parts import Context, Fact, Link, Table
from goalkeeper.report.sentences import tell_run
from goalkeeper.report.stored import retell_reason, retell_threat
from goalkeeper.report.words import (
    CONTROL_FAILED,
    INTEGRITY_PARTS,
    describe_exposure,
    exposure_words,
    goal_name,
    run_name,
    status_name,
)

RUN_STATUSES = (Status.TESTED, Status.CONTROL_FAILED)
ROBUST_ACCURACY = "robust accuracy"
FALSE_RATE = "false-positive rate"
MOST_EXHIBITS = 2
MOST_POINTS = 8  # rows of a curve in its table, evenly spaced; the plot shows all points


@dataclass(frozen=True, slots=True)
class ExhibitView:
    """An exhibit, shortened for display; an image is shown as a picture only."""

    title: str
    before: str
    after: str
    note: str
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """A curve to plot, and the same numbers as a table; the baseline is NaN if there is none.

    Whether it is a ROC curve, and whether it starts at the value without an attack, follows from
    what it shows.
    """

    curve: Curve
    metric: str
    baseline: float
    table: Table

    @property
    def roc(self) -> bool:
        """Whether two rates are drawn against each other."""
        return self.curve.budget == FALSE_RATE

    @property
    def from_zero(self) -> bool:
        """Whether the curve starts at the value without an attack."""
        return self.metric == ROBUST_ACCURACY and 0 in self.curve.x


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackerCost:
    """One attacker who can mount the attack, and what it costs that attacker."""

    attacker: str
    box: str
    exposure: str
    points: str
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One attack run, ready to be laid out."""

    anchor: str
    decides: bool
    outcomes: Mapping[Goal, RunOutcome]
    title: str
    sentence: str
    role: str
    attack: str
    id: str
    ids: tuple[str, ...]
    goals: tuple[Goal, ...]
    harm: str
    status: str
    warning: str
    knows: str
    attackers: tuple[AttackerCost, ...]
    summary: str
    exposure: str
    headline: fmt.Numbers | None
    threat: str
    robust: str
    metric: str
    remark: str
    measurements: Table
    groups: Table
    drawing: Drawing | None
    exhibits: tuple[ExhibitView, ...]
    withheld: int
    more_exhibits: int
    controls: Table
    caveats: tuple[str, ...]
    costs: tuple[Fact, ...]
    steps: Table
    counts: Table
    spent: tuple[Fact, ...]
    details: tuple[Fact, ...]
    command: str
    advice: tuple[Link, ...]

    @property
    def within(self) -> str:
        """Under which threat the headline was measured, and the robust accuracy there."""
        return "; ".join(part for part in (self.threat, self.robust) if part)

    @property
    def outcome(self) -> str:
        """The outcome of the attack run, goal by goal where outcomes differ."""
        found = set(self.outcomes.values())
        if len(found) < 2:
            return _(next(iter(found), RunOutcome.UNRATED))
        return ", ".join(
            _("{outcome} for {goal}").format(outcome=_(o), goal=goal_name(goal))
            for goal, o in self.outcomes.items()
        )


def findings(assessment: Assessment, context: Context) -> tuple[Finding, ...]:
    """Turn every attack run into a finding; the first per attack and task shows more examples."""
    cards: list[Finding] = []
    seen: set[tuple[str, str]] = set()
    groups = group_runs(assessment)
    decide = select_deciding(groups, assessment.goals)
    for i, group in enumerate(groups):
        what = (group[0].attack, group[0].task)
        card = _finding(group, f"finding-{i + 1}", assessment, context)
        most = 1 if what in seen else MOST_EXHIBITS
        left = len(card.exhibits[most:])
        shown = card.exhibits[:most]
        cards.append(replace(card, decides=i in decide, exhibits=shown, more_exhibits=left))
        seen.add(what)
    return tuple(cards)


def _finding(
    group: tuple[Evidence, ...], anchor: str, assessment: Assessment, context: Context
) -> Finding:
    first = group[0]
    result, head = first.result, first.headline
    goal = primary_goal(first, assessment.goals)
    shown = [_shown(e) for e in result.exhibits if context.show_private or not e.private]
    advice = tuple(
        Link(f"advice-{i}", _(a.defence))
        for i, a in enumerate(assessment.advice, 1)
        if (first.variant in a.variants if a.variants else set(a.for_) & set(first.goals))
    )
    return Finding(
        anchor=anchor,
        decides=True,
        outcomes={
            g: determine_outcome(group, assessment.goals[g])
            for g in first.goals
            if g in assessment.goals
        },
        title=run_name(first),
        sentence=tell_run(group, goal, assessment),
        role=explain_role(group, assessment.goals[goal]) if goal in assessment.goals else "",
        attack=first.attack,
        id=first.id,
        ids=tuple(e.id for e in group),
        goals=first.goals,
        harm=describe_harm(first),
        status=status_name(first.status),
        warning=_warning(first),
        knows=detail.required_knowledge(first),
        attackers=tuple(map(_attacker_cost, group)),
        summary=result.summary,
        exposure=_exposure(first),
        headline=fmt.measurement(head) if head else None,
        threat=retell_threat(result.threat),
        robust=_robust(first),
        metric=fmt.sentence_case(fmt.metric_name(head.metric)) if head else "",
        remark=head.note if head else "",
        measurements=detail.measurements(first),
        groups=detail.groups(first),
        drawing=_drawing(head, first),
        exhibits=tuple(shown),
        withheld=len(result.exhibits) - len(shown),
        more_exhibits=0,
        controls=detail.controls(first),
        caveats=result.caveats,
        costs=detail.costs(group),
        steps=detail.steps(group),
        counts=detail.counts(first),
        spent=detail.spent(first),
        details=detail.details(group),
        command=context.commands.get(first.id) or rerun_command(first, assessment, context),
        advice=advice,
    )


# ---- which evidence makes a card, and where it is shown ------------------------------------------


def group_runs(assessment: Assessment) -> tuple[tuple[Evidence, ...], ...]:
    """Group the evidence by attack run, in reading order; the cheapest attacker comes first."""
    found: dict[tuple[object, ...], list[Evidence]] = {}
    for evidence in order_evidence(assessment):
        run = evidence.unit or evidence.id
        found.setdefault((run, evidence.attack, evidence.task, evidence.goals), []).append(evidence)
    return tuple(tuple(sorted(group, key=_cost)) for group in found.values())


def _cost(evidence: Evidence) -> tuple[float, float]:
    if evidence.rated is None:
        return (math.inf, math.inf)
    cost = evidence.rated.attack_potential
    return (cost.points, cost.days)


def order_evidence(assessment: Assessment) -> tuple[Evidence, ...]:
    """Order the evidence that may decide by goal, and within a goal strongest first."""
    rank = {goal: list(rating.because) for goal, rating in assessment.goals.items()}
    goals = list(Goal)

    def key(evidence: Evidence) -> tuple[float, ...]:
        goal = primary_goal(evidence, assessment.goals)
        because = rank.get(goal, [])
        place = because.index(evidence.id) if evidence.id in because else len(because)
        rated = evidence.rated
        strength = (rated.demonstrated, rated.potential) if rated else (-1, -1)
        cost = rated.attack_potential.points if rated else 0
        return (goals.index(goal), place, -strength[0], -strength[1], cost)

    ran = [e for e in assessment.evidence if e.status in RUN_STATUSES and e.standing.decides]
    return tuple(sorted(ran, key=key))


def primary_goal(evidence: Evidence, goals: dict[Goal, GoalRating]) -> Goal:
    """Return the goal under which evidence is shown: the first of its goals that was rated."""
    return next((g for g in evidence.goals if g in goals), (evidence.goals or tuple(Goal))[0])


def describe_harm(evidence: Evidence) -> str:
    """List the goals that the evidence counts for, with the level or aspect of integrity."""
    part = f"{evidence.level} level" if evidence.level else str(evidence.aspect or "")
    level = _(part) if part in INTEGRITY_PARTS else part
    names = [
        f"{goal_name(g)} ({level})" if g is Goal.INTEGRITY and level else goal_name(g)
        for g in evidence.goals
    ]
    return fmt.join_words(tuple(names))


def rerun_command(evidence: Evidence, assessment: Assessment, context: Context) -> str:
    """Compose the command that repeats this attack run, for the attacker with the lowest cost."""
    goal = primary_goal(evidence, assessment.goals)
    words = ["--only", str(goal), "--attack", evidence.attack, "--attacker", evidence.attacker]
    words += ["--seed", str(assessment.seed)]
    return f"{context.commands.get('run', 'goalkeeper run FILE')} {shlex.join(words)}"


# ---- parts of a card -----------------------------------------------------------------------------


def _attacker_cost(evidence: Evidence) -> AttackerCost:
    cost = evidence.rated.attack_potential if evidence.rated else None
    return AttackerCost(
        attacker=evidence.attacker,
        box=evidence.box,
        exposure=_exposure(evidence, short=True),
        points=fmt.count(cost.points) if cost else _("not rated"),
        time=fmt.days(cost.days) if cost else _("not rated"),
    )


def _warning(evidence: Evidence) -> str:
    if evidence.status is not Status.CONTROL_FAILED:
        return ""
    return retell_reason(evidence.result.reason or CONTROL_FAILED).rstrip(".")


def _exposure(evidence: Evidence, *, short: bool = False) -> str:
    rated = evidence.rated
    if rated is None:
        return _("not rated")
    bracket = rated.demonstrated, rated.potential
    return exposure_words(*bracket) if short else describe_exposure(*bracket)


def _drawing(head: Measurement | None, evidence: Evidence) -> Drawing | None:
    """Draw what was added to be drawn (robust accuracy, ROC), or else the headline's curve."""
    result = evidence.result
    curve = result.curves[0] if result.curves else result.curve
    if curve is None or head is None or len(curve.x) < 2:
        return None
    metric = curve.metric or head.metric
    scale = fmt.scale_of(curve.budget)
    rows = []
    points = list(zip(curve.x, curve.value, curve.low, curve.high, strict=True))
    steps = min(len(points), MOST_POINTS) - 1
    for x, value, low, high in (points[i * (len(points) - 1) // steps] for i in range(steps + 1)):
        text, around = fmt.value_and_interval(low, high, value, metric)
        rows.append((fmt.budget(x, scale), text, around))
    name = fmt.sentence_case(fmt.metric_name(metric))
    budget = fmt.sentence_case(fmt.budget_name(curve.budget, curve.unit))
    caption = (
        _("{metric} of {attack} against the false-positive rate")
        if curve.budget == FALSE_RATE
        else _("{metric} of {attack} against the budget")
    ).format(metric=name, attack=evidence.attack)
    based = not curve.metric and fmt.has_baseline(metric)
    baseline = head.baseline if based else math.nan
    return Drawing(
        curve, metric, baseline, Table(caption, (budget, name, _("95 % interval")), tuple(rows))
    )


def _robust(evidence: Evidence) -> str:
    """Write the robust accuracy beside a headline; empty where none was measured."""
    found = (m for m in evidence.result.measurements if m.metric == ROBUST_ACCURACY)
    measured = next(found, None)
    if measured is None:
        return ""
    numbers = fmt.measurement(measured)
    return _("robust accuracy {value} ({interval}), without attack {baseline}").format(
        value=numbers.value, interval=numbers.interval, baseline=numbers.baseline
    )


def _shown(exhibit: Exhibit) -> ExhibitView:
    before, after, note = map(fmt.truncate, (exhibit.before, exhibit.after, exhibit.note))
    if exhibit.picture is not None:
        before = after = ""
    return ExhibitView(exhibit.title, before, after, note, exhibit.picture)
