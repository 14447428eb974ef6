"""Whether a defence is accepted: a pure function of what was measured.

A defence is accepted if it makes a goal that it is meant to protect better, costs no more than the
application tolerates, and makes no other goal worse. Better means both:

* against the attacks that decided before, with the full sample and an attacker who knows the
  defence, the difference cannot be chance, allowing for all attacks compared and all defences
  tried; or they cost their attacker more than before, or are out of reach;
* in a whole assessment of the defended application, the verdict is better, or the cheapest attack
  that was shown to succeed costs at least one class of feasibility more.

The first keeps chance from being taken for a defence; the second, a defence that stops one
attack while another stays as cheap.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from goalkeeper.comparing import AttackChange, Comparison, Direction
from goalkeeper.core.assessment import Assessment, Verdict
from goalkeeper.core.goals import Goal
from goalkeeper.hardening.records import GoalEffect, SideEffect

__all__ = ["TrialOutcome", "Ruling", "decide", "effects_on_goals"]

ORDER = (Verdict.NOT_MET, Verdict.INCONCLUSIVE, Verdict.MET)  # from worst to best
OUT_OF_TIME = (
    "The time was over before all attack runs that count had ended, so that nothing can be said; "
    "the same command with more time continues."
)
Feasibility = Callable[[float], str]


@dataclass(frozen=True, eq=False)
class TrialOutcome:
    """What was measured of a defence.

    Parameters
    ----------
    aimed
        The goals that it is meant to protect, and that were open before.
    deciding
        The attacks that decided before, with their full samples: before and after.
    whole
        The assessments of all goals.
    before, after
        The whole assessments themselves.
    complete
        Whether no attack run was cut off by the time: one that was not made looks like one that
        was withstood.
    side_effects
        What it costs.
    tried
        Number of defences that are tried in all, which share the error.
    """

    aimed: Collection[Goal]
    deciding: Comparison
    whole: Comparison
    before: Assessment
    after: Assessment
    side_effects: Sequence[SideEffect]
    tried: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a defence is accepted, and why."""

    accepted: bool
    why: str


def decide(measured: TrialOutcome, feasibility: Feasibility) -> Ruling:
    """Accept or refuse a defence; `feasibility` names the class of a number of points."""
    if not measured.complete:
        return Ruling(accepted=False, why=OUT_OF_TIME)
    objection = next(_objections(measured), "")
    better = [goal for goal in Goal if goal in measured.aimed and _improves(measured, goal)]
    moved = [goal for goal in better if _moves(measured, goal, feasibility)]
    if not better:
        return Ruling(accepted=False, why=_why_not_better(measured))
    if not moved:
        return Ruling(accepted=False, why=_why_not_moved(measured, better))
    if objection:
        return Ruling(accepted=False, why=objection)
    return Ruling(accepted=True, why=" ".join(_say(measured, goal) for goal in moved))


def effects_on_goals(
    before: Assessment, after: Assessment, comparison: Comparison
) -> Mapping[Goal, GoalEffect]:
    """Return each goal before and after."""
    return {
        goal: GoalEffect(
            before=before.goals[goal].verdict,
            after=after.goals[goal].verdict,
            potential_before=before.goals[goal].demonstrated,
            potential_after=after.goals[goal].demonstrated,
            change=change.change,
            sentence=change.sentence,
        )
        for goal, change in comparison.goals.items()
    }


# ---- better --------------------------------------------------------------------------------------


def _improves(measured: TrialOutcome, goal: Goal) -> bool:
    """Whether some attack that decided got weaker beyond chance, or dearer, and none stronger."""
    rows = [row for row in measured.deciding.attacks if goal in row.goals]
    weaker = any(_claims(row, Direction.BETTER, measured) for row in rows)
    stronger = any(_claims(row, Direction.WORSE, measured) for row in rows)
    return (weaker or _is_dearer(measured, goal)) and not stronger


def _claims(row: AttackChange, direction: Direction, measured: TrialOutcome) -> bool:
    """Whether a change is claimed, allowing for all defences that are tried (Bonferroni)."""
    if row.p_holm is None or row.difference is None or not row.difference.value:
        return False
    towards = Direction.WORSE if row.difference.value > 0 else Direction.BETTER
    tests = measured.tried if direction is Direction.BETTER else 1
    return towards is direction and row.p_holm * tests <= measured.deciding.alpha


