"""Whether a defence is accepted: a pure function of what was measured.

A defence is accepted if it makes a goal that it is meant to protect better, costs no more than the
application tolerates, and makes no other goal worse. Better means both:

* against the attacks that decided before, with the full sample and an attacker who knows the
  defence, the difference cannot be chance, allowing for all attacks compared and all defences
  tried; or they cost their attacker more than before, or are out of reach;
* in a whole assessment of the defended application, the verdict is better, or the cheapest attack
  that was shown to succeed costs at least one class of feasibility more.

The first keeps chance from being taken for a defence; the second, a defence that stops one
attack while another stays as cheap. As all of it must hold, a trial ends at the first part that
does not: the price is measured before any attack, and the attacks that decided before the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from goalkeeper.comparing import AttackChange, Comparison, Direction
from goalkeeper.core.assessment import Assessment, Verdict
from goalkeeper.core.evidence import Evidence, RatedTrial
from goalkeeper.core.goals import Goal
from goalkeeper.hardening.records import GoalEffect, SideEffect

__all__ = [
    "FirstOutcome",
    "Ruling",
    "TrialOutcome",
    "decide",
    "effects_of_first",
    "effects_on_goals",
    "refuse_first",
    "refuse_price",
]

ORDER = (Verdict.NOT_MET, Verdict.INCONCLUSIVE, Verdict.MET)  # from worst to best
OUT_OF_TIME = (
    "The time was over before all attack runs that count had ended, so that nothing can be said; "
    "the same command with more time continues."
)
LEFT_OPEN = (
    "With it, {goal} is not met. Whether it was before is open, as the time was over before all "
    "its attack runs were made: start again in a new folder with more time."
)
NOT_AGAIN = "It was refused before this was assessed again."
LESS = "It was not assessed again: attackers have less than before, so that nothing got easier."
GRANTED = (
    "by what the description now leaves to attackers: cheaper attacks are out of their reach, or "
    "cost more. That the measure is in force is not tested"
)
Feasibility = Callable[[float], str]
AttackName = tuple[str, str, str]  # attack, task, attacker


@dataclass(frozen=True, eq=False)
class FirstOutcome:
    """What the attacks that decided before reach with their full samples, before and after.

    Parameters
    ----------
    aimed
        The goals that a defence is meant to protect, and that were open before.
    before, after
        Assessments of these attacks alone.
    comparison
        The two compared.
    tried
        Number of defences that are tried in all, which share the error.
    complete
        Whether no attack run was cut off by the time: one that was not made looks like one that
        was withstood.
    """

    aimed: Collection[Goal]
    before: Assessment
    after: Assessment
    comparison: Comparison
    tried: int
    complete: bool


@dataclass(frozen=True, eq=False)
class TrialOutcome:
    """What was measured of a defence.

    Parameters
    ----------
    first
        The attacks that decided before.
    before, after
        The assessments of all goals.
    comparison
        The two compared.
    side_effects
        What it costs.
    complete
        Whether no attack run was cut off by the time.
    narrows
        Whether it does nothing but take from attackers what they have. Then no other goal can have
        become worse, and goals that it is not meant for are not assessed again.
    """

    first: FirstOutcome
    before: Assessment
    after: Assessment
    comparison: Comparison
    side_effects: Sequence[SideEffect]
    complete: bool
    narrows: bool = False


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a defence is accepted, and why.

    `remaining` are the goals that it protects better against what decided, where another attack is
    as cheap: together with a defence against that one it may do. `granted` are the goals that
    became better by what attackers are given, which is no matter of chance. `moved` are those for
    whose sake it is accepted. `milder` is whether it is refused for something that a milder setting
    may not do.
    """

    accepted: bool
    why: str
    remaining: tuple[Goal, ...] = ()
    granted: tuple[Goal, ...] = ()
    moved: tuple[Goal, ...] = ()
    milder: bool = False


def refuse_price(side_effects: Sequence[SideEffect]) -> str:
    """Say why a defence costs more than the application tolerates; empty: it does not."""
    return next(_objections_to_price(side_effects), "")


