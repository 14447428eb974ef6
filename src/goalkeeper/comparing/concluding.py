"""From the changes of attacks to what is claimed: over all of them together, and for each goal.

A change is claimed, of any attack in either direction, in at most 5 % of pairs of runs without a
change: Holm's correction is over all attacks that are compared. A run may have stopped at its first
look, because of what it saw there. So each look, before and after, has its share of the error, as
it has in the rating of a single run; the p-value of a look is divided by its share.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from goalkeeper.comparing.differences import (
    compares_verdicts,
    have_same_data,
    list_differences_of_runs,
)
from goalkeeper.comparing.matching import Match, describe_grant, match_evidence
from goalkeeper.comparing.measuring import MeasuredChange, measure_change
from goalkeeper.comparing.records import (
    AttackChange,
    ComparedRun,
    ComparedValue,
    Comparison,
    Direction,
    GoalChange,
    SampleSizes,
)
from goalkeeper.comparing.sentences import next_commands, say_goal, say_reason, summarise
from goalkeeper.core.assessment import Assessment, Verdict
from goalkeeper.core.goals import Goal
from goalkeeper.rate import shares_of_looks
from goalkeeper.stats import IntervalEstimate, holm

ALPHA = 0.05
LITTLE = "too little data: {error}"


def compare_assessments(
    before: Assessment, after: Assessment, *, sources: tuple[str, str] = ("A", "B")
) -> Comparison:
    """Compare two assessments; `sources` name where they come from."""
    same_data = have_same_data(before, after)
    drafts = [_draft(match, same_data=same_data) for match in match_evidence(before, after)]
    measured = [draft for draft in drafts if draft[1] is not None]
    adjusted = holm([min(1.0, m.p / _share(match, m)) for match, m, _ in measured if m])
    corrected = iter(adjusted.tolist())
    attacks = tuple(
        _conclude(match, found, next(corrected), len(measured))
        if found
        else _leave_out(match, obstacle)
        for match, found, obstacle in drafts
    )
    goals = {
        goal: _compare_goal(goal, before, after, attacks)
        for goal in Goal
        if goal in before.goals and goal in after.goals
    }
    return Comparison(
        before=_describe(before, sources[0]),
        after=_describe(after, sources[1]),
        alpha=ALPHA,
        differences=list_differences_of_runs(before, after),
        goals=goals,
        attacks=tuple(sorted(attacks, key=_order)),
        summary=summarise(goals, attacks, comparable=compares_verdicts(before, after)),
        next=next_commands(before, after, attacks),
    )


def read_assessment_of(path: Path) -> Assessment:
    """Read an assessment from a run folder or from its file.

    Raises
    ------
    StoreError
        It is missing, damaged, of another schema, or not as the manifest says.
    """
    from goalkeeper.compute.files import sha
    from goalkeeper.compute.folder import MANIFEST, RunFolder
    from goalkeeper.core.errors import StoreError

    if path.is_file():
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise StoreError(f"{path} cannot be read: {error}") from error
        return Assessment.parse(text, source=str(path))
    folder = RunFolder(path)
    found = folder.assessment()
    digest = sha(folder.read("assessment.json").encode())
    if f"{digest}  assessment.json" not in folder.read(MANIFEST).splitlines():
        raise StoreError(
            f"{path / 'assessment.json'} is not as the run wrote it; "
            f"see: goalkeeper verify {path}; then run the application again"
        )
    return found


# ---- attacks -------------------------------------------------------------------------------------

Draft = tuple[Match, MeasuredChange | None, str]


def _draft(match: Match, *, same_data: bool) -> Draft:
    """Measure a match where nothing stands against it, else say what does."""
    if match.obstacle or match.before is None or match.after is None:
        return match, None, match.obstacle
    try:
        return match, measure_change(match.before, match.after, same_data=same_data), ""
    except (ValueError, ZeroDivisionError) as error:
        return match, None, LITTLE.format(error=error)


def _share(match: Match, found: MeasuredChange) -> float:
    """Return the share of the error that this pair of looks may spend.

    Independent samples may have been judged at any two looks; the same items only at the smaller
    of both, of which the common items are the sample.
    """
    looks = [shares_of_looks(each) for each in (match.before, match.after) if each]
    shares = [shares[index] for shares, index in looks]
    return min(shares) if found.paired else float(np.prod(shares))


def _conclude(match: Match, found: MeasuredChange, p: float, tests: int) -> AttackChange:
    change = Direction.UNDECIDED
    if p <= ALPHA and found.difference.value:
        change = Direction.WORSE if found.difference.value > 0 else Direction.BETTER
    draft = _row(match).model_copy(
        update={
            "measured": found.measured,
            "unit": found.unit,
            "before": _value(found.before, found.n[0]),
            "after": _value(found.after, found.n[1]),
            "difference": _value(found.difference),
            "p": found.p,
            "p_holm": p,
            "test": found.test,
            "compared": True,
            "paired": found.paired,
            "pairing": found.pairing,
            "change": change,
        }
    )
    if change is not Direction.UNDECIDED:
        return draft
    samples = _size(match, found, tests)
    reason = say_reason(draft, samples)
    return draft.model_copy(update={"samples": samples, "reason": reason})


def _size(match: Match, found: MeasuredChange, tests: int) -> SampleSizes:
    """Say how many items would tell, at the correction for as many attacks, at the last look."""
    looks = [shares_of_looks(each)[0][-1] for each in (match.before, match.after) if each]
    share = min(looks) if found.paired else float(np.prod(looks))
    alpha, needed = ALPHA * share / tests, found.sizing.needed
    seen = found.difference.value
    return SampleSizes(
        now=min(found.n),
        size_seen=needed(seen, alpha)
        if 0 < abs(seen) < (1 if found.unit == "share" else 1e9)
        else None,
        five_points=needed(found.sizing.five_points, alpha),
    )


def _leave_out(match: Match, obstacle: str) -> AttackChange:
    return _row(match).model_copy(update={"reason": obstacle})


def _row(match: Match) -> AttackChange:
    shown = match.any
    return AttackChange(
        attack=shown.attack,
        task=shown.task,
        variant=shown.variant,
        attackers=match.attackers,
        grant=describe_grant(shown.requires),
        goals=match.goals,
        metric=shown.metric,
        powers=match.powers,
        other_power=match.other_power,
        evidence=(
            match.before.id if match.before else "",
            match.after.id if match.after else "",
        ),
    )


def _value(estimate: IntervalEstimate, n: int = 0) -> ComparedValue:
    return ComparedValue(value=estimate.value, low=estimate.low, high=estimate.high, n=n)


def _order(row: AttackChange) -> tuple[int, float, str, str]:
    first = [Direction.WORSE, Direction.BETTER, Direction.UNDECIDED].index(row.change)
    return (
        first + (not row.compared),
        1.0 if row.p_holm is None else row.p_holm,
        row.attack,
        row.task,
    )


# ---- goals ---------------------------------------------------------------------------------------


def _compare_goal(
    goal: Goal, before: Assessment, after: Assessment, attacks: Sequence[AttackChange]
) -> GoalChange:
    """Decide over the attacks that count for the goal's verdict in both runs: the worst counts."""
    one, other = before.goals[goal], after.goals[goal]
    counted = [row for row in attacks if goal in row.goals]
    made = {change: [row for row in counted if row.change is change] for change in Direction}
    change = next(
        (c for c in (Direction.WORSE, Direction.BETTER) if made[c]),
        Direction.UNDECIDED,
    )
    named = made[change] if change is not Direction.UNDECIDED else counted
    draft = GoalChange(
        change=change,
        sentence="",
        verdict_before=one.verdict,
        verdict_after=other.verdict,
        exposure_before=one.exposure,
        exposure_after=other.exposure,
        need_before=one.need.level,
        need_after=other.need.level,
        compared=sum(row.compared for row in counted),
        made_by=tuple(dict.fromkeys(row.attack for row in named if row.change is change))
        if change is not Direction.UNDECIDED
        else (),
        powers=tuple(dict.fromkeys(name for row in named for name in row.other_power)),
    )
    comparable = compares_verdicts(before, after) and one.need.level == other.need.level
    decided = _find_decider(goal, before, after, attacks)
    left_out = decided if decided and not decided.compared else None
    sentence = say_goal(goal, draft, counted, comparable=comparable, left_out=left_out)
    return draft.model_copy(update={"sentence": sentence})


def _find_decider(
    goal: Goal, before: Assessment, after: Assessment, attacks: Sequence[AttackChange]
) -> AttackChange | None:
    """Find the attack that decided the verdict that a goal is not met, before or else after."""
    for run in (before, after):
        id_ = run.goals[goal].cheapest_attack
        one = next((each for each in run.evidence if each.id == id_), None)
        if one and run.goals[goal].verdict is Verdict.NOT_MET:
            name = (one.attack, one.task, describe_grant(one.requires))
            return next(
                (
                    row
                    for row in attacks
                    if (row.attack, row.task, row.grant) == name and one.attacker in row.attackers
                ),
                None,
            )
    return None


def _describe(assessment: Assessment, source: str) -> ComparedRun:
    return ComparedRun(
        source=source,
        application=assessment.application.name,
        fingerprint=assessment.application.fingerprint,
        verdict=assessment.verdict,
        seed=assessment.seed,
        effort=assessment.effort,
        finished=assessment.finished,
    )
