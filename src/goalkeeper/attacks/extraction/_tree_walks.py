"""Walks along columns, halved side by side until the threshold that changes the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from goalkeeper.attacks.extraction._tree_search import TreeSearch
from goalkeeper.core.data import Bools, Floats, Ints

CLOSE = 1.01  # tolerances within which a value counts as beside a threshold, for rounding errors


@dataclass(frozen=True, eq=False)
class Sides:
    """Walks `(s,)` along one column each, from `a`, where the answer is that of the base, to `b`.

    `last` is the row asked at `a`, by its place in all asked.
    """

    bases: Ints
    owners: Ints
    columns: Ints
    a: Floats
    b: Floats
    last: Ints

    def take(self, kept: Bools) -> Sides:
        """Return some of them."""
        return Sides(
            *(
                getattr(self, name)[kept]
                for name in ("bases", "owners", "columns", "a", "b", "last")
            )
        )


def halve_sides(search: TreeSearch, sides: Sides) -> list[Sides]:
    """Halve all walks until each has its threshold; return them as they ended."""
    ended: list[Sides] = []
    while len(sides.columns):
        at, known, found = _choose_next(search, sides)
        fresh = found & ~known
        search.note(sides.columns[fresh], sides.a[fresh], sides.b[fresh])
        ended.append(sides.take(found))
        sides, at = sides.take(~found), at[~found]
        rows = search.rows[sides.bases]
        rows[np.arange(len(rows)), sides.columns] = at
        before = len(search.rows)
        same = search.ask(rows) == search.ids[sides.bases]
        sides = replace(
            sides,
            a=np.where(same, at, sides.a),
            b=np.where(same, sides.b, at),
            last=np.where(same, before + np.arange(len(rows)), sides.last),
        )
    return ended


def _choose_next(search: TreeSearch, sides: Sides) -> tuple[Floats, Bools, Bools]:
    """Choose the next value of each walk.

    Returns the values `(s,)`, and which walks have ended, at a known threshold or at any.
    """
    at = np.zeros(len(sides.columns))
    known, found = np.zeros(len(at), dtype=bool), np.zeros(len(at), dtype=bool)
    up = sides.b > sides.a
    for j in np.unique(sides.columns).tolist():
        whole = bool(search.frame.domain.discrete[j])
        width = float(search.widths[j])
        edges = np.sort(np.array(search.edges[j]))
        for sign, which in ((1.0, up), (-1.0, ~up)):
            here = np.flatnonzero((sides.columns == j) & which)
            line = edges if sign > 0 else -edges[::-1]
            a, b = sign * sides.a[here], sign * sides.b[here]
            values, known[here], ends = _step(line, a, b, width)
            done = b - a <= (1.0 + 1e-9 if whole else width)
            middle = (a + b) / 2
            middle = np.floor(middle) if whole else middle
            at[here] = sign * np.where(np.isnan(values), middle, values)
            found[here] = ends | (np.isnan(values) & done)
    return at, known, found


def _step(edges: Floats, a: Floats, b: Floats, width: float) -> tuple[Floats, Bools, Bools]:
    """Choose the next values of walks upward, `(s,)`, NaN where no known threshold helps.

    The middle one of the thresholds between is asked on its far side; the last one left, on its
    near side, too, unless that is where the walk stands. Returns the values, and twice which
    walks have ended at a known threshold.
    """
    values = np.full(len(a), np.nan)
    ended = np.zeros(len(a), dtype=bool)
    if not len(edges):
        return values, ended, ended
    first = np.searchsorted(edges, a, side="right")
    end = np.searchsorted(edges, b - CLOSE * width, side="left")
    several = end > first
    middle = edges[np.minimum((first + end) // 2, len(edges) - 1)]
    beside = edges[np.minimum(np.maximum(end, first), len(edges) - 1)]
    hugged = ~several & (beside > a) & (beside < b) & (b - beside <= CLOSE * width)
    ended = hugged & (beside - a <= CLOSE * width)
    values = np.where(several, middle + width, np.where(hugged, beside - width, np.nan))
    return values, ended, ended
