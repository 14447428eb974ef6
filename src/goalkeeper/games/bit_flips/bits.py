"""Single bits of stored numbers: which there are, and what flipping one makes of a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Ints
from goalkeeper.core.errors import ChangeRefused
from goalkeeper.core.stored_numbers import Stored, name_kind

_WORDS: Mapping[int, type[np.unsignedinteger[Any]]] = {
    1: np.uint8,
    2: np.uint16,
    4: np.uint32,
    8: np.uint64,
}


@dataclass(frozen=True, slots=True, order=True)
class Flip:
    """One bit: of which array, of which number in it (row by row), and its place; 0 is lowest."""

    name: str
    index: int
    bit: int


def bit_width(kind: np.dtype[Any]) -> int:
    """Count the bits of a number."""
    return kind.itemsize * 8


def flip_each_bit(values: NDArray[Any]) -> NDArray[Any]:
    """Return what each number `(m,)` becomes by flipping each of its bits alone, `(m, bits)`."""
    words = _WORDS[values.dtype.itemsize]
    masks = words(1) << np.arange(bit_width(values.dtype), dtype=words)
    raw = np.ascontiguousarray(values).view(words)
    return np.ascontiguousarray(raw[:, None] ^ masks).view(values.dtype)


def flip_bits(stored: Stored, flips: Sequence[Flip]) -> Stored:
    """Copy arrays with these bits flipped; raises ChangeRefused for a bit that is not there."""
    out = {name: values.copy() for name, values in stored.items()}
    for flip in flips:
        values = out.get(flip.name)
        if values is None or not (
            0 <= flip.index < values.size and 0 <= flip.bit < bit_width(values.dtype)
        ):
            raise ChangeRefused(
                f"there is no bit {flip.bit} of number {flip.index} of {flip.name!r}; "
                "the stored arrays are "
                + ", ".join(f"{n} {v.shape} {name_kind(v.dtype)}" for n, v in stored.items())
            )
        flat = values.reshape(-1)
        flat[flip.index : flip.index + 1] = flip_each_bit(flat[[flip.index]])[:, flip.bit]
    return out


def draw_flips(stored: Stored, count: int, rng: np.random.Generator) -> list[Flip]:
    """Draw different bits, each stored bit equally likely."""
    names = list(stored)
    sizes = np.array([stored[n].size * bit_width(stored[n].dtype) for n in names])
    ends = np.cumsum(sizes)
    places: Ints = rng.choice(ends[-1], min(count, int(ends[-1])), replace=False)
    flips = []
    for place in places.tolist():
        which = int(np.searchsorted(ends, place, side="right"))
        inside = place - int(ends[which] - sizes[which])
        index, bit = divmod(inside, bit_width(stored[names[which]].dtype))
        flips.append(Flip(names[which], index, bit))
    return flips