def _is_dearer(measured: TrialOutcome, goal: Goal) -> bool:
    """Whether each attack that was shown to succeed costs more than before, or is out of reach.

    Both follow from what the description grants and from the queries that were used: nothing here
    is estimated from samples. Out of reach is what the plan leaves out without evidence, as its
    attacker lacks the power for it. What merely could not be tested has evidence that says so, and
    does not count; neither does what is in reach and was not shown to succeed: of that the
    comparison speaks.
    """
    before, after = (_costs(a, goal) for a in (measured.before, measured.after))
    rows = {(r.attack, r.task, r.attacker): r for r in measured.after.plan}
    beyond = {name for name, r in rows.items() if r.status == "skipped" and not r.evidence}
    return bool(before) and all(
        name in beyond or after.get(name, 0.0) > points for name, points in before.items()
    )


def _costs(assessment: Assessment, goal: Goal) -> dict[tuple[str, str, str], float]:
    """Map each attack that was shown to reach the critical level to the least points it takes."""
    critical = assessment.goals[goal].critical
    found: dict[tuple[str, str, str], float] = {}
    for e in assessment.evidence:
        if e.rated is None or goal not in e.goals or not e.standing.decides:
            continue
        trials = [t for t in e.rated.trials if t.demonstrated >= critical]
        if trials:
            points = min(t.attack_potential.points for t in trials)
            found[e.attack, e.task, e.attacker] = points
    return found


def _moves(measured: TrialOutcome, goal: Goal, feasibility: Feasibility) -> bool:
    """Whether the verdict is better, or the cheapest attack of another class of feasibility."""
    before, after = measured.before.goals[goal], measured.after.goals[goal]
    verdicts = before.verdict, after.verdict
    if Verdict.NOT_ASSESSED in verdicts:  # nothing is left that could be measured
        return False
    if ORDER.index(after.verdict) > ORDER.index(before.verdict):
        return True
    dearer = after.demonstrated > before.demonstrated
    return dearer and feasibility(after.demonstrated) != feasibility(before.demonstrated)


# ---- what stands against it ----------------------------------------------------------------------


def _objections(measured: TrialOutcome) -> Iterator[str]:
    for effect in measured.side_effects:
        if effect.exceeds:
            more = effect.after - effect.before
            yield (
                f"It costs too much: {effect.what} rise from {effect.before:.1%} to "
                f"{effect.after:.1%}, by {more:.1%} ({effect.low:.1%} to {effect.high:.1%}, "
                f"n = {effect.n:,}); {effect.tolerance:.1%} is tolerated."
            )
    for goal, change in measured.whole.goals.items():
        before, after = measured.before.goals[goal], measured.after.goals[goal]
        if before.verdict is Verdict.NOT_ASSESSED or after.verdict is Verdict.NOT_ASSESSED:
            continue
        if change.change is Direction.WORSE:
            yield f"It makes {goal} worse. {change.sentence}"
        elif after.verdict is Verdict.NOT_MET and before.verdict is not Verdict.NOT_MET:
            yield f"With it, {goal} is not met, which it was not before. {change.sentence}"
        elif goal not in measured.aimed and _has_cheaper_attack(measured, goal):
            yield f"With it, an attack on {goal} succeeds at less cost. {change.sentence}"


def _has_cheaper_attack(measured: TrialOutcome, goal: Goal) -> bool:
    """Whether the same attack of the same attacker succeeds at less cost than before."""
    before, after = (_costs(a, goal) for a in (measured.before, measured.after))
    return any(after[name] < before[name] for name in before.keys() & after.keys())


# ---- in words ------------------------------------------------------------------------------------


def _why_not_better(measured: TrialOutcome) -> str:
    goals = _list(measured.aimed)
    rows = [r for r in measured.deciding.attacks if set(r.goals) & set(measured.aimed)]
    seen = next((row for row in rows if row.before and row.after), None)
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


def _say(measured: TrialOutcome, goal: Goal) -> str:
    before, after = measured.before.goals[goal], measured.after.goals[goal]
    if before.verdict is not after.verdict:
        return (
            f"{str(goal).capitalize()}: {_words(before.verdict)} before, "
            f"{_words(after.verdict)} now."
        )
    return (
        f"{str(goal).capitalize()}: the cheapest successful attack costs {after.demonstrated:g} "
        f"points in place of {before.demonstrated:g}."
    )


def _words(verdict: Verdict) -> str:
    return str(verdict).replace("_", " ")


def _list(goals: Collection[Goal]) -> str:
    return " and ".join(str(goal) for goal in Goal if goal in goals)
