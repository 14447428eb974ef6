"""Make the features of rows from what was read of a preprocessing, bit for bit as it does.

A fitted preprocessing takes milliseconds for one row: it is handed a frame, cuts it into columns,
checks each of them in every step, and puts all together again. What it does to a word is a line of
a table; what it does to a number, a few operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.core.design import Term
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.targets.reading.designs import read_terms

MAX_CATEGORIES = 2000  # each is a row of the probe, and a line of a table
EXACT_TYPES = ("", "float64", "int64")  # of columns of numbers whose cells are our floats


@dataclass(frozen=True, eq=False)
class _Words:
    """What becomes of each code of a column of words: `table (codes, p)`, into `places (p,)`."""

    column: int
    places: Ints
    table: Floats


@dataclass(frozen=True, eq=False)
class TabulatedFeatures:
    """The features `(n, width)` of rows of a table with `columns` columns.

    words: columns of words, each with its table. numbers: places of the others, and their terms.
    """

    columns: int
    width: int
    words: tuple[_Words, ...]
    numbers: tuple[tuple[int, Term], ...]

    def make(self, x: Inputs) -> Floats | None:
        """Return the features of rows `(n, d)`; None where some row needs the preprocessing itself.

        Those are rows with a missing cell or a word that it does not know, and what it refuses.
        """
        rows = np.asarray(x, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.columns:
            return None
        out = np.empty((len(rows), self.width))
        for words in self.words:
            cells = rows[:, words.column]
            with np.errstate(invalid="ignore"):
                codes = cells.astype(np.int64)
            if not ((codes == cells) & (codes >= 0) & (codes < len(words.table))).all():
                return None
            out[:, words.places] = words.table[codes]
        with np.errstate(all="ignore"):
            for place, term in self.numbers:
                out[:, place] = term.of(rows[:, term.column])
        return out if np.isfinite(out).all() else None


def read_row_features(before: Sequence[Any], domain: TableDomain) -> TabulatedFeatures:
    """Read fitted steps as features of single rows.

    Parameters
    ----------
    before
        The steps in front of a final model, in their order.
    domain
        The table, as the first step gets it.

    Raises
    ------
    NotOffered
        A step cannot be read, looks at several columns at once, or gets cells of a type that does
        not hold our numbers as they are.
    """
    columns = domain.columns
    if sum(len(column.categories) for column in columns) > MAX_CATEGORIES:
        raise NotOffered("the columns have too many categories for a table of each")
    found = read_terms(before, domain)
    terms = [term for term in found if isinstance(term, Term)]
    if len(terms) < len(found) or not all(_is_exact(columns[t.column]) for t in terms):
        raise NotOffered("features are mixed, or made of cells that are rounded")
    spelled = {t.column for t in terms if columns[t.column].categories}
    words = tuple(_table_of(j, terms, len(columns[j].categories)) for j in sorted(spelled))
    numbers = tuple((p, t) for p, t in enumerate(terms) if t.column not in spelled)
    return TabulatedFeatures(len(columns), len(terms), words, numbers)


def _is_exact(column: Column) -> bool:
    return bool(column.categories) or column.dtype in EXACT_TYPES


def _table_of(column: int, terms: Sequence[Term], categories: int) -> _Words:
    codes = np.arange(categories, dtype=np.float64)
    places = [p for p, term in enumerate(terms) if term.column == column]
    table = np.column_stack([terms[p].of(codes) for p in places])
    return _Words(column, np.array(places, dtype=np.int64), table)