def refuse_first(first: FirstOutcome) -> str:
    """Say why a defence cannot be accepted, whatever the whole assessment says; empty: it can."""
    if not first.complete:
        return OUT_OF_TIME
    return "" if any(_may_improve(first, goal) for goal in first.aimed) else _why_not_better(first)


def decide(measured: TrialOutcome, feasibility: Feasibility) -> Ruling:
    """Accept or refuse a defence; `feasibility` names the class of a number of points."""
    ended = measured.complete and measured.first.complete
    if not ended and not measured.narrows:
        return Ruling(accepted=False, why=OUT_OF_TIME)
    objection = "" if measured.narrows else next(_objections(measured), "")
    better = [g for g in Goal if g in measured.first.aimed and _improves(measured, g)]
    moved = [goal for goal in better if _moves(measured, goal, feasibility)]
    if not moved and not ended:
        return Ruling(accepted=False, why=OUT_OF_TIME)
    if not better:
        return Ruling(accepted=False, why=_why_not_better(measured.first))
    if not moved:
        remaining = () if objection else tuple(better)
        return Ruling(accepted=False, why=_why_not_moved(measured, better), remaining=remaining)
    if objection:
        return Ruling(accepted=False, why=objection, milder=True)
    granted = tuple(goal for goal in moved if not _weakens(measured.first, goal, otherwise=False))
    why = " ".join(_say(measured, goal, by_grant=goal in granted) for goal in moved)
    return Ruling(accepted=True, why=why, granted=granted, moved=tuple(moved))


def effects_on_goals(measured: TrialOutcome, ruling: Ruling) -> Mapping[Goal, GoalEffect]:
    """Return each goal before and after."""
    before, after, comparison = measured.before, measured.after, measured.comparison
    others = {
        goal: _effect_of_first(goal, before, None, LESS)
        for goal in before.goals
        if goal not in comparison.goals or after.goals[goal].verdict is Verdict.NOT_ASSESSED
    }
    return others | {
        goal: GoalEffect(
            before=before.goals[goal].verdict,
            after=after.goals[goal].verdict,
            potential_before=before.goals[goal].demonstrated,
            potential_after=after.goals[goal].demonstrated,
            change=Direction.BETTER if goal in ruling.granted else change.change,
            sentence=_say(measured, goal, by_grant=True)
            if goal in ruling.granted
            else change.sentence,
        )
        for goal, change in comparison.goals.items()
        if goal not in others
    }


def effects_of_first(before: Assessment, after: Assessment | None) -> Mapping[Goal, GoalEffect]:
    """Return each goal before, and what the attacks that decided say of it after.

    They can show that a goal is not met; that it is met takes all attacks.
    """
    return {goal: _effect_of_first(goal, before, after) for goal in before.goals}


def _effect_of_first(
    goal: Goal, before: Assessment, after: Assessment | None, unknown: str = NOT_AGAIN
) -> GoalEffect:
    was = before.goals[goal]
    now = after.goals.get(goal) if after is not None else None
    shown = now is not None and now.verdict is Verdict.NOT_MET
    return GoalEffect(
        before=was.verdict,
        after=Verdict.NOT_MET if shown else Verdict.NOT_ASSESSED,
        potential_before=was.demonstrated,
        potential_after=now.demonstrated if now is not None and shown else None,
        change=Direction.UNDECIDED,
        sentence="" if shown else unknown,
    )


# ---- better --------------------------------------------------------------------------------------


def _improves(measured: TrialOutcome, goal: Goal) -> bool:
    """Whether what decided got weaker beyond chance, or dearer, and nothing stronger."""
    rating = measured.after.goals[goal]
    dearer = _is_dearer(measured.first, goal, min(rating.demonstrated, rating.required))
    return _weakens(measured.first, goal, otherwise=dearer)


def _may_improve(first: FirstOutcome, goal: Goal) -> bool:
    """Whether `_improves` may hold once all attacks were made."""
    rating = first.after.goals[goal]
    dearer = _is_dearer(first, goal, min(rating.demonstrated, rating.required))
    return _weakens(first, goal, otherwise=dearer)


