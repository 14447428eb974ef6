"""Single bits of stored numbers: which there are, and what flipping one makes of a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.application import Target
from goalkeeper.core.data import Ints
from goalkeeper.core.errors import ChangeRefused, GoalkeeperError, NotOffered

Stored = dict[str, NDArray[Any]]
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
                + ", ".join(f"{n} {v.shape} {v.dtype}" for n, v in stored.items())
            )
        flat = values.reshape(-1)
        flat[flip.index : flip.index + 1] = flip_each_bit(flat[[flip.index]])[:, flip.bit]
    return out


def read_stored(target: Target) -> Stored:
    """Copy the stored numbers of a target that can be rewritten one by one, by name.

    A name counts if a number that is written there can be read again.

    Raises
    ------
    NotOffered
        The target has no parameters, or none of them can be rewritten.
    """
    rewrite = getattr(target, "with_parameters", None)
    if rewrite is None:
        raise NotOffered("the stored parameters of this model cannot be rewritten one by one")
    known = target.parameters()
    found: Stored = {}
    for name, value in known.items():
        if not _numbers(value):
            continue
        values = np.array(value, order="C")
        probe = values.copy()
        probe.reshape(-1)[0] = values.reshape(-1)[0] + 1
        try:
            after = rewrite({**known, name: probe}).parameters()[name]
        except GoalkeeperError:
            continue
        if not np.array_equal(np.asarray(after), values):
            found[name] = values
    if not found:
        raise NotOffered("none of this model's stored parameters can be rewritten one by one")
    return found


def _numbers(value: Any) -> bool:
    """Tell whether this is an array of floating-point numbers or of whole numbers of one byte."""
    if not isinstance(value, np.ndarray) or value.size == 0:
        return False
    kind = value.dtype
    return bool((kind.kind == "f" and kind.itemsize <= 8) or kind == np.int8)


def rewrite_target(target: Target, stored: Mapping[str, NDArray[Any]]) -> Target:
    """Return a copy of a target with other stored numbers."""
    changed: Target = target.with_parameters(  # type: ignore[attr-defined]
        {**target.parameters(), **stored}
    )
    return changed


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
