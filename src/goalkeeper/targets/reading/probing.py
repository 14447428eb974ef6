"""Rows that show what a preprocessing makes of each word and of each missing cell.

Each differs from one row in one column. What a step makes of a word is then looked up in what it
gives for the row with this word, so that missing words, rare ones and unknown ones are treated
exactly as the step itself treats them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.data import Bools, Floats
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import NotOffered

TRIES = 60  # rows among which one is looked for that the preprocessing takes
LARGEST = 50_000_000  # numbers that the preprocessing may give for all rows of a probe


@dataclass(frozen=True, eq=False)
class Probe:
    """Rows `(r, d)` that the preprocessing takes, and which of them has which cell.

    codes: for each column of categories, the place `(categories,)` of the row with each; -1 where
    the preprocessing raises. missing: the place of the row in which a column has no value.
    """

    rows: Floats
    codes: Mapping[int, Any]
    missing: Mapping[int, int]


def build_probe(domain: TableDomain, transform: Callable[[Floats], Any]) -> Probe:
    """Find rows for every word and for every missing cell.

    Parameters
    ----------
    domain
        The table.
    transform
        Gives rows `(n, d)` to the preprocessing.

    Raises
    ------
    NotOffered
        The preprocessing takes no row that was tried.
    """
    base = _find_base(domain, transform)
    rows, places = [base], []
    for j, column in enumerate(domain.columns):
        cells: list[float] = [float(code) for code in range(len(column.categories))]
        for cell in [*cells, *([np.nan] if column.missing else [])]:
            row = base.copy()
            row[j] = cell
            places.append((j, cell))
            rows.append(row)
    every = np.array(rows)
    taken = find_taken(every, transform)
    order = np.cumsum(taken) - 1
    codes = {
        j: np.full(len(c.categories), -1, dtype=np.int64)
        for j, c in enumerate(domain.columns)
        if c.categories
    }
    missing: dict[int, int] = {}
    for (j, cell), place, fine in zip(places, order[1:], taken[1:], strict=True):
        if fine and np.isnan(cell):
            missing[j] = int(place)
        elif fine:
            codes[j][int(cell)] = place
    return Probe(every[taken], codes, missing)


def find_taken(rows: Floats, transform: Callable[[Floats], Any]) -> Bools:
    """Tell which rows `(n, d)` a preprocessing takes; it may raise on others."""
    if not len(rows):
        return np.zeros(0, dtype=bool)
    if _is_taken(rows, transform):
        return np.ones(len(rows), dtype=bool)
    if len(rows) == 1:
        return np.zeros(1, dtype=bool)
    half = len(rows) // 2
    parts = [find_taken(rows[:half], transform), find_taken(rows[half:], transform)]
    return np.concatenate(parts)


def draw_rows(domain: TableDomain, count: int, rng: np.random.Generator) -> Floats:
    """Draw valid rows `(count, d)` within the bounds, or around 0 where there are none."""
    low, high = domain.bounds()
    both = np.isfinite(low) & np.isfinite(high)
    start = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high - 1.0, -1.0))
    span = np.where(both, high - start, np.where(np.isfinite(low), 2.0, 1.0))
    rows = domain.project(start + rng.random((count, len(low))) * span)
    gaps = domain.missing & (rng.random(rows.shape) < 0.2)
    return np.where(gaps, np.nan, rows)


def silently(call: Callable[..., Any], *given: Any) -> Any:
    """Call without warnings: what a probe meets is no news to the user."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return call(*given)


def _is_taken(rows: Floats, transform: Callable[[Floats], Any]) -> bool:
    try:
        made = silently(transform, rows)
    except Exception:  # noqa: BLE001 - whatever a step raises, it gives no answer
        return False
    if np.prod(made.shape, dtype=np.float64) > LARGEST:
        raise NotOffered("weights cannot be read: the columns have too many categories")
    return True


def _find_base(domain: TableDomain, transform: Callable[[Floats], Any]) -> Floats:
    """Find a row without gaps that the preprocessing takes."""
    low, high = domain.bounds()
    both = np.isfinite(low) & np.isfinite(high)
    ends = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high, 0.0))
    middle = np.where(both, ends + np.where(both, high - ends, 0.0) / 2, ends)
    middle = np.where([bool(c.categories) for c in domain.columns], 0.0, middle)
    rng = np.random.default_rng(0)
    drawn = draw_rows(domain, TRIES, rng)
    for row in [*domain.project(np.array([middle, ends])), *drawn]:
        full = np.where(np.isnan(row), domain.project(middle[None])[0], row)
        if _is_taken(full[None], transform):
            return np.asarray(full)
    raise NotOffered(
        f"weights cannot be read: the preprocessing raised on each of {TRIES} rows that lie within "
        "the bounds of the columns"
    )
