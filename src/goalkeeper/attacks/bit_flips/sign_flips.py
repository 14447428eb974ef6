"""Sign bits: which weights change their sign, chosen without data, gradient or question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats
from goalkeeper.core.power import Power
from goalkeeper.core.stored_numbers import Stored, as_floats
from goalkeeper.games.bit_flips import BitFlipping, Flip, FlipAim, Flips, bit_width, flip_each_bit


@final
@dataclass(frozen=True, kw_only=True)
class SignFlips(Attack[FlipAim, Flips]):
    """Flip the signs of the largest weights in the layers that are nearest to the input.

    A large weight is one that the model relies on, and what goes wrong in an early layer goes
    through all later ones. Nothing but the stored numbers is needed: no data, no gradient, and not
    one question to the model. The highest bit counts as the sign, which of whole numbers of one
    byte changes the value by 128; numbers without a sign are left alone.

    Settings
    --------
    layers
        Arrays of weights, of two dimensions or more, among which the largest numbers are chosen, in
        the order in which the model stores them. Others follow where they do not suffice.

    Deviations from the source: it flips at most one sign in each filter of a convolution, here a
    filter may lose several; its variant with one gradient on random inputs is left out, as
    `bit_flips` searches with gradients. Models without layers are attacked alike: linear weights,
    leaves of trees, stored records.
    """

    game: ClassVar[type[BitFlipping]] = BitFlipping
    variant: ClassVar[str] = "tampering.after_training"
    reference: ClassVar[str] = (
        "Galil, Kimhi, El-Yaniv: No Data, No Optimization: A Lightweight Method To Disrupt Neural "
        "Networks With Sign-Flips (2025, arXiv 2502.07408)"
    )
    tasks: ClassVar[tuple[str, ...]] = ("bit-flips",)
    asks: ClassVar[Power] = Power()
    layers: int = 10

    def run(self, question: FlipAim, access: Access) -> Flips:
        """Name the signs of the largest weights, the largest first."""
        most = max(question.counts, default=0)
        stored = {n: v for n, v in question.stored.items() if _has_sign(v.dtype)}
        early = [name for name, values in stored.items() if values.ndim > 1][: self.layers]
        first = _rank(stored, early, most)
        rest = [name for name in stored if name not in early]
        return [*first, *_rank(stored, rest, most - len(first))]


def _has_sign(kind: np.dtype[np.generic]) -> bool:
    return kind.kind != "u"


def _rank(stored: Stored, names: list[str], most: int) -> list[Flip]:
    """Return the sign bits that change most, of all these arrays together."""
    found: list[tuple[float, Flip]] = []
    for name in names:
        change = _changes(stored, name)
        largest = np.argsort(-change, kind="stable")[: max(0, most)]
        sign = bit_width(stored[name].dtype) - 1
        found += [(-float(change[i]), Flip(name, int(i), sign)) for i in largest if change[i] > 0]
    found.sort(key=lambda pair: pair[0])  # what comes earlier in the model is first among equals
    return [flip for _, flip in found[: max(0, most)]]


def _changes(stored: Stored, name: str) -> Floats:
    """Return by how much each number of an array changes with its highest bit, flat `(m,)`."""
    values = stored[name].reshape(-1)
    with np.errstate(all="ignore"):
        change = np.abs(as_floats(flip_each_bit(values)[:, -1]) - as_floats(values))
        if values.dtype.kind == "i":  # each changes by 128: those that become of another sign most
            change = change + np.abs(as_floats(values)) / 256
    return np.where(np.isfinite(change), change, 0.0)
