"""Restore broken relations: linear ones exactly, implications by their consequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from goalkeeper.core.data import Bools, Floats, Ints
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.relations.binding import (
    TOLERANCE,
    AllOf,
    AnyOf,
    BoundRelation,
    Compared,
    Condition,
    Constant,
    Place,
    Term,
    columns_of,
    evaluate,
    value_of,
)

SWEEPS = 4  # rounds over all relations, as one that is restored may break another
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False, slots=True)
class RepairSpace:
    """Within what rows may be restored.

    before, low, high: the rows as they were, and the range of each entry, each `(n, d)`. whole:
    which columns hold whole numbers or codes, `(d,)`. fixed: which columns are left alone, `(d,)`:
    those of one-hot groups, which change as a whole. groups: the columns that return together.
    """

    before: Floats
    low: Floats
    high: Floats
    whole: Bools
    fixed: Bools
    groups: tuple[tuple[int, ...], ...]
    alternative: bool

    @classmethod
    def of(
        cls, domain: TableDomain, before: Floats, box: tuple[Floats, Floats], *, alternative: bool
    ) -> RepairSpace:
        """Describe the space around rows `(n, d)`."""
        fixed = np.zeros(len(domain.columns), dtype=bool)
        fixed[[column for group in domain.one_hot for column in group]] = True
        return cls(before, *box, domain.discrete, fixed, domain.one_hot, alternative)

    def take(self, rows: Ints | Bools) -> RepairSpace:
        """Return the space around the chosen rows."""
        return replace(self, before=self.before[rows], low=self.low[rows], high=self.high[rows])

    def ordered(self, parts: tuple[Condition, ...]) -> tuple[Condition, ...]:
        """Return alternatives in the order in which they are tried."""
        return parts[::-1] if self.alternative else parts


def restore(relations: Sequence[BoundRelation], space: RepairSpace, rows: Floats) -> Floats:
    """Restore the relations that rows `(n, d)` break; undo what cannot be restored."""
    out = np.clip(rows, space.low, space.high)
    for _ in range(SWEEPS):
        intact = True
        for relation in relations:
            broken = np.flatnonzero(~relation.holds(out))
            if len(broken):
                intact = False
                out[broken] = _make_true(relation.condition, space.take(broken), out[broken])
        if intact:
            return out
    return _undo(relations, space, out)


def _undo(relations: Sequence[BoundRelation], space: RepairSpace, rows: Floats) -> Floats:
    """Give the columns of broken relations their values from before, until none is broken."""
    out = rows
    for _ in range(len(relations) + 1):
        intact = True
        for relation in relations:
            broken = np.flatnonzero(~relation.holds(out))
            if len(broken):
                intact = False
                columns = _with_groups(relation.columns, space.groups)
                out[np.ix_(broken, columns)] = space.before[np.ix_(broken, columns)]
        if intact:
            return out
    for relation in relations:
        broken = np.flatnonzero(~relation.holds(out))
        out[broken] = space.before[broken]
    return out


def _with_groups(columns: Sequence[int], groups: Sequence[Sequence[int]]) -> Ints:
    """Add to columns the one-hot groups that they are of."""
    joined = [set(group) for group in groups if set(group) & set(columns)]
    return np.array(sorted(set(columns).union(*joined)), dtype=np.int64)


# ---- conditions ----------------------------------------------------------------------------------


def _make_true(condition: Condition, space: RepairSpace, rows: Floats) -> Floats:
    """Change rows `(n, d)` so that a condition holds; where that fails they may be anything."""
    if isinstance(condition, Compared):
        return _make_comparison_true(condition, space, rows)
    out = rows.copy()
    if isinstance(condition, AllOf):
        for part in condition.parts:
            broken = np.flatnonzero(evaluate(part, out) == 0)
            out[broken] = _make_true(part, space.take(broken), out[broken])
        return out
    return _make_one_true(condition, space, out)


def _make_one_true(condition: AnyOf, space: RepairSpace, rows: Floats) -> Floats:
    """Make the first part true that can be, of each row."""
    left = np.arange(len(rows))
    for part in space.ordered(condition.parts):
        tried = _make_true(part, space.take(left), rows[left])
        done = evaluate(part, tried) != 0
        rows[left[done]] = tried[done]
        left = left[~done]
    return rows


def _make_comparison_true(compared: Compared, space: RepairSpace, rows: Floats) -> Floats:
    """Restore a comparison: by its weights if it is linear, else by a column that stands alone."""
    out = rows
    if compared.sign != "!=":
        linear = _linear(compared, rows.shape[1])
        out = (
            _isolate(compared, space, rows)
            if linear is None
            else _shift(compared, linear, space, rows)
        )
    broken = np.flatnonzero(evaluate(compared, out) == 0)
    if len(broken):
        out[broken] = _try_values(compared, space.take(broken), rows[broken])
    return out


# ---- linear comparisons --------------------------------------------------------------------------


def _linear(compared: Compared, width: int) -> tuple[Floats, float] | None:
    """Write `left - right` as weights `(d,)` and a constant; None where it is not linear."""
    left, right = _weights(compared.left, width), _weights(compared.right, width)
    if left is None or right is None:
        return None
    return left[0] - right[0], left[1] - right[1]


def _weights(term: Term, width: int) -> tuple[Floats, float] | None:
    zero = np.zeros(width)
    if isinstance(term, Constant):
        return zero, term.value
    if isinstance(term, Place):
        zero[term.column] = 1.0
        return zero, 0.0
    parts = [_weights(part, width) for part in term.terms]
    found = [part for part in parts if part is not None]
    if len(found) < len(parts):
        return None
    if all(not weights.any() for weights, _ in found):
        return zero, float(value_of(term, np.zeros((1, width)))[0])
    if term.name not in ("+", "-", "*", "/"):
        return None
    (a, b), (c, e) = found
    if term.name in "+-":
        sign = 1.0 if term.name == "+" else -1.0
        return a + sign * c, b + sign * e
    if term.name == "*" and not a.any():
        return b * c, b * e
    if not c.any() and (term.name == "*" or e):
        factor = e if term.name == "*" else 1 / e
        return a * factor, b * factor
    return None


def _shift(
    compared: Compared, linear: tuple[Floats, float], space: RepairSpace, rows: Floats
) -> Floats:
    """Move columns, one after the other, until `weights x + constant` is where it has to be."""
    weights, constant = linear
    used = np.flatnonzero(weights)
    out = rows.copy()
    terms = rows[:, used] * weights[used]
    value = terms.sum(axis=1) + constant
    margin = np.zeros(len(rows))
    if compared.sign in "<>":
        counted = space.whole[used].all() and (weights[used] == np.round(weights[used])).all()
        size = 1 + np.abs(terms).sum(axis=1) + abs(constant)
        margin = np.where(counted, 1.0, 3 * TOLERANCE * size)
    need = {"=": -value, "<": np.minimum(-value - margin, 0), ">": np.maximum(margin - value, 0)}[
        compared.sign[0]
    ]
    for movable in _passes(compared, space, rows):
        for j in used.tolist():
            here = movable[:, j] & (np.abs(need) > ROUNDING)
            new = _moved(out[here, j], need[here] / weights[j], j, space.take(here), compared.sign)
            need[here] -= weights[j] * (new - out[here, j])
            if compared.sign != "=":  # rounding may have gone further than needed
                need = np.minimum(need, 0) if compared.sign[0] == "<" else np.maximum(need, 0)
            out[here, j] = new
    return out


def _moved(values: Floats, way: Floats, j: int, space: RepairSpace, sign: str) -> Floats:
    """Move the values `(n,)` of a column by `way` `(n,)`, as far as its range and steps allow."""
    if space.whole[j]:
        size = np.abs(way)
        steps = np.floor(size + ROUNDING) if sign == "=" else np.ceil(size - ROUNDING)
        way = np.sign(way) * steps
    return np.asarray(np.clip(values + way, space.low[:, j], space.high[:, j]))


def _passes(compared: Compared, space: RepairSpace, rows: Floats) -> Iterator[Bools]:
    """Yield which entries `(n, d)` are moved first, second, and so on.

    Of an equality the column that stands alone on the left follows the others. Of an inequality
    what was changed goes back as far as it must, which takes no further column.
    """
    free = (space.high > space.low) & ~space.fixed
    changed = rows != space.before
    first, second = free & ~changed, free & changed
    if compared.sign == "=":
        alone = np.zeros_like(free)
        if isinstance(compared.left, Place):
            alone[:, compared.left.column] = free[:, compared.left.column]
        order = (alone, first & ~alone, second & ~alone)
        yield from order[1:] + order[:1] if space.alternative else order
    else:
        yield from (first, second) if space.alternative else (second, first)


# ---- other comparisons ---------------------------------------------------------------------------


def _isolate(compared: Compared, space: RepairSpace, rows: Floats) -> Floats:
    """Set a column that stands alone on one side to what the other side demands."""
    out = rows.copy()
    for here, there, up in (
        (compared.left, compared.right, compared.sign[0] == ">"),
        (compared.right, compared.left, compared.sign[0] == "<"),
    ):
        if not isinstance(here, Place) or here.column in columns_of(there):
            continue
        j = here.column
        demand = value_of(there, out)
        with np.errstate(all="ignore"):
            margin = 3 * TOLERANCE * (1 + np.abs(demand)) if compared.sign in "<>" else 0.0
            target = demand if compared.sign == "=" else demand + (margin if up else -margin)
            if space.whole[j]:
                rounded = np.round if compared.sign == "=" else np.ceil if up else np.floor
                target = rounded(target)
        usable = (evaluate(compared, out) == 0) & np.isfinite(target) & ~space.fixed[j]
        out[usable, j] = np.clip(target, space.low[:, j], space.high[:, j])[usable]
    return out


def _try_values(compared: Compared, space: RepairSpace, rows: Floats) -> Floats:
    """Give one column the value before, the next step, or an end of its range, whichever does."""
    out, left = rows.copy(), np.arange(len(rows))
    for j in dict.fromkeys(columns_of(compared)):
        if space.fixed[j]:
            continue
        step = 1.0 if space.whole[j] else 10 * TOLERANCE * (1 + np.abs(rows[:, j]))
        for values in (
            space.before[:, j],
            rows[:, j] + step,
            rows[:, j] - step,
            space.low[:, j],
            space.high[:, j],
        ):
            tried = rows[left].copy()
            tried[:, j] = np.clip(values, space.low[:, j], space.high[:, j])[left]
            done = evaluate(compared, tried) == 1
            out[left[done]] = tried[done]
            left = left[~done]
    return out
