"""Which defences are tried on an application, and in which order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Assessment, Verdict
from goalkeeper.core.goals import Goal
from goalkeeper.defences import Chosen, Defence, catalogue

__all__ = [
    "Offer",
    "choose_defences",
    "list_deciding_attacks",
    "list_open_goals",
    "list_served_goals",
]

OPEN = (Verdict.NOT_MET, Verdict.INCONCLUSIVE)


@dataclass(frozen=True, eq=False)
class Offer:
    """A defence that may be tried, with its settings, the mildest first."""

    name: str
    defence: Defence[Any]
    settings: tuple[Chosen, ...]

    @property
    def strongest(self) -> Chosen:
        """The defence with its strongest setting."""
        return self.settings[-1]


def list_open_goals(assessment: Assessment) -> tuple[Goal, ...]:
    """List the goals that are not met, or may not be; those not met first."""
    return tuple(
        goal
        for verdict in OPEN
        for goal in Goal
        if goal in assessment.goals and assessment.goals[goal].verdict is verdict
    )


def list_deciding_attacks(assessment: Assessment, goals: Collection[Goal]) -> tuple[str, ...]:
    """List the attacks that keep these goals from being met, those that decide first.

    Shown ones where a goal is not met; else those that cannot be excluded.
    """
    by_id = {e.id: e for e in assessment.evidence}
    found = [
        by_id[name].attack
        for goal in Goal
        if goal in goals
        for name in (assessment.goals[goal].cheapest_attack, *assessment.goals[goal].because)
        if name in by_id and by_id[name].attack and by_id[name].unit
    ]
    return tuple(dict.fromkeys(found))


def list_served_goals(defence: Defence[Any], assessment: Assessment) -> tuple[Goal, ...]:
    """List the open goals that a defence is meant for, and decided by attacks that it may stop."""
    open_goals = list_open_goals(assessment)
    families = _families(assessment, open_goals)
    return tuple(g for g in open_goals if g in defence.goals and families[g] & defence.families)


def choose_defences(
    app: Application, assessment: Assessment, names: Sequence[str] = ()
) -> tuple[tuple[Offer, ...], Mapping[str, str]]:
    """Choose what is tried, and say why the rest is not.

    Parameters
    ----------
    app, assessment
        The application as it is, and what was found.
    names
        Defences to keep to; empty: all that are meant to stop an attack that decides.

    Returns
    -------
    tuple
        The defences with their settings, in order: the goals take turns, each with what the
        assessment advises first for it. And why others are left out, by name.
    """
    open_goals = list_open_goals(assessment)
    found: list[tuple[tuple[int, int], str, Offer]] = []
    left_out: dict[str, str] = {}
    for name, kind in catalogue().items():
        if names and name not in names:
            continue
        defence: Defence[Any] = kind()
        served = list_served_goals(defence, assessment)
        if not names and not served:
            left_out[name] = "it is not meant for the attacks that decide here"
            continue
        if reason := defence.lacks(app):
            left_out[name] = reason
            continue
        place = _find_place(name, served, assessment, open_goals)
        settings = tuple(Chosen(name, defence, one) for one in defence.candidates(app))
        found.append((place, name, Offer(name, defence, settings)))
    return tuple(row[2] for row in sorted(found, key=lambda row: row[:2])), left_out


def _find_place(
    name: str, served: Sequence[Goal], assessment: Assessment, open_goals: Sequence[Goal]
) -> tuple[int, int]:
    """Return the turn of a defence, and its place in it: its best place for any of its goals."""
    turns = []
    for goal in served:
        offered = [n for a in assessment.advice if goal in a.for_ for n in a.tries]
        advised = list(dict.fromkeys(offered))
        turn = advised.index(name) if name in advised else len(assessment.advice) + len(advised)
        turns.append((turn, open_goals.index(goal)))
    return min(turns, default=(len(assessment.advice), len(open_goals)))


def _families(assessment: Assessment, goals: Collection[Goal]) -> dict[Goal, set[str]]:
    """Map each goal to the families of the attacks that keep it from being met."""
    by_id = {e.id: e for e in assessment.evidence}
    found: dict[Goal, set[str]] = {goal: set() for goal in goals}
    for goal in goals:
        rating = assessment.goals[goal]
        found[goal] = {by_id[name].family for name in rating.because if name in by_id}
    return found
