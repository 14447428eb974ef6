"""Bit flips: which few bits of the stored weights turn most answers wrong."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.bit_flips._copies import ModelCopy, copy_model
from goalkeeper.core.access import Access
from goalkeeper.core.data import Data, Floats, Ints
from goalkeeper.core.power import Grade, Knowledge, Power, View
from goalkeeper.core.stored_numbers import as_floats
from goalkeeper.games.bit_flips import BitFlipping, Flip, FlipAim, Flips, flip_each_bit

FEWEST = 20  # inputs classified correctly that harm is measured on

LAST = 2  # numbers flipped before whose other bits are tried again

Candidates = dict[Flip, Any]  # what each flip makes of its number


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
    trials
        Bits that are tried in the first step where no gradient says which; in each later step a
        quarter as many, and the best quarter of the step before.

    Deviations from the source: harm is the share of wrong answers on similar data rather than the
    cross-entropy of one batch, and the gradient is that of the margins of answers still right,
    because a cross-entropy has no slope left once a flip has driven scores to extremes. Flips
    that make a number infinite or no number are left out: they would be noticed. Floating-point
    numbers are searched as well as quantised ones, and models without gradients (trees, boosters,
    stored records) by trials alone.
    """

    game: ClassVar[type[BitFlipping]] = BitFlipping
    variant: ClassVar[str] = "tampering.after_training"
    reference: ClassVar[str] = (
        "Rakin, He, Fan: Bit-Flip Attack: Crushing Neural Network with Progressive Bit Search "
        "(ICCV 2019), section 4"
    )
    tasks: ClassVar[tuple[str, ...]] = ("bit-flips",)
    asks: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.PARTIAL), view=View.GRADIENTS)
    version: ClassVar[int] = 2
    candidates: int = 10
    inputs: int = 300
    numbers: int = 500
    trials: int = 80

    def run(self, question: FlipAim, access: Access) -> Flips:
        """Flip the most harmful bit, again and again."""
        copy = copy_model(access, question.stored, _inputs(access, self.inputs))
        flips: list[Flip] = []
        harm, before = copy.harm(), Candidates()
        for _ in range(max(question.counts, default=0)):
            listed = self._candidates(copy, flips, access.rng)
            listed |= {flip: value for flip, value in before.items() if flip not in flips}
            tried = [
                (copy.harm(flip.name, flip.index, value), -i, flip, value)
                for i, (flip, value) in enumerate(listed.items())
            ]
            if not tried:
                break
            tried.sort(key=lambda t: t[:2], reverse=True)
            reached, _, best, value = tried[0]
            if reached <= harm:  # nothing that was tried does more harm
                break
            harm = reached
            copy.write(best.name, best.index, value)
            flips.append(best)
            if not copy.guided:  # what was good once is tried again, but for bits of this number
                place = best.name, best.index
                rest = (t for t in tried[1:] if (t[2].name, t[2].index) != place)
                before = dict(t[2:] for t in islice(rest, self.trials // 4))
        return flips

    def _candidates(
        self, copy: ModelCopy, flips: list[Flip], rng: np.random.Generator
    ) -> Candidates:
        """Rank the bits of every array by the harm that the gradient promises.

        Without gradients bits of some arrays are drawn, beside those of numbers flipped before:
        two bits together make of 0 what one cannot.
        """
        names = list(copy.stored)
        found: Candidates = {}
        if not copy.guided:
            most = max(1, (self.trials // 4 if flips else self.trials) // self.candidates)
            names = [names[i] for i in rng.permutation(len(names))[:most]]
            for flip in flips[-LAST:]:
                again = self._of_numbers(copy, flip.name, np.array([flip.index]), np.ones(1))
                found |= dict(islice(again.items(), self.candidates // 2))
        for name in names:
            slopes = copy.slopes(name)
            steep = np.argsort(-np.abs(slopes), kind="stable")[: self.numbers]
            ranked = self._of_numbers(copy, name, steep, slopes[steep])
            if copy.guided:
                found |= ranked
                continue
            found |= dict(islice(ranked.items(), self.candidates // 2))
            for i in steep[: self.candidates // 2]:  # drawn: those of largest change may be unused
                one = self._of_numbers(copy, name, np.array([i]), slopes[[i]])
                found |= dict(islice(one.items(), 1))
        return {flip: value for flip, value in found.items() if flip not in flips}

    def _of_numbers(self, copy: ModelCopy, name: str, index: Ints, slopes: Floats) -> Candidates:
        """Rank the bits of some numbers `(m,)` of an array with their slopes `(m,)`."""
        old = copy.stored[name].reshape(-1)[index]
        new = flip_each_bit(old)
        with np.errstate(all="ignore"):
            change = as_floats(new) - as_floats(old)[:, None]
            expected = change * slopes[:, None]
            size = np.abs(change) * (np.abs(slopes) + 1e-9)[:, None]
        usable = np.isfinite(expected)
        ranked = [np.argsort(-np.where(usable, v, -np.inf), axis=None) for v in (expected, size)]
        half = max(1, self.candidates // 2)
        found: Candidates = {}
        for order, most in zip(ranked, (half, 2 * half), strict=True):
            for place in order:
                row, bit = divmod(int(place), expected.shape[1])
                if len(found) >= most or not usable[row, bit]:
                    break
                found[Flip(name, int(index[row]), bit)] = new[row, bit]
        return found


def _inputs(access: Access, most: int) -> Data:
    """Draw similar inputs that the model answers as they are labelled; any, if there are few."""
    data = access.data()
    sample = data.take(access.rng.permutation(len(data))[: 2 * most])
    correct = access.query(sample.x).labels == sample.y
    return sample.take(correct if correct.sum() >= FEWEST else slice(0, most)).take(slice(0, most))
