"""A sensitive column of a table: its values, how to hide it, and how to fill it in again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Floats, Inputs, Ints
from goalkeeper.core.domain import Column, TableDomain

LISTED = 12  # up to this many different numbers are values of their own; more are binned
BINS = 5  # quantile bins of a number with more values
FILLS = (1 / 6, 1 / 2, 5 / 6)  # quantiles of a bin that stand for it


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Attribute:
    """What may stand in a hidden column.

    Parameters
    ----------
    name
        The column as the description names it.
    places
        Columns `(w,)` of the input that are hidden: one, or all of a one-hot group.
    values
        The values that are told apart: categories, listed numbers, or bins of a number.
    fills
        What can be written into the places, `(candidates, w)`.
    value_of
        The value that each candidate stands for, `(candidates,)`.
    edges
        Inner edges of the bins; None where values are listed.
    """

    name: str
    places: tuple[int, ...]
    values: tuple[str, ...]
    fills: Floats
    value_of: Ints
    edges: Floats | None = None

    def hidden(self, x: Inputs) -> Floats:
        """Return rows `(n, d)` with NaN in place of the attribute."""
        rows = np.array(x, dtype=np.float64)
        rows[:, list(self.places)] = np.nan
        return rows

    def filled(self, x: Inputs, candidates: Ints) -> Floats:
        """Return rows `(n, d)`, each with one of the candidates `(n,)` written in."""
        rows = np.array(x, dtype=np.float64)
        rows[:, list(self.places)] = self.fills[candidates]
        return rows

    def codes(self, x: Inputs) -> Ints:
        """Tell which value each row `(n, d)` has, `(n,)`; -1 for none of them."""
        there = np.asarray(x, dtype=np.float64)[:, list(self.places)]
        if self.edges is not None:
            return np.searchsorted(self.edges, there[:, 0], side="right").astype(np.int64)
        found = np.full(len(there), -1, dtype=np.int64)
        for fill, value in zip(self.fills, self.value_of.tolist(), strict=True):
            found[(there == fill).all(axis=1)] = value
        return found


def attribute_of(app: Application, column: str) -> Attribute | None:
    """Describe a sensitive column by what is public; None where the model does not take it.

    Values and bins come from the domain and from similar data, never from the training data.
    """
    if not isinstance(app.domain, TableDomain):
        return None
    names = [c.name for c in app.domain.columns]
    if column not in names:
        return None
    place = names.index(column)
    group = next((g for g in app.domain.one_hot if place in g), None)
    if group is not None:
        values = tuple(names[j] for j in group)
        return _listed(column, tuple(group), values, np.eye(len(group)))
    return _single(place, app.domain.columns[place], app.data.similar)


def _listed(
    name: str, places: tuple[int, ...], values: tuple[str, ...], fills: Floats
) -> Attribute:
    order = np.arange(len(values))
    return Attribute(name=name, places=places, values=values, fills=fills, value_of=order)


def _single(place: int, column: Column, similar: Data) -> Attribute:
    if column.categories:
        codes = np.arange(len(column.categories), dtype=np.float64)[:, None]
        return _listed(column.name, (place,), column.categories, codes)
    seen = np.asarray(similar.x, dtype=np.float64)[:, place]
    different = np.unique(seen)
    if len(different) <= LISTED:
        words = tuple(f"{v:g}" for v in different)
        return _listed(column.name, (place,), words, different[:, None])
    return _binned(place, column, seen)


def _binned(place: int, column: Column, seen: Floats) -> Attribute:
    edges = np.unique(np.quantile(seen, np.arange(1, BINS) / BINS))
    edges = edges[edges > seen.min()]
    code = np.searchsorted(edges, seen, side="right")
    fills, value_of = [], []
    for b in range(len(edges) + 1):
        middle = np.quantile(seen[code == b], FILLS, method="nearest")
        different = np.unique(middle)
        fills += different.tolist()
        value_of += [b] * len(different)
    ends = [f"{e:g}" for e in edges]
    names = [f"below {ends[0]}", *map(" to ".join, pairwise(ends))]
    return Attribute(
        name=column.name,
        places=(place,),
        values=(*names, f"{ends[-1]} or more"),
        fills=np.array(fills)[:, None],
        value_of=np.array(value_of, dtype=np.int64),
        edges=edges,
    )
