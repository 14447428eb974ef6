"""What became of the attack runs that were planned: in counts that add up, and by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from goalkeeper.core.assessment import Assessment, PlanRow
from goalkeeper.core.evidence import Evidence, Status
from goalkeeper.core.goals import Goal
from goalkeeper.report import format as fmt
from goalkeeper.report.language import N_, _, ngettext
from goalkeeper.report.parts import Table, merge_rows
from goalkeeper.report.stored import retell_reason
from goalkeeper.report.words import run_name

NOT_PLANNED = N_("not planned")


class Fate(StrEnum):
    """What became of a planned attack run; the values are the words shown."""

    MADE = N_("made")
    NOT_NEEDED = N_("not needed")
    COVERED = N_("covered by a stronger attacker")
    FAILED = N_("failed to run")
    STOPPED = N_("stopped by the time limit")
    NOT_TESTED = N_("not tested")
    NOT_APPLICABLE = N_("found not applicable")


_OF_STATUS = {
    Status.NOT_TESTED: Fate.NOT_TESTED,
    Status.NOT_APPLICABLE: Fate.NOT_APPLICABLE,
    Status.NOT_NEEDED: Fate.NOT_NEEDED,
    Status.COVERED: Fate.COVERED,
    Status.FAILED_TO_RUN: Fate.FAILED,
}
LEFT_OUT = (Fate.NOT_NEEDED, Fate.COVERED)
APART = N_("made without deciding anything")


@dataclass(frozen=True, slots=True)
class RunFate:
    """A planned attack run: what became of it, and the evidence of all attackers who share it."""

    goals: tuple[Goal, ...]
    fate: Fate
    evidence: tuple[Evidence, ...]

    @property
    def at_first_look(self) -> bool:
        """Whether it was made, and ended after a part of its sample."""
        looks = {(e.look, e.looks) for e in self.evidence}
        return self.fate is Fate.MADE and looks == {(1, 2)}

    @property
    def is_apart(self) -> bool:
        """Whether it was made, and may not decide for anybody who shares it."""
        return self.fate is Fate.MADE and not any(e.standing.decides for e in self.evidence)


def planned_runs(assessment: Assessment) -> tuple[RunFate, ...]:
    """Say what became of every planned attack run; attackers who share one count as one."""
    known = _index(assessment)
    shared: dict[str, list[PlanRow]] = {}
    for row in assessment.plan:
        if row.status == "planned":
            shared.setdefault(row.unit or repr(row), []).append(row)
    runs = []
    for rows in shared.values():
        found = tuple(known[key] for row in rows if (key := _key(row, known)))
        goals = tuple(dict.fromkeys(goal for row in rows for goal in row.goals))
        runs.append(RunFate(goals, _fate(found), found))
    return tuple(runs)


def _index(assessment: Assessment) -> dict[tuple[str, ...], Evidence]:
    """Map what a row of the plan may name to its evidence."""
    known: dict[tuple[str, ...], Evidence] = {}
    for e in assessment.evidence:
        known |= {(e.id,): e, (e.attack, e.task, e.attacker): e}
        known |= {(e.unit, e.attacker): e} if e.unit else {}
    return known


def _key(row: PlanRow, known: Mapping[tuple[str, ...], Evidence]) -> tuple[str, ...]:
    """Find the evidence of a row: by its id, or, in files without ids, by unit or by name."""
    keys = (
        (row.evidence,),
        (row.unit, row.attacker),
        (row.interim, row.attacker),
        (row.attack, row.task, row.attacker),
    )
    return next((key for key in keys if key in known), ())


def _fate(evidence: tuple[Evidence, ...]) -> Fate:
    if not evidence:
        return Fate.STOPPED
    first = evidence[0]
    if first.status is Status.NOT_TESTED and first.result.limited:
        return Fate.STOPPED
    return _OF_STATUS.get(first.status, Fate.MADE)


# ---- in words ------------------------------------------------------------------------------------


def count_planned(runs: tuple[RunFate, ...]) -> str:
    """Say in a sentence what became of all planned attack runs; the counts add up."""
    if not runs:
        return ""
    counts = Counter(run.fate for run in runs)
    listed = ", ".join(f"{fmt.count(counts[f])} {_(f)}" for f in Fate if counts[f])
    planned = ngettext(
        "{n} attack run planned: {counts}.", "{n} attack runs planned: {counts}.", len(runs)
    )
    sentences = [planned.format(n=fmt.count(len(runs)), counts=listed)]
    early = sum(run.at_first_look for run in runs)
    if early:
        used = _("Of those made, {n} used a quarter of the sample.")
        sentences.append(used.format(n=fmt.count(early)))
    return " ".join(sentences)


def count_rest(runs: tuple[RunFate, ...], goal: Goal) -> tuple[tuple[int, str], ...]:
    """Count the planned attack runs for a goal that have no outcome, by what became of them."""
    mine = [run for run in runs if goal in run.goals]
    counts = Counter(str(run.fate) for run in mine if run.fate is not Fate.MADE)
    counts[APART] = sum(run.is_apart for run in mine)
    return tuple((counts[name], _(name)) for name in (*map(str, Fate), APART) if counts[name])


def left_out_table(assessment: Assessment, runs: tuple[RunFate, ...]) -> Table:
    """List what was not needed, or covered, by reason: planned attack runs first."""
    groups: dict[str, list[tuple[Evidence, ...]]] = {}
    for run in runs:
        if run.fate in LEFT_OUT:
            groups.setdefault(run.evidence[0].result.reason, []).append(run.evidence)
    rows = [_row(why, fmt.count(len(found)), found) for why, found in _largest_first(groups)]
    planned = {e.id for run in runs for e in run.evidence}
    others: dict[str, list[tuple[Evidence, ...]]] = {}
    for e in assessment.evidence:
        if e.attack and e.status is Status.NOT_NEEDED and e.id not in planned:
            others.setdefault(e.result.reason, []).append((e,))
    rows += [_row(why, _(NOT_PLANNED), found) for why, found in _largest_first(others)]
    head = (_("Reason"), _("Planned attack runs"), _("Attacks and attackers"))
    return Table(_("Not needed, by reason"), head, tuple(rows))


def _largest_first(
    groups: Mapping[str, list[tuple[Evidence, ...]]],
) -> list[tuple[str, list[tuple[Evidence, ...]]]]:
    return sorted(groups.items(), key=lambda item: -len(item[1]))


def _row(why: str, count: str, found: list[tuple[Evidence, ...]]) -> tuple[str, str, str]:
    named = ((run_name(e), e.attacker) for group in found for e in group)
    merged = merge_rows(merge_rows(named, 1), 0)
    return retell_reason(why), count, "; ".join(f"{what} ({who})" for what, who in merged)