def _weakens(first: FirstOutcome, goal: Goal, *, otherwise: bool) -> bool:
    """Whether some attack that decided got weaker beyond chance, or is dearer; none stronger."""
    rows = [row for row in first.comparison.attacks if goal in row.goals]
    weaker = any(_claims(row, Direction.BETTER, first) for row in rows)
    stronger = any(_claims(row, Direction.WORSE, first) for row in rows)
    return (weaker or otherwise) and not stronger


def _claims(row: AttackChange, direction: Direction, first: FirstOutcome) -> bool:
    """Whether a change is claimed, allowing for all defences that are tried (Bonferroni)."""
    if row.p_holm is None or row.difference is None or not row.difference.value:
        return False
    towards = Direction.WORSE if row.difference.value > 0 else Direction.BETTER
    tests = first.tried if direction is Direction.BETTER else 1
    return towards is direction and row.p_holm * tests <= first.comparison.alpha


def _is_dearer(first: FirstOutcome, goal: Goal, points: float) -> bool:
    """Whether each attack that was shown to succeed for less now takes that many points.

    Each is out of its attacker's reach, or all that was needed for it costs so much. Both follow
    from what the description grants: nothing here is estimated from samples. Out of reach is what
    the plan leaves out without evidence, as its attacker lacks the power for it. What merely could
    not be tested has evidence that says so, and does not count. Neither does an attack that costs
    as much as before and was not shown to succeed: of that the comparison speaks.
    """
    found = _list_shown(first.before, goal)
    cheap = {name: trial for name, trial in found.items() if trial.attack_potential.points < points}
    left = {(r.attack, r.task, r.attacker) for r in first.after.plan if r.unit or r.evidence}
    prices = {name: _price(first.after, name, trial.budget) for name, trial in cheap.items()}
    return bool(cheap) and all(name not in left or prices[name] >= points for name in cheap)


def _price(assessment: Assessment, name: AttackName, budget: float) -> float:
    """Return the least points that an attack takes with so large a budget; 0: it was not made."""
    tested = [e for e in assessment.evidence if _name(e) == name and e.rated is not None]
    found = [
        min((t.attack_potential.points for t in e.rated.trials if t.budget >= budget), default=0)
        for e in tested
        if e.rated is not None
    ]
    return min(found, default=0)


def _list_shown(assessment: Assessment, goal: Goal) -> dict[AttackName, RatedTrial]:
    """Map each attack that was shown to reach the critical level to its cheapest such trial."""
    critical = assessment.goals[goal].critical
    found: dict[AttackName, RatedTrial] = {}
    for e in assessment.evidence:
        if e.rated is None or goal not in e.goals or not e.standing.decides:
            continue
        known = [found[_name(e)]] if _name(e) in found else []
        trials = [*known, *(t for t in e.rated.trials if t.demonstrated >= critical)]
        if trials:
            found[_name(e)] = min(trials, key=lambda t: t.attack_potential.points)
    return found


def _name(evidence: Evidence) -> AttackName:
    return evidence.attack, evidence.task, evidence.attacker


def _moves(measured: TrialOutcome, goal: Goal, feasibility: Feasibility) -> bool:
    """Whether the verdict is better, or the cheapest attack of another class of feasibility.

    What was open before because time was over before all attacks were made is no verdict. That a
    goal is met takes all attacks, so that it holds whatever time cut off elsewhere.
    """
    before, after = measured.before.goals[goal], measured.after.goals[goal]
    verdicts = before.verdict, after.verdict
    if not measured.complete and after.verdict is not Verdict.MET:
        return False
    if Verdict.NOT_ASSESSED in verdicts:  # nothing is left that could be measured
        return False
    if before.verdict is Verdict.INCONCLUSIVE and not measured.before.complete:
        return False
    if ORDER.index(after.verdict) > ORDER.index(before.verdict):
        return True
    dearer = after.demonstrated > before.demonstrated
    return dearer and feasibility(after.demonstrated) != feasibility(before.demonstrated)


