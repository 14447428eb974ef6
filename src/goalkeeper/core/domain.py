"""What an input may look like. Public: every attacker knows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.core.errors import DataError

__all__ = [
    "Column",
    "Domain",
    "ImageDomain",
    "TableDomain",
    "TextDomain",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDomain:
    """Texts of up to `max_chars` characters."""

    kind: ClassVar[str] = "text"
    max_chars: int = 100_000

    def valid(self, x: Inputs) -> Bools:
        """Tell which inputs `(n,)` are texts of an allowed length."""
        return np.array([isinstance(v, str) and len(v) <= self.max_chars for v in x], dtype=bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One feature of a table, and how a row of floats stands for the user's own cell.

    `number` and `integer` have bounds; a `date` is a number of seconds since 1970; `category` is
    coded 0 .. len(categories)-1. A missing cell is NaN, whatever the user's frame writes for it.

    Parameters
    ----------
    name
        Name of the column, as people read it.
    kind
        What the cells hold.
    low, high
        Bounds of numbers, whole numbers and dates.
    categories
        The words behind the codes of a category, each different.
    immutable
        Whether an attacker who changes inputs cannot change it.
    missing
        Whether a cell may have no value.
    dtype
        Type of the column in the user's own pandas frame, as `goalkeeper.targets.frames` names
        it; empty where the data are an array.
    values
        What stands in the user's frame for each category, where that is not its word.
    ordered
        Whether a pandas category has an order.
    gap
        What a column of Python objects has for a missing cell: `nan`, `none`, `na` or `nat`.
    label
        Name of the column in the user's frame, where that is no text.
    """

    name: str
    kind: Literal["number", "integer", "category", "date"] = "number"
    low: float = -np.inf
    high: float = np.inf
    categories: tuple[str, ...] = ()
    immutable: bool = False
    missing: bool = False
    dtype: str = ""
    values: tuple[Any, ...] = ()
    ordered: bool = False
    gap: str = "nan"
    label: Any = None

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise DataError(
                f"column {self.name}: low {self.low:g} lies above high {self.high:g}; swap them"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDomain:
    """Rows `(n, d)` of typed, bounded columns; `one_hot` groups columns of which one is 1."""

    kind: ClassVar[str] = "table"
    columns: tuple[Column, ...]
    one_hot: tuple[tuple[int, ...], ...] = ()
    named: bool = False  # whether the model wants a DataFrame with these names

    def bounds(self) -> tuple[Floats, Floats]:
        """Lower and upper bound of every column, each `(d,)`."""
        low = [0.0 if c.categories else c.low for c in self.columns]
        high = [float(len(c.categories) - 1) if c.categories else c.high for c in self.columns]
        return np.array(low), np.array(high)

    @property
    def mutable(self) -> Bools:
        """Which columns `(d,)` may be changed."""
        return np.array([not c.immutable for c in self.columns])

    @property
    def discrete(self) -> Bools:
        """Which columns `(d,)` hold whole numbers or codes only."""
        return np.array([c.kind in ("integer", "category") for c in self.columns])

    @property
    def missing(self) -> Bools:
        """Which columns `(d,)` may have no value in a row, NaN."""
        return np.array([c.missing for c in self.columns])

    @property
    def numeric(self) -> bool:
        """Whether every column holds numbers: neither codes of categories nor dates."""
        return all(c.kind in ("number", "integer") for c in self.columns)

    @property
    def framed(self) -> bool:
        """Whether the user's own data are a frame, and not an array."""
        return any(c.dtype for c in self.columns)

    def valid(self, x: Inputs) -> Bools:
        """Tell which rows `(n, d)` keep bounds, types, one-hot groups, and have their values."""
        low, high = self.bounds()
        rows = np.asarray(x, dtype=np.float64)
        gap = np.isnan(rows) & self.missing
        fine = (np.isfinite(rows) | gap).all(axis=1)
        fine &= (gap | ((rows >= low - 1e-9) & (rows <= high + 1e-9))).all(axis=1)
        whole = rows[:, self.discrete]
        fine &= (gap[:, self.discrete] | (whole == np.round(whole))).all(axis=1)
        for group in self.one_hot:
            block = rows[:, list(group)]
            fine &= (block.sum(axis=1) == 1) & np.isin(block, (0.0, 1.0)).all(axis=1)
        return np.asarray(fine, dtype=bool)

    def plain(self) -> TableDomain:
        """Return the same table as rows of numbers and codes, without the user's frame."""
        return replace(self, named=False)

    def filled(self, x: Inputs) -> Floats:
        """Return rows `(n, d)` without gaps, for computations that need numbers.

        A missing number becomes the middle of its bounds, 0 without bounds; a missing category
        the code -1, which is none.
        """
        rows = np.array(x, dtype=np.float64)
        if not self.missing.any():
            return rows
        low, high = self.bounds()
        both = np.isfinite(low) & np.isfinite(high)
        middle = np.where(both, (np.where(both, low, 0.0) + np.where(both, high, 0.0)) / 2, 0.0)
        middle[[bool(c.categories) for c in self.columns]] = -1.0
        return np.where(np.isnan(rows), middle, rows)

    def gaps(self, x: Inputs) -> Floats:
        """Tell by 1 and 0 where rows have no value: `(n, m)`, a column for each that may have."""
        return np.isnan(np.asarray(x, dtype=np.float64)[:, self.missing]).astype(np.float64)

    def project(self, x: Inputs) -> Floats:
        """Return the nearest rows that keep bounds, types and one-hot groups; NaN stays."""
        low, high = self.bounds()
        rows = np.clip(np.asarray(x, dtype=np.float64), low, high)
        rows[:, self.discrete] = np.round(rows[:, self.discrete])
        for group in self.one_hot:
            block = list(group)
            rows[:, block] = np.eye(len(block))[np.argmax(rows[:, block], axis=1)]
        return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDomain:
    """Images `(n, channels, height, width)` with values in [low, high] in steps of `quantum`.

    Values are those that the model gets. `channels_last`: the user's own images have their
    colours as the last axis; `dtype`: their type, where they are whole numbers. Functions and
    estimators get them so, flattened; torch modules get floats with channels first.
    """

    kind: ClassVar[str] = "image"
    shape: tuple[int, int, int]
    low: float = 0.0
    high: float = 1.0
    quantum: float = 1 / 255
    channels_last: bool = False
    dtype: str = ""

    def valid(self, x: Inputs) -> Bools:
        """Tell which images lie in the value range, up to float32 rounding."""
        values = np.asarray(x, dtype=np.float64)
        flat = values.reshape(len(values), int(np.prod(values.shape[1:])))  # -1 fails for no images
        slack = 1e-6 * (self.high - self.low)
        inside = (flat >= self.low - slack) & (flat <= self.high + slack)
        return np.asarray((np.isfinite(flat) & inside).all(axis=1))


Domain = TextDomain | TableDomain | ImageDomain
