"""What an input may look like. Public: every attacker knows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

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
    """One feature of a table.

    `number` and `integer` have bounds; `category` is coded 0 .. len(categories)-1.
    An immutable column cannot be changed by an attacker who changes inputs.
    """

    name: str
    kind: Literal["number", "integer", "category"] = "number"
    low: float = -np.inf
    high: float = np.inf
    categories: tuple[str, ...] = ()
    immutable: bool = False

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
        """Which columns `(d,)` hold whole numbers only."""
        return np.array([c.kind != "number" for c in self.columns])

    def valid(self, x: Inputs) -> Bools:
        """Tell which rows `(n, d)` keep bounds, types and one-hot groups."""
        low, high = self.bounds()
        rows = np.asarray(x, dtype=np.float64)
        fine = np.isfinite(rows).all(axis=1)
        fine &= ((rows >= low - 1e-9) & (rows <= high + 1e-9)).all(axis=1)
        whole = rows[:, self.discrete]
        fine &= (whole == np.round(whole)).all(axis=1)
        for group in self.one_hot:
            block = rows[:, list(group)]
            fine &= (block.sum(axis=1) == 1) & np.isin(block, (0.0, 1.0)).all(axis=1)
        return np.asarray(fine, dtype=bool)

    def project(self, x: Inputs) -> Floats:
        """Return the nearest rows that keep bounds, types and one-hot groups."""
        low, high = self.bounds()
        rows = np.clip(np.asarray(x, dtype=np.float64), low, high)
        rows[:, self.discrete] = np.round(rows[:, self.discrete])
        for group in self.one_hot:
            block = list(group)
            rows[:, block] = np.eye(len(block))[np.argmax(rows[:, block], axis=1)]
        return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDomain:
    """Images `(n, channels, height, width)` with values in [low, high] in steps of `quantum`."""

    kind: ClassVar[str] = "image"
    shape: tuple[int, int, int]
    low: float = 0.0
    high: float = 1.0
    quantum: float = 1 / 255

    def valid(self, x: Inputs) -> Bools:
        """Tell which images lie in the value range, up to float32 rounding."""
        values = np.asarray(x, dtype=np.float64)
        flat = values.reshape(len(values), int(np.prod(values.shape[1:])))  # -1 fails for no images
        slack = 1e-6 * (self.high - self.low)
        inside = (flat >= self.low - slack) & (flat <= self.high + slack)
        return np.asarray((np.isfinite(flat) & inside).all(axis=1))


Domain = TextDomain | TableDomain | ImageDomain
