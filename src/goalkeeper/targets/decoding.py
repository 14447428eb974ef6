"""From the features that an encoding makes of a table back to its columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goalkeeper.core.data import Bools, Floats
from goalkeeper.core.design import Design, Term
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.targets.reading import Affine
from goalkeeper.targets.reading.designs import Reading

CLOSE = 1e-6  # relative; features of float32 are no nearer


@dataclass(frozen=True, eq=False)
class Decoder:
    """Undoes an encoding, column by column.

    What cannot be known of a column, because it was dropped, cut into bins or filled in, is left
    open: from minus infinity to infinity.
    """

    design: Design
    fold: Affine
    domain: TableDomain

    def points(self, features: Floats) -> tuple[Floats, Floats]:
        """Return the least and largest row, each `(n, d)`, that have these features `(n, p)`."""
        close = CLOSE * np.maximum(np.abs(features), 1.0)
        low, high = self.boxes(features - close, features + close)
        exact = np.isfinite(low) & np.isfinite(high)
        middle = (np.where(exact, low, 0.0) + np.where(exact, high, 0.0)) / 2
        return np.where(exact, middle, low), np.where(exact, middle, high)

    def boxes(self, low: Floats, high: Floats) -> tuple[Floats, Floats]:
        """Return bounds of the rows, each `(n, d)`, whose features lie between two `(n, p)`."""
        ends = self.fold.undo(low), self.fold.undo(high)
        low, high = np.minimum(*ends), np.maximum(*ends)
        shape = len(low), len(self.domain.columns)
        least, most = np.full(shape, -np.inf), np.full(shape, np.inf)
        for column in self.design.columns.tolist():
            places = [t for t, term in enumerate(self.design.terms) if term.column == column]
            terms = [self.design.terms[t] for t in places]
            bounds = low[:, places], high[:, places]
            categories = len(self.domain.columns[column].categories)
            found = _codes(terms, categories, *bounds) if categories else _numbers(terms, *bounds)
            least[:, column], most[:, column] = found
        return least, most


def decoder_of(reading: Reading, domain: TableDomain) -> Decoder:
    """Return what undoes a preprocessing; raises NotOffered where it mixes columns."""
    design, fold = reading.design, reading.fold
    if design is None or design.mix is not None or not isinstance(fold, Affine):
        raise NotOffered("the preprocessing mixes columns")
    return Decoder(design, fold, domain)


def _codes(terms: list[Term], categories: int, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Bound the code of a category by what each code would make of the features."""
    codes = np.arange(categories, dtype=np.float64)
    made = np.column_stack([term.of(codes) for term in terms])  # (codes, terms)
    fits = np.ones((len(low), categories), dtype=bool)
    for t in range(made.shape[1]):  # by terms: all at a time may not fit into memory
        fits &= (made[:, t] >= low[:, t, None]) & (made[:, t] <= high[:, t, None])
    known = fits.any(axis=1) & ~fits.all(axis=1)
    least = np.where(known, fits.argmax(axis=1), -np.inf)
    most = np.where(known, categories - 1 - fits[:, ::-1].argmax(axis=1), np.inf)
    return least, most


def _numbers(terms: list[Term], low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Bound a number by a feature that is the number itself."""
    least, most = np.full(len(low), -np.inf), np.full(len(low), np.inf)
    for t, term in enumerate(terms):
        if term.kind != "number" or term.steps:
            continue
        open_: Bools = (low[:, t] <= term.missing) & (term.missing <= high[:, t])
        least = np.maximum(least, np.where(open_, -np.inf, low[:, t]))
        most = np.minimum(most, np.where(open_, np.inf, high[:, t]))
    return least, most
