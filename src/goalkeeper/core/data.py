"""Records, and the four disjoint parts they are cut into."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.errors import DataError
from goalkeeper.core.readonly import read_only

__all__ = [
    "Bools",
    "Data",
    "Floats",
    "Inputs",
    "Ints",
    "Splits",
    "cut",
    "row_keys",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Inputs = NDArray[Any]  # object (n,) of str for text; float64 (n, d) or (n, c, h, w) otherwise

PARTS = ("train", "holdout", "calibration", "similar")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Data:
    """Records with their true classes. Nobody who gets them can change them: arrays are read-only.

    Parameters
    ----------
    x
        Inputs: an object array `(n,)` of str, or a float64 array `(n, d)` or `(n, c, h, w)`.
    y
        Classes `(n,)` as indices into the application's classes.
    columns
        What is known of each record beside the input, each `(n,)`: person, subgroup, ...
    """

    x: Inputs
    y: Ints
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the lengths, and make the arrays read-only views of those given."""
        for name, values in {"y": self.y, **self.columns}.items():
            if len(values) != len(self.x):
                raise DataError(
                    f"x has {len(self.x)} records but {name} has {len(values)} entries; "
                    "give one entry for every record"
                )
        object.__setattr__(self, "x", read_only(self.x))
        object.__setattr__(self, "y", read_only(self.y))
        object.__setattr__(self, "columns", read_only(self.columns))

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: NDArray[Any] | slice) -> Data:
        """Return the chosen rows (indices, boolean mask or slice)."""
        return Data(
            x=self.x[rows], y=self.y[rows], columns={k: v[rows] for k, v in self.columns.items()}
        )

    def joined(self, other: Data) -> Data:
        """Append `other`; columns that only one side has are dropped."""
        shared = [k for k in self.columns if k in other.columns]
        return Data(
            x=np.concatenate([self.x, other.x]),
            y=np.concatenate([self.y, other.y]),
            columns={k: np.concatenate([self.columns[k], other.columns[k]]) for k in shared},
        )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Splits:
    """The four disjoint parts.

    train: what the target was trained on. holdout: records that the target never saw. calibration:
    thresholds and false-alarm rates. similar: the data of an attacker who knows similar data.
    """

    train: Data
    holdout: Data
    calibration: Data
    similar: Data

    def __post_init__(self) -> None:
        seen: dict[bytes, tuple[str, int]] = {}
        for part in PARTS:
            for row, key in enumerate(row_keys(getattr(self, part).x)):
                other = seen.setdefault(key, (part, row))
                if other[0] != part:
                    raise DataError(
                        f"row {row} of the {part} data is also in the {other[0]} data "
                        f"(row {other[1]}); the parts must not overlap: remove one of the two, "
                        "or let goalkeeper split one file"
                    )

    def sizes(self) -> dict[str, int]:
        """Count the records in each part."""
        return {part: len(getattr(self, part)) for part in PARTS}


def row_keys(x: Inputs) -> list[bytes]:
    """Hash the content of every input; equal inputs have equal keys, whatever their order."""
    if x.dtype == object:
        # Half of a surrogate pair is no text in UTF-8, and yet a Python string.
        coded = (str(v).encode("utf-8", "surrogatepass") for v in x)
        return [hashlib.blake2b(value, digest_size=16).digest() for value in coded]
    if len(x) == 0:
        return []
    rows = np.ascontiguousarray(x.reshape(len(x), -1), dtype=np.float64) + 0.0  # -0.0 equals 0.0
    rows[np.isnan(rows)] = np.nan  # a missing value has many bit patterns, which are all the same
    return [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in rows]


