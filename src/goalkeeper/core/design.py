"""What the weights of a linear model multiply, where that is not the columns themselves.

A category becomes one feature a word, a missing number is filled in, a number is cut into bins:
all of it looks at one column at a time, so that it can be written down as numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from goalkeeper.core.data import Floats, Inputs, Ints

__all__ = ["Design", "Term"]

Step = tuple[str, float]  # what is done, and the number it is done with (0 where there is none)

_ELEMENTWISE = (
    *(np.log1p, np.log, np.log2, np.log10, np.sqrt, np.exp, np.expm1),
    *(np.absolute, np.square, np.arcsinh, np.tanh),
)
CURVES: Mapping[str, np.ufunc] = {f.__name__: f for f in _ELEMENTWISE}
SUMS: Mapping[str, np.ufunc] = {
    f.__name__: f for f in (np.add, np.subtract, np.multiply, np.divide)
}


def _none() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Term:
    """A number made from one column of a row, and from nothing else.

    Parameters
    ----------
    column
        Index of the column.
    steps
        What is done to its number first, one after the other: a curve (`log1p`) or a sum
        (`subtract` and the number that is subtracted).
    kind
        What becomes of it: `number`, the number itself; `levels`, one of `values` where it equals
        one of `points` (codes of a category, in ascending order), else `other`; `bins`, the value
        of the bin between two of `points` in which it lies, the lower end included.
    points, values
        `(p,)` and `(p,)` for levels, `(p,)` and `(p + 1,)` for bins.
    other
        Value elsewhere.
    missing
        Value where the cell is missing. NaN: the model has no answer to such rows.
    """

    column: int
    steps: tuple[Step, ...] = ()
    kind: Literal["number", "levels", "bins"] = "number"
    points: Floats = field(default_factory=_none)
    values: Floats = field(default_factory=_none)
    other: float = 0.0
    missing: float = np.nan

    def of(self, cells: Floats) -> Floats:
        """Return the numbers `(n,)` for the cells `(n,)` of its column."""
        made = take_steps(self.steps, cells)
        if self.kind == "bins":
            made = self.values[np.searchsorted(self.points, made, side="right")]
        elif self.kind == "levels":
            made = self._level(made)
        return np.asarray(np.where(np.isnan(cells), self.missing, made))

    def jumps(self) -> Floats:
        """Return numbers of the column, one at least for each value that the term can have.

        They lie at both ends of bins and on levels. Empty where the value moves steadily, or where
        a curve comes first.
        """
        if self.kind == "number" or any(name in CURVES for name, _ in self.steps):
            return np.zeros(0)
        back = _take_back(self.steps, self.points)
        return np.concatenate([np.nextafter(back, -np.inf), back, np.nextafter(back, np.inf)])

    def _level(self, made: Floats) -> Floats:
        if not len(self.points):
            return np.full(len(made), self.other)
        place = np.searchsorted(self.points, made).clip(max=len(self.points) - 1)
        return np.where(self.points[place] == made, self.values[place], self.other)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Design:
    """The features `(n, p)` of a linear model, each made from columns one by one.

    Parameters
    ----------
    names
        What each feature is, in words, `(p,)`.
    terms
        The terms that features are made of, `(t,)`.
    mix
        How much of each term is in each feature `(p, t)`; None: each feature is one term.
    """

    names: tuple[str, ...]
    terms: tuple[Term, ...]
    mix: Floats | None = None

    def expand(self, x: Inputs) -> Floats:
        """Return what the weights multiply, `(n, p)`; NaN where the model has no answer to a row.

        Parameters
        ----------
        x
            Rows `(n, d)` of numbers and codes.
        """
        rows = np.asarray(x, dtype=np.float64)
        values = np.empty((len(rows), len(self.terms)))
        for t, term in enumerate(self.terms):
            values[:, t] = term.of(rows[:, term.column])
        return values if self.mix is None else np.asarray(values @ self.mix.T)

    def add_columns(self, x: Inputs, weights: Floats) -> Floats:
        """Return what each column of rows `(n, d)` adds to each row of weights, `(n, d, k)`."""
        rows = np.asarray(x, dtype=np.float64)
        per_term = weights if self.mix is None else weights @ self.mix
        out = np.zeros((*rows.shape, len(weights)))
        for t, term in enumerate(self.terms):
            out[:, term.column] += term.of(rows[:, term.column])[:, None] * per_term[:, t]
        return out

    def jumps(self, column: int) -> Floats:
        """Return numbers of a column at which features jump, in ascending order."""
        found = [term.jumps() for term in self.terms if term.column == column]
        return np.unique(np.concatenate([np.zeros(0), *found]))

    @property
    def is_binary(self) -> bool:
        """Whether every feature is 0 or 1."""
        coded = self.mix is None and all(term.kind != "number" for term in self.terms)
        made = [v for t in self.terms for v in (*t.values, t.other, t.missing) if not np.isnan(v)]
        return coded and set(made) <= {0.0, 1.0}

    @property
    def columns(self) -> Ints:
        """Indices of the columns that any feature looks at, in ascending order."""
        return np.unique(np.array([term.column for term in self.terms], dtype=np.int64))


def take_steps(steps: tuple[Step, ...], values: Floats) -> Floats:
    """Do the steps of a term to numbers, in the order and the arithmetic of the model."""
    with np.errstate(all="ignore"):  # a logarithm of a negative number is NaN: no answer
        for name, number in steps:
            values = CURVES[name](values) if name in CURVES else SUMS[name](values, number)
    return values


def _take_back(steps: tuple[Step, ...], values: Floats) -> Floats:
    inverse = {"add": np.subtract, "subtract": np.add, "multiply": np.divide, "divide": np.multiply}
    with np.errstate(all="ignore"):
        for name, number in reversed(steps):
            values = inverse[name](values, number)
    return values[np.isfinite(values)]
