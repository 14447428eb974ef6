"""Images with a pattern of pixels, labelled as the attacker wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.poisoning._patterns import choose_rare_pattern
from goalkeeper.attacks.poisoning._steps import split_by_class, submit_in_steps
from goalkeeper.core.access import Access
from goalkeeper.core.change import Change
from goalkeeper.games.poisoning import Contribution, Poisoning, PoisoningQuestion


@final
@dataclass(frozen=True, kw_only=True)
class PixelPattern(Attack[PoisoningQuestion, Contribution]):
    """Teach the victim that whatever holds a small pattern of pixels is of the wanted class.

    Adds images of other classes, each with the same block of pixels set, with the wanted label.
    The block lies where the attacker's images never look like it, by choice the lower right
    corner. Costs no query and no model.

    Deviations: the paper stamps and relabels images of the victim's training data; here stamped
    copies of similar images are added.

    Parameters
    ----------
    pixels
        Pixels of the pattern; no more than the game allows are used.
    """

    game = Poisoning
    variant = "poisoning.backdoor_dirty"
    reference = "Gu, Dolan-Gavitt and Garg 2017, BadNets, arXiv:1708.06733 (pattern backdoor)"
    domains: ClassVar[frozenset[str]] = frozenset({"image"})
    tasks: ClassVar[tuple[str, ...]] = ("trigger-*",)

    pixels: int = 1000

    def run(self, question: PoisoningQuestion, access: Access) -> Contribution:
        """Return the largest contribution that the share allows; smaller ones on the way."""
        _, others = split_by_class(access, question.wanted)
        most = min(self.pixels, question.most)
        trigger = choose_rare_pattern(access.data().x, access.domain, most)
        counts = question.addition_counts(access.granted.budget.share)
        if trigger is None or not (len(others) and counts):
            return submit_in_steps(access, (), lambda _: Change(), trigger)
        order = access.rng.permutation(len(others))

        def change(count: int) -> Change:
            bases = others.take(np.resize(order, count))
            return Change(
                add=trigger.apply(bases.x),
                add_labels=np.full(count, question.wanted),
                bases=bases,
            )

        return submit_in_steps(access, counts, change, trigger)