# ---- what stands against it ----------------------------------------------------------------------


def _objections_to_price(side_effects: Sequence[SideEffect]) -> Iterator[str]:
    for effect in side_effects:
        if effect.exceeds:
            more = effect.after - effect.before
            yield (
                f"It costs too much: {effect.what} rise from {effect.before:.1%} to "
                f"{effect.after:.1%}, by {more:.1%} ({effect.low:.1%} to {effect.high:.1%}, "
                f"n = {effect.n:,}); {effect.tolerance:.1%} is tolerated."
            )


def _objections(measured: TrialOutcome) -> Iterator[str]:
    yield from _objections_to_price(measured.side_effects)
    for goal, change in measured.comparison.goals.items():
        before, after = measured.before.goals[goal], measured.after.goals[goal]
        if before.verdict is Verdict.NOT_ASSESSED or after.verdict is Verdict.NOT_ASSESSED:
            continue
        if change.change is Direction.WORSE:
            yield f"It makes {goal} worse. {change.sentence}"
        elif after.verdict is Verdict.NOT_MET and before.verdict is not Verdict.NOT_MET:
            if before.verdict is Verdict.INCONCLUSIVE and not measured.before.complete:
                yield LEFT_OPEN.format(goal=goal)
            else:
                yield f"With it, {goal} is not met, which it was not before. {change.sentence}"
        elif goal not in measured.first.aimed and _has_cheaper_attack(measured, goal):
            yield f"With it, an attack on {goal} succeeds at less cost. {change.sentence}"


def _has_cheaper_attack(measured: TrialOutcome, goal: Goal) -> bool:
    """Whether the same attack of the same attacker succeeds at less cost than before."""
    before, after = (_list_shown(a, goal) for a in (measured.before, measured.after))
    return any(
        after[name].attack_potential.points < before[name].attack_potential.points
        for name in before.keys() & after.keys()
    )


# ---- in words ------------------------------------------------------------------------------------


def _why_not_better(first: FirstOutcome) -> str:
    goals = _list(first.aimed)
    rows = [r for r in first.comparison.attacks if set(r.goals) & set(first.aimed)]
    measured = [row for row in rows if row.before and row.after and row.p_holm is not None]
    seen = min(measured, key=lambda row: row.p_holm or 0.0, default=None)
    if seen is None or seen.before is None or seen.after is None:
        return f"No difference against the attacks that decide {goals} could be measured."
    return (
        f"{seen.attack} succeeds about as often as before, or the difference may be chance: "
        f"{seen.before.value:.3g} ({seen.before.low:.3g} to {seen.before.high:.3g}) before, "
        f"{seen.after.value:.3g} ({seen.after.low:.3g} to {seen.after.high:.3g}) after "
        f"(n = {seen.after.n:,})."
    )


def _why_not_moved(measured: TrialOutcome, better: Sequence[Goal]) -> str:
    goal = better[0]
    rating = measured.after.goals[goal]
    found = {e.id: e for e in measured.after.evidence}.get(rating.cheapest_attack)
    other = f" {found.attack} by {found.attacker} still succeeds." if found else ""
    return f"The attacks that decided {goal} are weaker, but it is no better protected.{other}"


def _say(measured: TrialOutcome, goal: Goal, *, by_grant: bool) -> str:
    before, after = measured.before.goals[goal], measured.after.goals[goal]
    said = (
        f"{str(goal).capitalize()}: the cheapest successful attack costs {after.demonstrated:g} "
        f"points in place of {before.demonstrated:g}"
    )
    if before.verdict is not after.verdict:
        said = (
            f"{str(goal).capitalize()}: {_words(before.verdict)} before, "
            f"{_words(after.verdict)} now"
        )
    return f"{said}, {GRANTED}." if by_grant else f"{said}."


def _words(verdict: Verdict) -> str:
    return str(verdict).replace("_", " ")


def _list(goals: Collection[Goal]) -> str:
    return " and ".join(str(goal) for goal in Goal if goal in goals)
