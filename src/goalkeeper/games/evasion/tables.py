"""Rows of tables: which columns may be changed, how far, and how many of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.relations import Relations

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
class ColumnLimits:
    """What bounds the change of each column beside its step, each `(columns,)`.

    share: how far a number may move, as a share of its value, in addition to its step. way: 1 for
    only up, -1 for only down, 0 for both. change: whether the threat lets a column change at all.
    """

    share: Floats
    way: Ints
    change: Bools

    @classmethod
    def none(cls, columns: int) -> ColumnLimits:
        """Return limits that bound nothing."""
        ones = np.ones(columns, dtype=bool)
        return cls(share=np.zeros(columns), way=np.zeros(columns, dtype=np.int64), change=ones)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Price:
    """What one unit of change of each column costs, `(columns,)`, and the budget of a row."""

    costs: Floats
    budget: float


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class EntryConstraint:
    """At most `entries` entries of a row may be changed.

    An entry is a column, or a group of one-hot columns as a whole. Numbers may move by `step`
    `(columns,)`, categories change at will, immutable columns stay. The size of a change is the
    number of entries changed: each is one more thing that somebody has to falsify, and it counts
    numbers and categories alike, which no distance does. With a `price` the size is the cost.

    Parameters
    ----------
    limits
        Further limits of each column. None: there are none.
    price
        What changes cost. None: only their number is bounded.
    relations
        What has to hold between columns. None: nothing.
    words
        The limits of columns in words, e.g. `income ±10 %`.
    """

    domain: TableDomain
    step: Floats
    entries: int
    limits: ColumnLimits | None = None
    price: Price | None = None
    relations: Relations | None = None
    words: tuple[str, ...] = ()
    parts: tuple[tuple[int, ...], ...] = field(init=False)
    movable: Bools = field(init=False, repr=False)
    low: Floats = field(init=False, repr=False)
    high: Floats = field(init=False, repr=False)
    far: Floats = field(init=False, repr=False)
    held: ColumnLimits = field(init=False, repr=False)

    def __post_init__(self) -> None:
        low, high = self.domain.bounds()
        held = self.limits or ColumnLimits.none(len(self.domain.columns))
        movable = self.domain.mutable & held.change
        grouped = [column for group in self.domain.one_hot for column in group]
        free = np.array([c.kind == "category" for c in self.domain.columns], dtype=bool)
        free[grouped] = True
        far = np.where(movable, np.where(free, np.inf, self.step), 0.0)
        single = [(j,) for j in range(len(free)) if j not in grouped]
        for name, value in (
            ("held", held),
            ("movable", movable),
            ("low", low),
            ("high", high),
            ("far", far),
        ):
            object.__setattr__(self, name, value)  # the dataclass is frozen
        parts = [part for part in [*single, *self.domain.one_hot] if self._can_change(part)]
        object.__setattr__(self, "parts", tuple(parts))

    @property
    def unit(self) -> str:
        """Unit of a change's size."""
        return "entries changed" if self.price is None else "cost"

    @property
    def emptied(self) -> Bools:
        """Which columns `(d,)` may lose or get a value: categories, of which none is one more.

        A number that is missing stays so, and one that is there stays: how far that would move a
        row cannot be said.
        """
        coded = np.array([c.kind == "category" for c in self.domain.columns], dtype=bool)
        return np.asarray(coded & self.domain.missing & self.movable)

    @property
    def most(self) -> float:
        """The largest size allowed."""
        return float(self.entries) if self.price is None else self.price.budget

    @property
    def within(self) -> str:
        """The limit in words."""
        bounds = [f"at most {self.entries} column{'s' * (self.entries != 1)} changed"]
        if self.price is not None:
            bounds.append(f"a cost of at most {self.price.budget:g}")
        count = len(self.relations) if self.relations is not None else 0
        kept = [f"{count} relation{'s' * (count != 1)} kept"] if count else []
        return "with " + ", ".join([*bounds, *self.words, *kept])

    @property
    def rule(self) -> str:
        """What was checked of a changed row."""
        kept = (
            "bounds, one-hot groups and relations"
            if self.relations
            else "bounds and one-hot groups"
        )
        return f"few entries changed, numbers by little, nothing immutable, and types, {kept} kept"

    @property
    def is_coupled(self) -> bool:
        """Whether a change of one entry can demand or exclude changes of others."""
        return bool(self.relations) or self.price is not None

    def box(self, before: Floats) -> tuple[Floats, Floats]:
        """Return the lowest and highest value of each column of rows `(n, d)`, each `(n, d)`."""
        reach = self.far + np.where(self.movable, self.held.share, 0.0) * np.abs(before)
        below = np.maximum(before - np.where(self.held.way > 0, 0.0, reach), self.low)
        above = np.minimum(before + np.where(self.held.way < 0, 0.0, reach), self.high)
        whole = self.domain.discrete
        below[:, whole] = np.ceil(below[:, whole] - ROUNDING_SLACK)
        above[:, whole] = np.floor(above[:, whole] + ROUNDING_SLACK)
        return np.asarray(np.minimum(below, before)), np.asarray(np.maximum(above, before))

    def size(self, before: Inputs, after: Inputs) -> Floats:
        """Count the entries that differ, or what they cost, `(n,)`; immutable columns count too."""
        old, new = np.asarray(before, np.float64), np.asarray(after, np.float64)
        return self.count(old, new) if self.price is None else self._cost(old, new)

    def count(self, before: Floats, after: Floats) -> Floats:
        """Count the entries of rows `(n, d)` that differ, `(n,)`."""
        differs = _differ(before, after)
        count: Floats = differs.sum(axis=1).astype(np.float64)
        for group in self.domain.one_hot:
            inside = differs[:, list(group)]
            count += np.minimum(1 - inside.sum(axis=1), 0)
        return count

    def allows(self, before: Inputs, after: Inputs) -> Bools:
        """Return which rows `(n, d)` keep every constraint."""
        old, rows = np.asarray(before, np.float64), np.asarray(after, np.float64)
        low, high = self.box(old)
        reach = np.where(np.isfinite(self.step), self.step, 0.0) + self.held.share * np.abs(old)
        slack = ROUNDING_SLACK * (1 + reach)
        differs, gap = _differ(old, rows), np.isnan(old) | np.isnan(rows)
        near = ((rows >= low - slack) & (rows <= high + slack)) | ~differs
        near |= gap & self.emptied
        same = ~differs[:, ~self.movable].any(axis=1)
        few = self.count(old, rows) <= self.entries
        fine = near.all(axis=1) & same & few & self.domain.valid(rows)
        if self.price is not None:
            fine &= self._cost(old, rows) <= self.price.budget * (1 + ROUNDING_SLACK)
        if self.relations:
            fine &= self.relations.hold(rows)
        return np.asarray(fine)

    def repair(self, before: Floats, rows: Floats, *, alternative: bool = False) -> Floats:
        """Bring changed rows `(n, d)` back to where relations hold and the budget suffices.

        Without relations and costs rows are returned as they are. `alternative`: see
        `Relations.restore`. The number of entries changed may grow: relations move others along.
        """
        if not self.is_coupled:
            return rows
        box = self.box(before)
        out = np.clip(rows, *box)
        if self.relations:
            out = self.relations.restore(before, out, box, alternative=alternative)
        if self.price is not None:
            out = self._cheapen(before, out)
            if self.relations:
                out = self.relations.restore(before, out, box, alternative=alternative)
        return out

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
                drawn = self.list_changes(out[i]).draw(out[i], np.array([size]), rng)
                out[i] = self.repair(out[i][None], drawn)[0]
        return out

    def _list_choices(
        self, part: tuple[int, ...], row: Floats, ends: tuple[float, float]
    ) -> list[Floats | float]:
        """List what an entry of a row can become."""
        if len(part) > 1:
            return [one for one in np.eye(len(part)) if (one != row[list(part)]).any()]
        column, now = self.domain.columns[part[0]], row[part[0]]
        if not column.categories:
            stops = [] if np.isnan(now) else dict.fromkeys(self._stops(part, ends))
            return [value for value in stops if value != now]
        left_out = [np.nan] if column.missing and not np.isnan(now) else []
        codes = map(float, range(len(column.categories)))
        return [*(value for value in codes if value != now), *left_out]

    def _stops(self, part: tuple[int, ...], ends: tuple[float, float]) -> Iterator[float]:
        """Yield the values that a number is moved to: the ends; with costs also half of the way."""
        yield from ends
        if self.price is not None:
            middle = [(ends[0] * k + ends[1] * (4 - k)) / 4 for k in (1, 2, 3)]
            whole = self.domain.discrete[part[0]]
            yield from (float(np.round(value)) if whole else value for value in middle)

    def _can_change(self, part: tuple[int, ...]) -> bool:
        """Return whether an entry may change and has any other value."""
        first, column = part[0], self.domain.columns[part[0]]
        if not self.movable[list(part)].all():
            return False
        if len(part) > 1 or column.kind == "category":
            return len(part) > 1 or len(column.categories) > 1
        step = self.step[first]
        by_step = step >= 1 if column.kind == "integer" else step > 0
        return bool(by_step or self.held.share[first] > 0)

    def _cost(self, before: Floats, after: Floats) -> Floats:
        """Add up what the changes of rows `(n, d)` cost, `(n,)`."""
        numbers, choices = self._shifts(before, after)
        return np.asarray(numbers.sum(axis=1) + choices.sum(axis=1))

    def _shifts(self, before: Floats, after: Floats) -> tuple[Floats, Floats]:
        """Return what each moved number and each changed category costs, each `(n, d)`."""
        costs = np.zeros(before.shape[1]) if self.price is None else self.price.costs
        differs = _differ(before, after)
        free = np.isinf(self.far)
        free[[j for j, c in enumerate(self.domain.columns) if c.kind != "category"]] = False
        for group in self.domain.one_hot:
            free[list(group)] = True
            differs[:, group[0]] = differs[:, list(group)].any(axis=1)
            differs[:, list(group[1:])] = False
        moved = np.where(differs & ~free, np.abs(after - before), 0.0)
        return moved * costs, np.where(differs & free, costs, 0.0)

    def _cheapen(self, before: Floats, rows: Floats) -> Floats:
        """Move the numbers of rows that cost too much back towards the values before."""
        budget = np.inf if self.price is None else self.price.budget
        numbers, choices = self._shifts(before, rows)
        spent, fixed = numbers.sum(axis=1), choices.sum(axis=1)
        factor = np.maximum(budget - fixed, 0) / np.maximum(spent, np.finfo(np.float64).tiny)
        change = (rows - before) * np.minimum(factor, 1.0)[:, None]
        change = np.where(self.domain.discrete, np.trunc(change), change)
        costly = (spent + fixed > budget)[:, None] & (numbers > 0)
        return np.where(costly, before + change, rows)


def _differ(before: Floats, after: Floats) -> Bools:
    """Return which entries differ; what is missing in both does not."""
    return np.asarray((before != after) & ~(np.isnan(before) & np.isnan(after)))
