"""What a poisoning attack is asked, what it hands in, and the check of what it handed in."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from goalkeeper.core.access import Access, Checkpoint
from goalkeeper.core.application import Application
from goalkeeper.core.change import Change, checked, genuine
from goalkeeper.core.data import Bools, Data, Floats, Ints
from goalkeeper.core.errors import ChangeRefused
from goalkeeper.core.power import Capability, Power
from goalkeeper.games.poisoning.triggers import Trigger

UNITS = {"text": "words", "image": "pixels", "table": "columns"}
STEP = 4.0  # between two shares: three of them span a factor of 16
MAX_SHARE = 0.9  # nine contributed records for each other one: beyond, nothing is left to harm


@dataclass(frozen=True, slots=True, kw_only=True)
class PoisoningQuestion:
    """The question: what to reach, with how much, and how a trigger is applied.

    Parameters
    ----------
    task
        `harmless-declined`, `accuracy-drop`, `trigger-passes` or `trigger-misleads`.
    rows
        Size of the training data, which is public.
    points
        How many shares are asked for.
    most
        Words, pixels or columns that a trigger may take; 0 when no trigger is asked for.
    wanted
        Class that inputs with the trigger should get; None when no trigger is asked for.
    """

    task: str
    rows: int
    points: int = 5
    most: int = 0
    wanted: int | None = None

    def shares(self, limit: float) -> Floats:
        """Shares of the training data to write, `(points,)`: each four times the last."""
        most = min(float(limit), MAX_SHARE)
        return np.asarray(most / STEP ** np.arange(self.points - 1, -1, -1.0))

    def addition_counts(self, limit: float) -> tuple[int, ...]:
        """Count the records that may be added at each share; rising, none of them zero."""
        return _round_down(float(share / (1 - share)) * self.rows for share in self.shares(limit))

    def change_counts(self, limit: float) -> tuple[int, ...]:
        """Count the existing records that may be changed at each share; rising, none zero."""
        return _round_down(float(share) * self.rows for share in self.shares(limit))


def _round_down(wanted: Iterable[float]) -> tuple[int, ...]:
    # The factor undoes the rounding error of, say, 0.1 * 30, which must not lose a record.
    return tuple(sorted({int(count * (1 + 1e-12)) for count in wanted} - {0}))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Contribution:
    """One answer: a change of the training data, and the access it was made through.

    The game asks that access which rows were in reach, and applies the rule of `access.check`
    by itself to everything else; so the attack's check and the game's cannot disagree.
    `trigger` is what will be put into inputs of other classes, where a trigger is asked for.
    """

    change: Change
    access: Access
    trigger: Trigger | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Contribution:
        """Copy what was handed in; the access is no part of it, and holds the application."""
        return replace(self, change=copy.deepcopy(self.change, memo))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Dose:
    """A contribution that passed the check.

    Parameters
    ----------
    share
        Share of the training data that the attacker wrote.
    removed
        Clean rows that are left out, `(rows,)`.
    extra
        Records that are put in: first the `added` ones, then what `origin` rows became.
    origin
        The clean row each changed record comes from, `(len(extra) - added,)`.
    size
        Records of a part of the change; None for all of it.
    """

    share: float
    removed: Bools
    extra: Data
    added: int
    origin: Ints
    change: Change
    trigger: Trigger | None
    seconds: float
    size: int | None = None

    @property
    def number(self) -> int:
        """Records that the attacker added, changed, relabelled or deleted."""
        return self.added + len(self.change.rows) if self.size is None else self.size

    @property
    def rows(self) -> Ints:
        """Existing rows that were touched, each once, in the order in which they were named."""
        change = self.change
        named = np.concatenate([change.delete, change.modify, change.relabel])
        return np.asarray(named[np.sort(np.unique(named, return_index=True)[1])])

    def first(self, number: int) -> Dose:
        """Return the part of it that is its first records: added ones, then existing rows.

        Who may make the whole change may make this part; labels stay what they are.
        """
        added = min(number, self.added)
        rows = self.rows[: number - added]
        removed = np.zeros(len(self.removed), dtype=bool)
        removed[rows] = True
        still = np.isin(self.origin, rows)
        kept = np.concatenate([np.arange(added), self.added + np.flatnonzero(still)])
        return replace(
            self,
            share=number / (len(self.removed) + added),
            removed=removed,
            extra=self.extra.take(kept),
            added=added,
            origin=self.origin[still],
            size=number,
        )

    @property
    def deleted(self) -> int:
        """Clean rows that are gone and were not put in again."""
        return int(self.removed.sum()) - len(self.origin)


def check_doses(
    answers: Sequence[Checkpoint], app: Application, granted: Power, question: PoisoningQuestion
) -> tuple[Dose, ...]:
    """Check every answer; one dose a share (the last answer counts), smallest first, none empty.

    Raises
    ------
    ChangeRefused
        An answer is not a contribution, or goes beyond what the attacker was granted.
    """
    found: dict[float, Dose] = {}
    for answer in answers:
        dose = _check_dose(answer, app, granted, question)
        found[dose.share] = dose
    return tuple(found[share] for share in sorted(found) if share > 0)


def _check_dose(
    answer: Checkpoint, app: Application, granted: Power, question: PoisoningQuestion
) -> Dose:
    contribution = answer.answer
    if not isinstance(contribution, Contribution):
        raise ChangeRefused(
            f"a poisoning answer must be a Contribution, this is a {type(contribution).__name__}; "
            "return Contribution(change=..., access=access)"
        )
    if type(contribution.access) is not Access or contribution.access.granted != granted:
        raise ChangeRefused(
            "the contribution does not name the access that the attack was given; "
            "return Contribution(change=..., access=access)"
        )
    change = contribution.change
    reach = contribution.access.reachable() if len(change.rows) else np.empty(0, dtype=np.int64)
    if change.trusted is not None and Capability.T2 in granted.capabilities.closed():
        genuine(change.trusted, (app.data.similar, contribution.access.own()))
    poisoned = checked(change, app.data.train, granted, reach, app.labeller)
    _check_inputs(poisoned.extra, app)
    return Dose(
        share=poisoned.share,
        removed=poisoned.removed,
        extra=poisoned.extra,
        added=change.added,
        origin=np.setdiff1d(np.union1d(change.modify, change.relabel), change.delete),
        change=change,
        trigger=_check_trigger(contribution.trigger, app, question) if poisoned.share else None,
        seconds=answer.cost.seconds,
    )


def _check_inputs(extra: Data, app: Application) -> None:
    """Refuse records that the application would not take as inputs."""
    odd = np.flatnonzero(~app.domain.valid(extra.x)).tolist() if len(extra) else []
    if len(odd):
        raise ChangeRefused(
            f"contributed record {odd[0]} is not an input of this application (type, bounds or "
            "length); keep to access.domain"
        )
    if len(extra) and not (extra.y.min() >= 0 and extra.y.max() < len(app.classes)):
        raise ChangeRefused(
            f"a contributed label is not one of the {len(app.classes)} classes; "
            "labels are indices into access.classes"
        )


def _check_trigger(
    trigger: Trigger | None, app: Application, question: PoisoningQuestion
) -> Trigger | None:
    if question.wanted is None:
        return None
    if trigger is None or not 0 < trigger.size <= question.most:
        raise ChangeRefused(
            f"a trigger of 1 to {question.most} {UNITS[app.domain.kind]} is needed, this one has "
            f"{0 if trigger is None else trigger.size}"
        )
    if fault := trigger.find_fault(app.domain):
        raise ChangeRefused(f"this is not a valid trigger: {fault}")
    return trigger
