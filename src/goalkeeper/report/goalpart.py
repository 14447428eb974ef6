"""The verdict on one goal, with what supports it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from goalkeeper.core.assessment import Assessment, GoalRating, Verdict
from goalkeeper.core.evidence import Evidence
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.report import format as fmt
from goalkeeper.report.deciding import RunOutcome
from goalkeeper.report.finding import Finding, primary_goal
from goalkeeper.report.gaps import open_lines
from goalkeeper.report.parts import Fact, Link, Table, merge_rows
from goalkeeper.report.sections import missing
from goalkeeper.report.sentences import tell_goal, tell_settling
from goalkeeper.report.words import LEVELS, NEEDS, QUESTIONS, RISKS, VERDICT_LABELS, VerdictLabel

UNRATED = "not rated"
OUTCOME_WORDS = {
    RunOutcome.SUCCEEDS: "succeeded",
    RunOutcome.INCONCLUSIVE: "inconclusive",
    RunOutcome.TOO_COSTLY: "too costly",
    RunOutcome.WITHSTOOD: "withstood",
    RunOutcome.UNRATED: "not rated",
}


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """How many attack runs had this outcome for a goal, and which attacks they ran."""

    outcome: RunOutcome
    runs: int
    attacks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalPart:
    """The verdict on one goal, and what supports it."""

    goal: Goal
    anchor: str
    title: str
    question: str
    verdict: Verdict
    label: VerdictLabel
    sentence: str
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
    outcomes: tuple[OutcomeCount, ...]
    advice: tuple[Link, ...]
    attackers: str
    settle: tuple[str, ...]
    settling: str
    not_tested: Table
    findings: tuple[Finding, ...]
    elsewhere: tuple[Link, ...]
    rest: tuple[tuple[int, str], ...] = ()

    @property
    def runs(self) -> int:
        """How many attack runs were planned for this goal."""
        return sum(o.runs for o in self.outcomes) + sum(n for n, _ in self.rest)

    @property
    def counted(self) -> str:
        """How many attack runs were planned for this goal, and what became of each."""
        counts = [f"{o.runs:,} {OUTCOME_WORDS[o.outcome]}" for o in self.outcomes]
        counts += [f"{n:,} {what}" for n, what in self.rest]
        subject = "1 attack run was" if self.runs == 1 else f"{self.runs:,} attack runs were"
        return f"{subject} planned for this goal: {', '.join(counts)}."

    @property
    def cards(self) -> tuple[Finding, ...]:
        """The deciding attack runs: they are shown in full."""
        return tuple(f for f in self.findings if f.decides)

    @property
    def rows(self) -> tuple[Finding, ...]:
        """All other attack runs: one row each."""
        return tuple(f for f in self.findings if not f.decides)


def goal_part(goal: Goal, assessment: Assessment, findings: tuple[Finding, ...]) -> GoalPart:
    """Put together the verdict on one goal."""
    rating = assessment.goals[goal]
    rated = rating.verdict is not Verdict.NOT_ASSESSED
    by_id = {e.id: e for e in assessment.evidence}
    here = {e.id for e in assessment.evidence if primary_goal(e, assessment.goals) is goal}
    decider = _decider(goal, rating, findings)
    deciding = [by_id[id_] for id_ in decider.ids] if decider else []
    return GoalPart(
        goal=goal,
        anchor=str(goal),
        title=str(goal).capitalize(),
        question=QUESTIONS[goal],
        verdict=rating.verdict,
        label=VERDICT_LABELS[rating.verdict],
        sentence=tell_goal(goal, deciding, assessment),
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
        decider=decider,
        outcomes=_count_outcomes(goal, findings),
        advice=_advice(goal, assessment, {e.variant for e in deciding}),
        attackers=fmt.join_words(rating.attackers),
        settle=_settle(rating),
        settling=_settling(goal, deciding, assessment),
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
            change = "one level up" if name == "cumulation" else "one level down"
            rows.append((name, change, step.reason))
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
        Fact("Cheapest attack demonstrated", fmt.points(rating.demonstrated, "none")),
        Fact("Cheapest attack not excluded", fmt.points(rating.potential, "none")),
        Fact("Must withstand", f"all attacks below {fmt.points(rating.required, 'none')}"),
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
    """Find the attack run that decided: the cheapest attack, or else the strongest."""
    named = (rating.cheapest_attack, *rating.because[:1])
    decided = [f for id_ in named for f in findings if id_ and id_ in f.ids]
    return next(iter([*decided, *(f for f in findings if goal in f.goals)]), None)


def _advice(goal: Goal, assessment: Assessment, deciding: set[str]) -> tuple[Link, ...]:
    """Link the defences recommended for a goal, each once; first what helps against `deciding`."""
    links: dict[str, Link] = {}
    numbered = [(i, a) for i, a in enumerate(assessment.advice, 1) if goal in a.for_]
    for i, advice in sorted(numbered, key=lambda one: deciding.isdisjoint(one[1].variants)):
        links.setdefault(advice.defence, Link(f"advice-{i}", advice.defence))
    return tuple(links.values())


def _count_outcomes(goal: Goal, findings: tuple[Finding, ...]) -> tuple[OutcomeCount, ...]:
    """Count the outcomes of all attack runs for a goal, wherever they are shown."""
    here = [(f.outcomes[goal], f.attack) for f in findings if goal in f.outcomes]
    return tuple(
        OutcomeCount(o, len(names), tuple(dict.fromkeys(names)))
        for o in RunOutcome
        if (names := [name for found, name in here if found is o])
    )


def _settle(rating: GoalRating) -> tuple[str, ...]:
    if rating.verdict is not Verdict.INCONCLUSIVE:
        return ()
    return open_lines(rating.not_tested)


def _settling(goal: Goal, decider: list[Evidence], assessment: Assessment) -> str:
    """Say what would settle the goal first; empty where it is decided."""
    rating = assessment.goals[goal]
    if rating.verdict is not Verdict.INCONCLUSIVE:
        return ""
    return tell_settling(goal, decider, assessment) or next(iter(_settle(rating)), "")


def _gaps(rating: GoalRating, assessment: Assessment) -> Table:
    """List what is open, except for attacks that were not run: they have their own table."""
    listed_elsewhere: set[tuple[str, ...]] = set(missing(assessment))
    listed_elsewhere |= {
        (e.variant, e.attacker, e.result.reason) for e in assessment.evidence if e.result.reason
    }
    gaps = (
        g
        for g in rating.not_tested
        if listed_elsewhere.isdisjoint(
            {(g.variant, g.attacker), (g.variant, g.attacker, _without_status(g.reason))}
        )
    )
    rows = merge_rows(((g.variant, g.attacker, g.reason) for g in gaps), 1)
    head = ("Variants", "Attackers", "Why")
    return Table(f"Still open for {rating.goal}", head, merge_rows(rows, 0))


def _without_status(reason: str) -> str:
    """Remove the status from the start of a reason: it has its own column."""
    return reason.partition(": ")[2]
