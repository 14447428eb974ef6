"""The verdict on one goal, with what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from goalkeeper.core.assessment import Assessment, GoalRating, Verdict
from goalkeeper.core.evidence import Evidence
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.report import format as fmt
from goalkeeper.report.deciding import Outcome
from goalkeeper.report.finding import Finding, home
from goalkeeper.report.gaps import open_lines
from goalkeeper.report.parts import Fact, Link, Table, merged
from goalkeeper.report.sections import missing
from goalkeeper.report.words import LEVELS, MARKS, NEEDS, QUESTIONS, RISKS, Mark

UNRATED = "not rated"
ENDINGS = {
    Outcome.SUCCEEDS: "succeeded",
    Outcome.OPEN: "left open",
    Outcome.DEAR: "reached it but too dear",
    Outcome.WITHSTOOD: "withstood",
    Outcome.UNRATED: "not rated",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """The plays that ended alike for a goal: how, how many, and of which attacks."""

    outcome: Outcome
    plays: int
    attacks: tuple[str, ...]


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
    decider: Finding | None
    ended: tuple[Ended, ...]
    advice: tuple[Link, ...]
    attackers: str
    settle: tuple[str, ...]
    not_tested: Table
    findings: tuple[Finding, ...]
    elsewhere: tuple[Link, ...]

    @property
    def counted(self) -> str:
        """How many plays count for this goal, and how they ended."""
        plays = sum(e.plays for e in self.ended)
        how = ", ".join(f"{e.plays:,} {ENDINGS[e.outcome]}" for e in self.ended)
        return f"{plays:,} {'play counts' if plays == 1 else 'plays count'} for this goal: {how}."

    @property
    def cards(self) -> tuple[Finding, ...]:
        """The plays that decide: they are shown in full."""
        return tuple(f for f in self.findings if f.decides)

    @property
    def rows(self) -> tuple[Finding, ...]:
        """All other plays: one row each."""
        return tuple(f for f in self.findings if not f.decides)


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
        decider=_decider(goal, rating, findings),
        ended=_ended(goal, findings),
        advice=_advice(goal, assessment),
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


def _decider(goal: Goal, rating: GoalRating, findings: tuple[Finding, ...]) -> Finding | None:
    """Find the play whose number decided: the cheapest attack, or else the strongest."""
    named = (rating.cheapest_attack, *rating.because[:1])
    decided = [f for id_ in named for f in findings if id_ and id_ in f.ids]
    return next(iter([*decided, *(f for f in findings if goal in f.goals)]), None)


def _advice(goal: Goal, assessment: Assessment) -> tuple[Link, ...]:
    """Name the defences that are for a goal, each once."""
    links: dict[str, Link] = {}
    for i, advice in enumerate(assessment.advice, 1):
        if goal in advice.for_:
            links.setdefault(advice.defence, Link(f"advice-{i}", advice.defence))
    return tuple(links.values())


def _ended(goal: Goal, findings: tuple[Finding, ...]) -> tuple[Ended, ...]:
    """Count how the plays ended for a goal, wherever they are shown."""
    here = [(f.outcomes[goal], f.attack) for f in findings if goal in f.outcomes]
    return tuple(
        Ended(o, len(names), tuple(dict.fromkeys(names)))
        for o in Outcome
        if (names := [name for found, name in here if found is o])
    )


def _settle(rating: GoalRating) -> tuple[str, ...]:
    if rating.verdict is not Verdict.INCONCLUSIVE:
        return ()
    return open_lines(rating.not_tested)


def _gaps(rating: GoalRating, assessment: Assessment) -> Table:
    """List what is open, but for what was not played at all, which has a table of its own."""
    listed: set[tuple[str, ...]] = set(missing(assessment))
    listed |= {
        (e.variant, e.attacker, e.result.reason) for e in assessment.evidence if e.result.reason
    }
    gaps = (
        g
        for g in rating.not_tested
        if not {(g.variant, g.attacker), (g.variant, g.attacker, _said(g.reason))} & listed
    )
    rows = merged(((g.variant, g.attacker, g.reason) for g in gaps), 1)
    head = ("Variants", "Attackers", "Why")
    return Table(f"What is open for {rating.goal}", head, merged(rows, 0))


def _said(reason: str) -> str:
    """Take the status from the head of a reason: it has a column of its own."""
    return reason.partition(": ")[2]
