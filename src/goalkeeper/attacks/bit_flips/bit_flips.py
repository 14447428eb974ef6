"""Bit flips: which few bits of the stored weights turn most answers wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.bit_flips._copies import ModelCopy, copy_model
from goalkeeper.core.access import Access
from goalkeeper.core.data import Data
from goalkeeper.core.power import Grade, Knowledge, Power, View
from goalkeeper.games.bit_flips import BitFlipping, Flip, FlipAim, Flips, flip_each_bit

FEWEST = 20  # inputs classified correctly that harm is measured on


@final
@dataclass(frozen=True, kw_only=True)
class BitFlips(Attack[FlipAim, Flips]):
    """Search bit by bit: the gradient ranks the bits of each layer, trials choose among them.

    In every step the bits of each stored array are ranked by gradient times change, the best few
    of each array are tried on the attacker's own copy, and the most harmful one is kept. Half of
    them are ranked by size alone: a weight of 1e300 leaves one class only, whatever the gradient
    was before. A bit is never flipped back, which would make the search go in circles.

    Settings
    --------
    candidates
        Bits of each array that are tried in every step.
    inputs
        Similar inputs that harm is measured on, at most.
    numbers
        Numbers of each array whose bits are ranked: those of the steepest gradient.

    Deviations from the source: harm is the share of wrong answers on similar data rather than the
    cross-entropy of one batch, and the gradient is that of the margins of answers still right,
    because a cross-entropy has no slope left once a flip has driven scores to extremes. Flips
    that make a number infinite or no number are left out: they would be noticed. Floating-point
    numbers are searched as well as quantised ones. Bits of linear models are those of the weights
    as they act on inputs, with scalers folded in.
    """

    game: ClassVar[type[BitFlipping]] = BitFlipping
    variant: ClassVar[str] = "tampering.after_training"
    reference: ClassVar[str] = (
        "Rakin, He, Fan: Bit-Flip Attack: Crushing Neural Network with Progressive Bit Search "
        "(ICCV 2019), section 4"
    )
    tasks: ClassVar[tuple[str, ...]] = ("bit-flips",)
    asks: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.PARTIAL), view=View.GRADIENTS)
    candidates: int = 10
    inputs: int = 300
    numbers: int = 500

    def run(self, question: FlipAim, access: Access) -> Flips:
        """Flip the most harmful bit, again and again."""
        copy = copy_model(access, question.stored, _inputs(access, self.inputs))
        flips: list[Flip] = []
        harm = copy.harm()
        for _ in range(max(question.counts, default=0)):
            tried = [
                (copy.harm(flip.name, flip.index, value), -i, flip, value)
                for i, (flip, value) in enumerate(self._candidates(copy, set(flips)))
            ]
            if not tried:
                break
            reached, _, best, value = max(tried, key=lambda t: t[:2])
            if reached <= harm:  # nothing that was tried does more harm
                break
            harm = reached
            copy.write(best.name, best.index, value)
            flips.append(best)
        return flips

    def _candidates(self, copy: ModelCopy, done: set[Flip]) -> list[tuple[Flip, Any]]:
        """Rank the bits of every array by the harm that the gradient promises."""
        return [pair for name in copy.stored for pair in self._of_array(copy, name, done)]

    def _of_array(self, copy: ModelCopy, name: str, done: set[Flip]) -> list[tuple[Flip, Any]]:
        slopes = copy.slopes(name)
        steep = np.argsort(-np.abs(slopes), kind="stable")[: self.numbers]
        old = copy.stored[name].reshape(-1)[steep]
        new = flip_each_bit(old)
        with np.errstate(all="ignore"):
            change = new.astype(np.float64) - old.astype(np.float64)[:, None]
            expected = change * slopes[steep][:, None]
            size = np.abs(change) * (np.abs(slopes[steep]) + 1e-9)[:, None]
        usable = np.isfinite(expected)
        ranked = [np.argsort(-np.where(usable, v, -np.inf), axis=None) for v in (expected, size)]
        half = max(1, self.candidates // 2)
        found: dict[Flip, Any] = {}
        for order, most in zip(ranked, (half, 2 * half), strict=True):
            for place in order:
                row, bit = divmod(int(place), expected.shape[1])
                if len(found) >= most or not usable[row, bit]:
                    break
                flip = Flip(name, int(steep[row]), bit)
                if flip not in done:
                    found[flip] = new[row, bit]
        return list(found.items())


def _inputs(access: Access, most: int) -> Data:
    """Draw similar inputs that the model answers as they are labelled; any, if there are few."""
    data = access.data()
    sample = data.take(access.rng.permutation(len(data))[: 2 * most])
    correct = access.query(sample.x).labels == sample.y
    return sample.take(correct if correct.sum() >= FEWEST else slice(0, most)).take(slice(0, most))
