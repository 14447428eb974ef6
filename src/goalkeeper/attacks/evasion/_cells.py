"""Rows of tables under attack: one query plan for each row."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.attacks.evasion._query_plans import PlanAttack, QueryPlan, Reply, send_reply
from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.games.evasion import EntryChanges, EntryConstraint, EvasionQuestion

SearchPlan = Generator[Floats, Reply, tuple[Floats, bool]]
Ask = Callable[[Floats, Bools], Reply]  # rows (q, d), and which answers are wanted (classes,)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RowItem:
    """One row `(d,)` to attack, its constraint, and its own randomness."""

    row: Floats
    wanted: Bools
    constraint: EntryConstraint
    changes: EntryChanges
    rng: np.random.Generator

    @classmethod
    def of(
        cls, row: Inputs, wanted: Bools, constraint: EntryConstraint, rng: np.random.Generator
    ) -> RowItem:
        """List the changes of a row once."""
        values = np.asarray(row, dtype=np.float64)
        changes = constraint.list_changes(values)
        return cls(row=values, wanted=wanted, constraint=constraint, changes=changes, rng=rng)


@dataclass(frozen=True, kw_only=True)
class CellAttack(PlanAttack[RowItem]):
    """An attack that changes entries. Subclasses are final and say how to plan for one row."""

    domains = frozenset({"table"})
    refines: ClassVar[bool] = True

    @final
    def items(self, question: EvasionQuestion, streams: Inputs) -> list[RowItem]:
        """Return each row with every change of one of its entries."""
        constraint = entry_constraint(question)
        return [
            RowItem.of(row, wanted, constraint, rng)
            for row, wanted, rng in zip(question.x, question.goal.wanted, streams, strict=True)
        ]


def entry_constraint(question: EvasionQuestion) -> EntryConstraint:
    if not isinstance(question.constraint, EntryConstraint):
        raise TypeError(
            f"this attack needs rows of a table, the constraint is {question.constraint!r}"
        )
    return question.constraint


def list_next_rows(item: RowItem, base: Floats, free: Bools, inner: int = 0) -> tuple[Floats, Ints]:
    """List the rows that change one more entry of `base`.

    Parameters
    ----------
    item
        The row under attack.
    base
        The row `(d,)` as changed so far.
    free
        Which entries `(parts,)` may be changed next.
    inner
        Random values between the ends of its range that a number also takes.

    Returns
    -------
    (m, d), (m,)
        Rows, and the entry of each.
    """
    changes = item.changes
    chosen = np.flatnonzero(free[changes.entry])
    rows, which = changes.apply(base, chosen), changes.entry[chosen]
    if not inner:
        return rows, which
    low, high = item.constraint.box(item.row[None])
    columns = item.constraint.domain.columns
    inner_rows, inner_entries = [], []
    for k in np.flatnonzero(free):
        (first, *rest) = item.constraint.parts[k]
        if columns[first].kind == "number" and not rest and not np.isnan(item.row[first]):
            for value in item.rng.uniform(low[0, first], high[0, first], inner):
                row = base.copy()
                row[first] = value
                inner_rows.append(row)
                inner_entries.append(k)
    rows = np.concatenate([rows, np.array(inner_rows).reshape(len(inner_rows), len(base))])
    return rows, np.concatenate([which, np.array(inner_entries, dtype=np.int64)])


def list_allowed_rows(
    item: RowItem, base: Floats, free: Bools, inner: int = 0
) -> tuple[Floats, Ints]:
    """List the next rows, brought back to where relations hold and the budget suffices.

    A change that breaks a relation is offered in the two ways in which the relation can be
    restored, so that it is not lost to the search. Without relations and costs these are the rows
    of `list_next_rows`.
    """
    rows, which = list_next_rows(item, base, free, inner)
    constraint = item.constraint
    if not constraint.is_coupled or not len(rows):
        return rows, which
    before = np.repeat(item.row[None], len(rows), axis=0)
    repaired = constraint.repair(before, rows)
    broken = (repaired != rows).any(axis=1)
    others = constraint.repair(before[broken], rows[broken], alternative=True)
    rows, which = np.concatenate([repaired, others]), np.concatenate([which, which[broken]])
    _, first = np.unique(rows, axis=0, return_index=True)
    fresh = np.sort(first)
    before = np.repeat(item.row[None], len(fresh), axis=0)
    useful = constraint.allows(before, rows[fresh]) & (rows[fresh] != base).any(axis=1)
    return rows[fresh[useful]], which[fresh[useful]]


def repair_in_turns(item: RowItem, rows: Floats) -> Floats:
    """Bring rows `(q, d)` back to where relations hold, two in one way and two in the other."""
    out, turn = rows.copy(), np.arange(len(rows)) // 2 % 2 == 1
    for way in (False, True):
        chosen = rows[turn == way]
        before = np.repeat(item.row[None], len(chosen), axis=0)
        out[turn == way] = item.constraint.repair(before, chosen, alternative=way)
    return out


def search_greedily(item: RowItem, first: int = -1, inner: int = 0) -> SearchPlan:
    """Change one entry after the other, each time the one that brings the goal nearest.

    Parameters
    ----------
    item
        The row under attack.
    first
        The entry that is changed first whatever it brings; -1 for the best.
    inner
        Random values of numbers beside the ends of their ranges.

    Returns
    -------
    (d,), bool
        The row that reached the goal, or as far as it came; and which of the two it is.
    """
    base, free = item.row.copy(), np.ones(len(item.constraint.parts), dtype=bool)
    for _ in range(item.constraint.entries):
        now = free & (np.arange(len(free)) == first) if free.all() and first >= 0 else free
        rows, which = list_allowed_rows(item, base, now, inner)
        if not len(rows):
            break
        reply = yield rows
        best = int(np.argmax(np.where(reply.reached, np.inf, reply.lead)))
        base, free[which[best]] = rows[best], False
        if reply.reached[best]:
            return base, True
    return base, False


def list_turned(
    item: RowItem, lead: Callable[[Floats, Bools], Floats], first: int = -1
) -> list[Floats]:
    """List the rows `(d,)` along a greedy search from the first that turns an own model on.

    `lead` says how far the own model's wanted answers `(classes,)` are ahead, for rows `(q, d)`;
    `first` is the entry that is changed first. Where no row turns the model, the one that came
    nearest.
    """
    path: list[tuple[float, Floats]] = []
    search = search_greedily(item, first)
    try:
        rows = next(search)
        while True:
            ahead = lead(rows, item.wanted)
            best = int(np.argmax(ahead))
            path.append((float(ahead[best]), rows[best]))
            rows = search.send(Reply(np.zeros(len(rows), dtype=bool), ahead))
    except StopIteration:
        pass
    turned = [row for ahead, row in path if ahead > 0]
    return turned or [row for _, row in sorted(path, key=lambda step: -step[0])[:1]]


def undo_changes(item: RowItem, row: Floats) -> SearchPlan:
    """Take back changes of a row that reaches the goal, in random order, as long as it does.

    Blocks of changes are taken back first, half as many each time.
    """
    changed = [list(part) for part in find_changed(item, row)]
    changed = [changed[i] for i in item.rng.permutation(len(changed))]
    block = max(1, len(changed) // 2)
    while block and len(changed) > 1:
        start = 0
        while start < len(changed):
            fewer = row.copy()
            for part in changed[start : start + block]:
                fewer[part] = item.row[part]
            fewer = item.constraint.repair(item.row[None], fewer[None])[0]
            left = find_changed(item, fewer)
            if len(left) >= len(changed):  # the relations demand these changes
                start += block
                continue
            reply = yield fewer[None]
            if reply.reached[0]:
                kept = [part for part in changed if tuple(part) in left]
                moved = [list(part) for part in left if list(part) not in changed]
                row, changed = fewer, [*kept, *moved]
            else:
                start += block
        block //= 2
    return row, True


def find_changed(item: RowItem, row: Floats) -> list[tuple[int, ...]]:
    """Return the entries in which a row `(d,)` differs from the row under attack."""
    differs = (row != item.row) & ~(np.isnan(row) & np.isnan(item.row))  # two gaps are the same
    return [part for part in item.constraint.parts if differs[list(part)].any()]


def run_plans(
    plan: Callable[[RowItem], QueryPlan], ask: Ask, question: EvasionQuestion, seed: int = 0
) -> Floats:
    """Follow the plan for each row to its end, without any framework or budget.

    Returns
    -------
    (n, d)
        The smallest changes that are allowed and reach the goal; rows without one as they were.
    """
    constraint = entry_constraint(question)
    out = np.array(question.x, dtype=np.float64)
    for i, row in enumerate(np.asarray(question.x, dtype=np.float64)):
        rng, wanted = np.random.default_rng([seed, i]), question.goal.wanted[i]
        steps = plan(RowItem.of(row, wanted, constraint, rng))
        rows: Any = next(steps, ())
        least = np.inf
        while len(rows):
            reply = ask(rows, wanted)
            before = np.repeat(row[None], len(rows), axis=0)
            sizes = np.where(constraint.allows(before, rows), constraint.size(before, rows), np.inf)
            sizes[~reply.reached] = np.inf
            if sizes.min() < least:
                least, out[i] = sizes.min(), rows[sizes.argmin()]
            rows = send_reply(steps, reply)
    return out
