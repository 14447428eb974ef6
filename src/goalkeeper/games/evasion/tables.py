"""Rows of tables: which columns may be changed, how far, and how many of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import ClassVar

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import DataError
from goalkeeper.core.numbers import spread
from goalkeeper.games.evasion.kinds import PerturbationSettings
from goalkeeper.games.evasion.parts import Constraint

ENTRY_SHARE = 1 / 3  # of the entries that may be changed at all
ROUNDING_SLACK = 1e-9


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class EntryChanges:
    """Every change of one entry of a row: `mask` of its columns and their `value`, each `(m, d)`.

    entry: which entry each changes, `(m,)`.
    """

    mask: Bools
    value: Floats
    entry: Ints

    def apply(self, base: Floats, chosen: Ints | Bools | slice = slice(None)) -> Floats:
        """Make each of the chosen changes alone in a row `(d,)`; returns `(m, d)`."""
        return np.where(self.mask[chosen], self.value[chosen], base)

    def draw(self, row: Floats, sizes: Ints, rng: np.random.Generator) -> Floats:
        """Change as many random entries as `sizes` `(q,)` says; returns `(q, d)`."""
        out = np.repeat(row[None], len(sizes), axis=0)
        if not len(self.entry):
            return out
        entries, starts = np.unique(self.entry, return_index=True)  # those that can change
        counts = np.diff([*starts, len(self.entry)])
        move = starts + (rng.random((len(sizes), len(entries))) * counts).astype(np.int64)
        rank = rng.random(move.shape).argsort(axis=1).argsort(axis=1)
        for k in range(len(entries)):
            chosen = np.flatnonzero(rank[:, k] < sizes)
            made = move[chosen, k]
            out[chosen] = np.where(self.mask[made], self.value[made], out[chosen])
        return out


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class EntryConstraint:
    """At most `entries` entries of a row may be changed.

    An entry is a column, or a group of one-hot columns as a whole. Numbers may move by `step`
    `(columns,)`, categories change at will, immutable columns stay. The size of a change is the
    number of entries changed: each is one more thing that somebody has to falsify, and it counts
    numbers and categories alike, which no distance does.
    """

    unit: ClassVar[str] = "entries changed"
    rule: ClassVar[str] = (
        "few entries changed, numbers by little, nothing immutable, and types, bounds and one-hot "
        "groups kept"
    )
    domain: TableDomain
    step: Floats
    entries: int
    parts: tuple[tuple[int, ...], ...] = field(init=False)
    low: Floats = field(init=False, repr=False)
    high: Floats = field(init=False, repr=False)
    far: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        low, high = self.domain.bounds()
        grouped = [column for group in self.domain.one_hot for column in group]
        free = np.array([c.kind == "category" for c in self.domain.columns], dtype=bool)
        free[grouped] = True
        far = np.where(self.domain.mutable, np.where(free, np.inf, self.step), 0.0)
        single = [(j,) for j in range(len(free)) if j not in grouped]
        parts = [part for part in [*single, *self.domain.one_hot] if self._can_change(part)]
        for name, value in (("low", low), ("high", high), ("far", far), ("parts", tuple(parts))):
            object.__setattr__(self, name, value)  # the dataclass is frozen

    @property
    def emptied(self) -> Bools:
        """Which columns `(d,)` may lose or get a value: categories, of which none is one more.

        A number that is missing stays so, and one that is there stays: how far that would move a
        row cannot be said.
        """
        coded = np.array([c.kind == "category" for c in self.domain.columns], dtype=bool)
        return np.asarray(coded & self.domain.missing & self.domain.mutable)

    @property
    def most(self) -> float:
        """The largest size allowed."""
        return float(self.entries)

    def box(self, before: Floats) -> tuple[Floats, Floats]:
        """Return the lowest and highest value of each column of rows `(n, d)`, each `(n, d)`."""
        below, above = (
            np.maximum(before - self.far, self.low),
            np.minimum(before + self.far, self.high),
        )
        whole = self.domain.discrete
        below[:, whole] = np.ceil(below[:, whole] - ROUNDING_SLACK)
        above[:, whole] = np.floor(above[:, whole] + ROUNDING_SLACK)
        return np.asarray(np.minimum(below, before)), np.asarray(np.maximum(above, before))

    def size(self, before: Inputs, after: Inputs) -> Floats:
        """Count the entries that differ, `(n,)`; a changed immutable column counts too."""
        differs = _differ(np.asarray(after, np.float64), np.asarray(before, np.float64))
        count: Floats = differs.sum(axis=1).astype(np.float64)
        for group in self.domain.one_hot:
            inside = differs[:, list(group)]
            count += np.minimum(1 - inside.sum(axis=1), 0)
        return count

    def allows(self, before: Inputs, after: Inputs) -> Bools:
        """Return which rows `(n, d)` keep every constraint."""
        low, high = self.box(np.asarray(before, np.float64))
        rows = np.asarray(after, np.float64)
        settings = ROUNDING_SLACK * (1 + self.step)
        near: Bools = (rows >= low - settings) & (rows <= high + settings)
        gap, had_gap = np.isnan(rows), np.isnan(np.asarray(before, np.float64))
        near |= (gap & had_gap) | ((gap | had_gap) & self.emptied)
        same = ~_differ(rows, np.asarray(before, np.float64))[:, ~self.domain.mutable].any(axis=1)
        few = self.size(before, after) <= self.entries
        return np.asarray(near.all(axis=1) & same & few & self.domain.valid(rows))

    def quantise(self, before: Inputs, after: Inputs) -> Inputs:
        """Return the rows as they are: what is no valid row does not count."""
        return after

    def list_changes(self, row: Floats) -> EntryChanges:
        """List every change of one entry of a row `(d,)`.

        A number goes to either end of its range, a category and a group to each other choice.
        """
        low, high = self.box(row[None])
        masks, values, which = [], [], []
        for k, part in enumerate(self.parts):
            chosen = list(part)
            for choice in self._list_choices(
                part, row, (float(low[0, part[0]]), float(high[0, part[0]]))
            ):
                mask, value = np.zeros(len(row), dtype=bool), row.copy()
                mask[chosen], value[chosen] = True, choice
                masks.append(mask)
                values.append(value)
                which.append(k)
        shape = (len(which), len(row))
        return EntryChanges(
            mask=np.array(masks, dtype=bool).reshape(shape),
            value=np.array(values, dtype=np.float64).reshape(shape),
            entry=np.array(which, dtype=np.int64),
        )

    def format_differences(self, row: Floats, other: Floats) -> str:
        """Write the columns of a row `(d,)` that differ from another, one a line."""
        lines = []
        for j in np.flatnonzero(_differ(np.asarray(row), np.asarray(other))):
            column = self.domain.columns[j]
            names, value = column.categories, float(row[j])
            shown = names[int(value)] if names and not np.isnan(value) else f"{value:g}"
            lines.append(f"{column.name}: {'no value' if np.isnan(value) else shown}")
        return "\n".join(lines)

    def perturb_randomly(
        self, before: Inputs, sizes: Floats, like: Inputs, rng: np.random.Generator
    ) -> Inputs:
        """Change as many entries as `sizes` `(n,)` says, drawn blindly, to any possible values."""
        out = np.array(before, dtype=np.float64)
        for i, size in enumerate(sizes.astype(int)):
            if size:
                out[i] = self.list_changes(out[i]).draw(out[i], np.array([size]), rng)[0]
        return out

    def _list_choices(
        self, part: tuple[int, ...], row: Floats, ends: tuple[float, float]
    ) -> list[Floats | float]:
        """List what an entry of a row can become."""
        if len(part) > 1:
            return [one for one in np.eye(len(part)) if (one != row[list(part)]).any()]
        column, now = self.domain.columns[part[0]], row[part[0]]
        if not column.categories:
            return [] if np.isnan(now) else [end for end in dict.fromkeys(ends) if end != now]
        left_out = [np.nan] if column.missing and not np.isnan(now) else []
        codes = map(float, range(len(column.categories)))
        return [*(value for value in codes if value != now), *left_out]

    def _can_change(self, part: tuple[int, ...]) -> bool:
        """Return whether an entry may change and has any other value."""
        column = self.domain.columns[part[0]]
        if not self.domain.mutable[list(part)].all():
            return False
        if len(part) > 1 or column.kind == "category":
            return len(part) > 1 or len(column.categories) > 1
        step = self.step[part[0]]
        return bool(step >= 1 if column.kind == "integer" else step > 0)


def _differ(one: Floats, other: Floats) -> Bools:
    """Tell where two arrays differ; two missing values are the same."""
    return np.asarray((one != other) & ~(np.isnan(one) & np.isnan(other)))


def build_entry_constraint(app: Application, settings: PerturbationSettings) -> Constraint:
    """Bound how many entries change, and how far numbers move.

    How much a number varies is measured on the similar data, which an attacker can see.
    """
    if not isinstance(app.domain, TableDomain):
        raise DataError(f"entries of rows do not bound changes of {app.domain.kind} inputs")
    rows = np.asarray(app.data.similar.x, dtype=np.float64)
    step = settings.spread * spread(rows)
    whole = app.domain.discrete & (step > 0)
    step[whole] = np.maximum(1.0, np.round(step[whole]))
    cells = EntryConstraint(domain=app.domain, step=step, entries=1)
    default = max(1, ceil(ENTRY_SHARE * len(cells.parts)))
    return EntryConstraint(domain=app.domain, step=step, entries=settings.columns or default)
