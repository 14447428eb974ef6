"""A sensitive column of a table: its values, how to hide it, and how to fill it in again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Floats, Inputs, Ints
from goalkeeper.core.domain import Column, TableDomain

MAX_LISTED = 12  # up to this many different numbers are values of their own; more are binned
NO_VALUE = "no value"
BINS = 5  # quantile bins of a number with more values
# The quantiles of a bin that stand for it: the middles of its lower, middle and upper third.
FILL_QUANTILES = (1 / 6, 1 / 2, 5 / 6)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Attribute:
    """A hidden column and the values it may have.

    Parameters
    ----------
    name
        The column as the description names it.
    places
        Columns `(w,)` of the input that are hidden: one, or all of a one-hot group.
    values
        The values that are distinguished: categories, listed numbers, or bins of a number.
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

    def hide(self, x: Inputs) -> Floats:
        """Return rows `(n, d)` with NaN in place of the attribute."""
        rows = np.array(x, dtype=np.float64)
        rows[:, list(self.places)] = np.nan
        return rows

    def fill_in(self, x: Inputs, candidates: Ints) -> Floats:
        """Return rows `(n, d)`, each with one of the candidates `(n,)` written in."""
        rows = np.array(x, dtype=np.float64)
        rows[:, list(self.places)] = self.fills[candidates]
        return rows

    def encode(self, x: Inputs) -> Ints:
        """Return which value each row `(n, d)` has, `(n,)`; -1 for none of them."""
        values = np.asarray(x, dtype=np.float64)[:, list(self.places)]
        if self.edges is not None:
            bins = np.searchsorted(self.edges, values[:, 0], side="right").astype(np.int64)
            none = len(self.values) - 1 if self.values[-1] == NO_VALUE else -1
            return np.where(np.isnan(values[:, 0]), none, bins)
        codes = np.full(len(values), -1, dtype=np.int64)
        for fill, value in zip(self.fills, self.value_of.tolist(), strict=True):
            codes[((values == fill) | (np.isnan(values) & np.isnan(fill))).all(axis=1)] = value
        return codes


def describe_attribute(app: Application, column: str) -> Attribute | None:
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
        return _list_values(column, tuple(group), values, np.eye(len(group)))
    return _describe_column(place, app.domain.columns[place], app.data.similar)


def _list_values(
    name: str, places: tuple[int, ...], values: tuple[str, ...], fills: Floats
) -> Attribute:
    order = np.arange(len(values))
    return Attribute(name=name, places=places, values=values, fills=fills, value_of=order)


def _describe_column(place: int, column: Column, similar: Data) -> Attribute:
    everything = np.asarray(similar.x, dtype=np.float64)[:, place]
    seen = everything[~np.isnan(everything)]
    attribute = _describe_values(place, column, seen)
    return _with_gap(attribute) if len(seen) < len(everything) else attribute


def _with_gap(attribute: Attribute) -> Attribute:
    """Take "no value" for one more value."""
    last = len(attribute.values)
    return replace(
        attribute,
        values=(*attribute.values, NO_VALUE),
        fills=np.vstack([attribute.fills, np.full((1, 1), np.nan)]),
        value_of=np.append(attribute.value_of, last).astype(np.int64),
    )


def _describe_values(place: int, column: Column, seen: Floats) -> Attribute:
    if column.categories:
        codes = np.arange(len(column.categories), dtype=np.float64)[:, None]
        return _list_values(column.name, (place,), column.categories, codes)
    different = np.unique(seen)
    if len(different) <= MAX_LISTED:
        words = tuple(f"{v:g}" for v in different)
        return _list_values(column.name, (place,), words, different[:, None])
    return _bin_numbers(place, column, seen)


def _bin_numbers(place: int, column: Column, seen: Floats) -> Attribute:
    edges = np.unique(np.quantile(seen, np.arange(1, BINS) / BINS))
    edges = edges[edges > seen.min()]
    code = np.searchsorted(edges, seen, side="right")
    fills, value_of = [], []
    for b in range(len(edges) + 1):
        middle = np.quantile(seen[code == b], FILL_QUANTILES, method="nearest")
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
