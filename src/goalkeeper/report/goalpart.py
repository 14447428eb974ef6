"""The verdict on one goal, with what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from goalkeeper.core.assessment import Assessment, GoalRating, Verdict
from goalkeeper.core.evidence import Evidence
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.report import format as fmt
from goalkeeper.report.finding import Finding, home
from goalkeeper.report.gaps import open_lines
from goalkeeper.report.parts import Fact, Link, Table, merged
from goalkeeper.report.sections import missing
from goalkeeper.report.words import LEVELS, MARKS, NEEDS, QUESTIONS, RISKS, Mark

UNRATED = "not rated"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalPart:
    """The verdict on one goal, and what it rests on."""

    goal: Goal
    anchor: str
    title: str
    question: str
    verdict: Verdict
    mark: Mark
    need: str
    damages: Table
    reason: str
    risk: str
    exposure: str
    bracket: tuple[float, float]
    critical: int
    critical_level: str
    potential: tuple[Fact, ...]
    cheapest: Link | None
    attackers: str
    settle: tuple[str, ...]
    not_tested: Table
    findings: tuple[Finding, ...]
    elsewhere: tuple[Link, ...]


def goal_part(goal: Goal, assessment: Assessment, findings: tuple[Finding, ...]) -> GoalPart:
    """Put together the verdict on one goal."""
    rating = assessment.goals[goal]
    rated = rating.verdict is not Verdict.NOT_ASSESSED
    by_id = {e.id: e for e in assessment.evidence}
    here = {e.id for e in assessment.evidence if home(e, assessment.goals) is goal}
    return GoalPart(
        goal=goal,
        anchor=str(goal),
        title=str(goal).capitalize(),
        question=QUESTIONS[goal],
        verdict=rating.verdict,
        mark=MARKS[rating.verdict],
        need=NEEDS[rating.need.level],
        damages=_damages(rating.need),
        reason=rating.reason,
        risk=_risk(rating) if rated else UNRATED,
        exposure=_levels(rating) if rated else UNRATED,
        bracket=(rating.exposure.low, rating.exposure.high),
        critical=rating.critical,
        critical_level=_critical(rating) if rated else UNRATED,
        potential=_costs(rating) if rated else (),
        cheapest=_cheapest(rating, by_id, findings),
        attackers=fmt.listed(rating.attackers),
        settle=_settle(rating),
        not_tested=_gaps(rating, assessment),
        findings=tuple(f for f in findings if f.id in here),
        elsewhere=tuple(
            Link(f.anchor, f.title) for f in findings if goal in f.goals and f.id not in here
        ),
    )


def _damages(need: ProtectionNeed) -> Table:
    rows = [(d.scenario, NEEDS[d.level], d.reason) for d in need.damages]
    for name, step in (("cumulation", need.cumulation), ("distribution", need.distribution)):
        if step is not None and step.step:
            way = "one step up" if name == "cumulation" else "one step down"
            rows.append((name, way, step.reason))
    return Table(f"Why the need for {need.goal} is {NEEDS[need.level]}", _DAMAGE_HEAD, tuple(rows))


_DAMAGE_HEAD = ("Damage scenario", "Need", "Reason")


def _risk(rating: GoalRating) -> str:
    low, high = rating.risk.low, rating.risk.high
    worst = RISKS[min(5, max(0, int(high)))]
    return f"{fmt.levels(low, high)} of 5: {worst}" if worst else f"{fmt.levels(low, high)} of 5"


def _levels(rating: GoalRating) -> str:
    low, high = rating.exposure.low, rating.exposure.high
    words = [LEVELS[min(4, max(0, int(v)))] for v in (low, high)]
    text = words[0] if low == high else f"{words[0]} to {words[1]}"
    return f"{text} (level {fmt.levels(low, high)} of 4)"


def _costs(rating: GoalRating) -> tuple[Fact, ...]:
    return (
        Fact("Cheapest attack shown", fmt.points(rating.demonstrated, "none was shown to succeed")),
        Fact("Cheapest not excluded", fmt.points(rating.potential, "none is left open")),
        Fact("Must withstand", f"all below {fmt.points(rating.required, 'none')}"),
    )


def _critical(rating: GoalRating) -> str:
    return f"level {rating.critical}, {LEVELS[min(4, rating.critical)]}"


def _cheapest(
    rating: GoalRating, by_id: Mapping[str, Evidence], findings: tuple[Finding, ...]
) -> Link | None:
    evidence = by_id.get(rating.cheapest_attack)
    if evidence is None:
        return None
    anchors = {id_: f.anchor for f in findings for id_ in f.ids}
    text = f"{evidence.attack} by {evidence.attacker}"
    return Link(anchors.get(evidence.id, "not-tested"), text)


def _settle(rating: GoalRating) -> tuple[str, ...]:
    if rating.verdict is not Verdict.INCONCLUSIVE:
        return ()
    return open_lines(rating.not_tested)


def _gaps(rating: GoalRating, assessment: Assessment) -> Table:
    """List what is open, but for variants without an attack, which have a table of their own."""
    listed = missing(assessment)
    gaps = (g for g in rating.not_tested if (g.variant, g.attacker) not in listed)
    rows = merged(((g.variant, g.attacker, g.reason) for g in gaps), 1)
    head = ("Variants", "Attackers", "Why")
    return Table(f"What is open for {rating.goal}", head, merged(rows, 0))
