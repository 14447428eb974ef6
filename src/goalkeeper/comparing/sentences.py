"""The sentences of a comparison: whole templates with named gaps."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence

from goalkeeper.comparing.records import (
    AttackChange,
    ComparedValue,
    Direction,
    GoalChange,
    SampleSizes,
)
from goalkeeper.core.assessment import Assessment, Verdict
from goalkeeper.core.goals import Goal

WORSE = "{goal} got worse: {attack}, {values}{more}. {verdict}"
BETTER = "{goal} got better: {attack}, {values}{more}. {verdict}"
BOTH = (
    "{goal} got worse: {attack}, {values}{more}; {better} got better, but the worst counts. "
    "{verdict}"
)
MORE = ", and so with {count} more"
UNDECIDED = (
    "It is undecided whether {goal} changed: of the attacks compared ({count}) none shows a "
    "difference beyond chance. {verdict}"
)
UNCHANGED = (
    "{goal} shows no difference: the attacks compared ({count}) gave the same in both runs. "
    "{verdict}"
)
NOTHING = (
    "It is undecided whether {goal} changed: no attack that counts for it was tested in both runs. "
    "{verdict}"
)
NOT_NEEDED = "{goal} is not assessed: its protection need is none."
SAME_VERDICT = "The verdict is {verdict} in both runs."
OTHER_VERDICT = "The verdict was {before} and is {after}."
UNPROVEN = (
    "The verdict was {before} and is {after}, but no measured change supports that: chance, or "
    "what else differs between the runs, may explain it."
)
NOT_COMPARED = "What decided {when}, {attack} by {attackers}, was not compared: {reason}."
POWER = "The power of {names} differs, which may be why."
POWERS = "The power of {names} differs between the runs."
AND = "{first} and {last}"
NO_VERDICTS = "Verdicts are not comparable, as policy or need differ."
TELLS = "The difference may be chance; {sizes}"
SAME = "There is no difference; {sizes}"
SIZE_SEEN = "about {n:,} items in each run would tell a change of the size seen (now {now:,})"
FIVE = "about {n:,} items in each run would tell a change of 5 points (now {now:,})"
NO_SIZE = "no number of items up to ten million would tell"
SUMMARY_WORSE = "Something got worse: {names}."
SUMMARY_BETTER = "Something got better and nothing got worse: {names}."
SUMMARY_UNDECIDED = (
    "In the attacks compared ({count}) no change is shown; that is no proof that there is none."
)
SUMMARY_NOTHING = "Nothing was compared: no attack was tested in both runs."
SUMMARY_VERDICTS = "Verdicts changed all the same: {names}."
VERDICT_OF = "{goal} was {before} and is {after}"
MOST_TIMES = 20  # of the present effort; a run of more would take days
MOST_NAMED = 5  # attacks in a command
VERDICTS = {
    Verdict.MET: "met",
    Verdict.NOT_MET: "not met",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.NOT_ASSESSED: "not assessed",
}


def show(value: ComparedValue, unit: str, *, signed: bool = False) -> str:
    """Show a value with its interval: percent for shares, points for their differences."""
    shown = [_number(v, unit, signed=signed) for v in (value.value, value.low, value.high)]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"


def _number(value: float, unit: str, *, signed: bool) -> str:
    if math.isinf(value):
        return "no upper bound" if value > 0 else "no lower bound"
    sign = "+" if signed else ""
    if unit != "share":
        return f"{value:{sign}.2f}"
    return f"{100 * value:+.1f} points" if signed else f"{value:.1%}"


def say_values(row: AttackChange) -> str:
    """Say what an attack reached before and after."""
    if row.before is None or row.after is None or row.difference is None:
        return row.reason
    return f"{row.measured}: {show(row.before, row.unit)} before, {show(row.after, row.unit)} after"


def say_powers(row: AttackChange) -> str:
    """Say whose power differs, where that may be why an attack reached something else."""
    names = _join(row.other_power)
    return POWER.format(names=names) if names and row.change is not Direction.UNDECIDED else ""


def _join(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return AND.format(first=", ".join(names[:-1]), last=names[-1])


def say_reason(row: AttackChange, samples: SampleSizes) -> str:
    """Say why no change is claimed, and how many items would tell."""
    same = row.difference is not None and row.difference.value == 0
    parts: list[str] = []
    if samples.size_seen:
        parts.append(SIZE_SEEN.format(n=samples.size_seen, now=samples.now))
    if samples.five_points:
        parts.append(FIVE.format(n=samples.five_points, now=samples.now))
    sizes = ", and ".join(parts) or NO_SIZE
    return (SAME if same else TELLS).format(sizes=sizes) + "."


def say_goal(
    goal: Goal,
    draft: GoalChange,
    counted: Sequence[AttackChange],
    *,
    comparable: bool,
    left_out: AttackChange | None = None,
) -> str:
    """Say in a few sentences what became of a goal.

    `left_out` is the attack that decided one of the verdicts, where it was not compared.
    """
    name = str(goal).capitalize()
    verdict = " ".join(_say_verdict(draft, left_out, comparable=comparable))
    if draft.verdict_before is draft.verdict_after is Verdict.NOT_ASSESSED and not counted:
        return NOT_NEEDED.format(goal=name)
    if draft.change is Direction.UNDECIDED:
        return _say_undecided(goal, draft, counted, verdict)
    rows = sorted(
        (row for row in counted if row.change is draft.change),
        key=lambda row: -abs(row.difference.value) if row.difference else 0.0,
    )
    better = [row.attack for row in counted if row.change is Direction.BETTER]
    template = {Direction.WORSE: BOTH if better else WORSE, Direction.BETTER: BETTER}[draft.change]
    return template.format(
        goal=name,
        attack=f"{rows[0].attack} ({rows[0].task}) by {' or '.join(rows[0].attackers)}",
        values=say_values(rows[0]),
        more=MORE.format(count=len(rows) - 1) if rows[1:] else "",
        better=", ".join(dict.fromkeys(better)),
        verdict=verdict,
    ).strip()


def _say_undecided(
    goal: Goal, draft: GoalChange, counted: Sequence[AttackChange], verdict: str
) -> str:
    compared = [row for row in counted if row.compared]
    if not compared:
        return NOTHING.format(goal=goal, verdict=verdict)
    same = all(row.difference is not None and row.difference.value == 0 for row in compared)
    name = str(goal).capitalize() if same else goal
    return (UNCHANGED if same else UNDECIDED).format(
        goal=name, count=draft.compared, verdict=verdict
    )


def _say_verdict(
    draft: GoalChange, left_out: AttackChange | None, *, comparable: bool
) -> Iterator[str]:
    """Yield what became of the verdict, and what may be why."""
    names = _join(draft.powers)
    if names and draft.change is not Direction.UNDECIDED:
        yield POWER.format(names=names)
    if not comparable:
        yield NO_VERDICTS
        return
    before, after = VERDICTS[draft.verdict_before], VERDICTS[draft.verdict_after]
    if before == after:
        yield SAME_VERDICT.format(verdict=after)
        return
    if draft.change is not Direction.UNDECIDED:
        yield OTHER_VERDICT.format(before=before, after=after)
        return
    yield (OTHER_VERDICT if left_out else UNPROVEN).format(before=before, after=after)
    if left_out:
        yield NOT_COMPARED.format(
            when="before" if left_out.evidence[0] else "after",
            attack=f"{left_out.attack} ({left_out.task})",
            attackers=" or ".join(left_out.attackers),
            reason=left_out.reason,
        )
    if names:
        yield POWERS.format(names=names)


def summarise(
    goals: Mapping[Goal, GoalChange], attacks: Sequence[AttackChange], *, comparable: bool
) -> str:
    """Say what the comparison found, and which verdicts changed without a measured change."""
    found = _summarise_changes(goals, attacks)
    verdicts = [
        VERDICT_OF.format(
            goal=goal, before=VERDICTS[each.verdict_before], after=VERDICTS[each.verdict_after]
        )
        for goal, each in goals.items()
        if each.verdict_before is not each.verdict_after and each.change is Direction.UNDECIDED
    ]
    if not (comparable and verdicts):
        return found
    return found + " " + SUMMARY_VERDICTS.format(names=", ".join(verdicts))


def _summarise_changes(goals: Mapping[Goal, GoalChange], attacks: Sequence[AttackChange]) -> str:
    for change, template in ((Direction.WORSE, SUMMARY_WORSE), (Direction.BETTER, SUMMARY_BETTER)):
        named = [str(goal) for goal, each in goals.items() if each.change is change]
        named = named or [row.attack for row in attacks if row.change is change]
        if named:
            return template.format(names=", ".join(dict.fromkeys(named)))
    compared = sum(row.compared for row in attacks)
    return SUMMARY_UNDECIDED.format(count=compared) if compared else SUMMARY_NOTHING


def next_commands(
    before: Assessment, after: Assessment, attacks: Sequence[AttackChange]
) -> tuple[str, ...]:
    """Give the commands that would tell more where nothing is decided: same attacks, same seed."""
    compared = [row for row in attacks if row.compared]
    effort = max(before.effort, after.effort)
    if any(row.change is not Direction.UNDECIDED for row in compared):
        return ()
    if not compared:
        names = list(dict.fromkeys(row.attack for row in attacks if row.attack))
        return _commands(names, before.seed, effort)
    nearest = min(compared, key=lambda row: 1.0 if row.p_holm is None else row.p_holm)
    sizes = nearest.samples
    wanted = sizes and (sizes.size_seen or sizes.five_points)
    factor = wanted / max(sizes.now, 1) if sizes and wanted else math.inf
    if factor > MOST_TIMES:
        return ()
    return _commands([nearest.attack], before.seed, max(effort, math.ceil(effort * factor)))


def _commands(attacks: Sequence[str], seed: int, effort: float) -> tuple[str, ...]:
    named = [word for name in attacks[:MOST_NAMED] for word in ("--attack", name)]
    sized = [] if effort == 1 else ["--effort", f"{effort:g}"]
    return tuple(
        shlex.join(["goalkeeper", "run", file, "-o", folder, "--seed", str(seed), *named, *sized])
        for file, folder in (("FILE_A", "NEW_A"), ("FILE_B", "NEW_B"))
    )