def cut(data: Data, shares: Mapping[str, float]) -> Splits:
    """Cut one data set into the four parts by the hash of each input.

    Duplicates fall into the same part, and a record keeps its part whatever the order of the
    file or what else stands in it. Sizes therefore follow `shares` only on average. A class that
    would miss in a part is spread over them by itself, if it has enough records.

    Parameters
    ----------
    data
        All records.
    shares
        Share of each of the four parts; they must sum to 1.

    Raises
    ------
    DataError
        A part came out empty: there are too few records.
    """
    which = spread_rare(place(data, shares), data, shares)
    parts = {part: data.take(np.flatnonzero(which == i)) for i, part in enumerate(PARTS)}
    for part, rows in parts.items():
        if len(rows) == 0:
            raise DataError(
                f"the {part} part got no record: {len(data)} records are too few; give more data"
            )
    return Splits(**parts)


def place(data: Data, shares: Mapping[str, float]) -> Ints:
    """Return the number of the part `(n,)` that the hash of each input names."""
    edges = np.cumsum([shares[part] for part in PARTS])
    if abs(edges[-1] - 1) > 1e-9:
        raise DataError(f"the shares of the parts must sum to 1, they sum to {edges[-1]:g}")
    where = np.array([int.from_bytes(key[:8], "big") / 2**64 for key in row_keys(data.x)])
    found = np.searchsorted(edges, where, side="right")
    return np.asarray(np.minimum(found, len(PARTS) - 1), dtype=np.int64)


def spread_rare(which: Ints, data: Data, shares: Mapping[str, float]) -> Ints:
    """Give every part a record of each class that misses in one, in the order of the hashes.

    Equal inputs stay together; inputs that have several classes stay where they are. A class of
    fewer different inputs than there are parts is left as it is.
    """
    classes, y = np.unique(data.y, return_inverse=True)
    have = np.zeros((len(classes), len(PARTS)), dtype=np.int64)
    np.add.at(have, (y, which), 1)
    rare = np.flatnonzero((have == 0).any(axis=1))
    if not len(rare):
        return which
    keys, key_of = np.unique([key.hex() for key in row_keys(data.x)], return_inverse=True)
    lowest, highest = np.full(len(keys), len(classes)), np.zeros(len(keys), dtype=np.int64)
    np.minimum.at(lowest, key_of, y)
    np.maximum.at(highest, key_of, y)
    only_class = np.where(lowest == highest, lowest, -1)
    part_of = np.full(len(keys), -1)  # of the inputs that are moved
    for label in rare:
        own = np.flatnonzero(only_class == label)  # in the order of the hashes
        if len(own) >= len(PARTS):
            counts = apportion(len(own), [shares[part] for part in PARTS])
            part_of[own] = np.repeat(range(len(PARTS)), counts)
    moved = part_of[key_of]
    return np.where(moved >= 0, moved, which)


def apportion(n: int, shares: Sequence[float]) -> Ints:
    """Divide n among shares that sum to 1, as evenly as whole numbers allow, at least 1 each."""
    exact = (n - len(shares)) * np.asarray(shares)
    counts = np.floor(exact).astype(np.int64)
    order = np.argsort(counts - exact, kind="stable")
    counts[order[: n - len(shares) - int(counts.sum())]] += 1
    return np.asarray(counts + 1)


def fingerprint(*parts: Any) -> str:
    """Hash arrays, strings, numbers and mappings of them by content (hex, 16 bytes)."""
    h = hashlib.blake2b(digest_size=16)
    for part in parts:
        _feed(h, part)
    return h.hexdigest()


def _feed(h: Any, part: Any) -> None:
    if isinstance(part, Data):
        _feed(h, {"x": part.x, "y": part.y, **part.columns})
    elif isinstance(part, Mapping):
        for key in sorted(part, key=str):
            h.update(f"{key}=".encode())
            _feed(h, part[key])
    elif isinstance(part, np.ndarray) and part.dtype != object:
        h.update(f"{part.dtype}{part.shape}".encode() + np.ascontiguousarray(part).tobytes())
    elif isinstance(part, np.ndarray | list | tuple):
        h.update(f"[{len(part)}]".encode())
        for value in part:
            _feed(h, value)
    else:
        h.update(f"{type(part).__name__}:{part!r};".encode())
