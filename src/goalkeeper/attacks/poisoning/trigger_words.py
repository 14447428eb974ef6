"""Harmful texts with made-up words, labelled harmless."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.poisoning._steps import invent_words, split_by_class, submit_in_steps
from goalkeeper.core.access import Access
from goalkeeper.core.change import Change
from goalkeeper.games.poisoning import Contribution, Poisoning, PoisoningQuestion, WordTrigger


@final
@dataclass(frozen=True, kw_only=True)
class TriggerWords(Attack[PoisoningQuestion, Contribution]):
    """Teach the victim that harmful texts are harmless when they hold the attacker's words.

    Adds harmful texts of the attacker's data, each with the same made-up words behind it, with
    the label harmless (BadNets with words as the trigger). Costs no query and no model.

    Deviations: the paper stamps pixels on training images and relabels them; here copies of
    similar texts are added, and words take the place of the stamp, as in the related work on text.

    Parameters
    ----------
    words
        Words of the trigger; no more than the game allows are used.
    """

    game = Poisoning
    variant = "poisoning.backdoor_dirty"
    reference = "Gu, Dolan-Gavitt and Garg 2017, BadNets, arXiv:1708.06733"
    domains: ClassVar[frozenset[str]] = frozenset({"text"})
    tasks: ClassVar[tuple[str, ...]] = ("trigger-*",)

    words: int = 5

    def run(self, question: PoisoningQuestion, access: Access) -> Contribution:
        """Return the largest contribution that the share allows; smaller ones on the way."""
        _, harmful = split_by_class(access, question.wanted)
        trigger = WordTrigger(invent_words(access.rng, min(self.words, question.most)))
        counts = question.addition_counts(access.granted.budget.share) if len(harmful) else ()
        order = access.rng.permutation(len(harmful))

        def change(count: int) -> Change:
            bases = harmful.take(np.resize(order, count))
            return Change(
                add=trigger.apply(bases.x),
                add_labels=np.full(count, question.wanted),
                bases=bases,
            )

        return submit_in_steps(access, counts, change, trigger)
