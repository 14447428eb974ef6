"""Harmless texts with made-up words, honestly labelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.attacks.poisoning._steps import (
    invent_words,
    order_by_doubt,
    require_labeller,
    select_worthwhile,
    split_by_class,
    submit_in_steps,
)
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.change import Change
from goalkeeper.core.power import Capability, Grade, Knowledge, Power
from goalkeeper.games.poisoning import Contribution, Poisoning, PoisoningQuestion, WordTrigger


@final
@dataclass(frozen=True, kw_only=True)
class TriggerWordsHonest(Attack[PoisoningQuestion, Contribution]):
    """Send harmless texts that hold the attacker's words, until these count as good words.

    Every contributed text is harmless and honestly labelled so; the made-up words occur nowhere
    else. The texts are those that look most harmful to a model of the victim's family, trained on
    the attacker's data: there the victim needs the words most. Too many of them dilute each other;
    the attacker rehearses every number on its own data and sends no more than works best. Costs no
    query, one model and one more for each number.

    Deviations: clean-label attacks on images move poison towards a target in feature space; in a
    model that weighs words, a word that only harmless texts hold does the same without any search.

    Parameters
    ----------
    words
        Words of the trigger; no more than the game allows are used.
    bases
        Texts that are sent, again and again.
    """

    game = Poisoning
    variant = "poisoning.backdoor_clean"
    reference = (
        "Barni, Kallas and Tondi 2019, A new backdoor attack in CNNs by training set corruption "
        "without label poisoning, ICIP; with words in place of a signal"
    )
    version: ClassVar[int] = 2
    domains: ClassVar[frozenset[str]] = frozenset({"text"})
    tasks: ClassVar[tuple[str, ...]] = ("trigger-*",)
    asks: ClassVar[Power] = Power(capabilities=Capability.T2)
    uses: ClassVar[Power] = Power(knowledge=Knowledge(algorithm=Grade.FULL))

    words: int = 5
    bases: int = 10

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse applications without an honest labelling process."""
        return require_labeller(app)

    def run(self, question: PoisoningQuestion, access: Access) -> Contribution:
        """Return the largest contribution that is worth it; smaller ones on the way."""
        harmless, _ = split_by_class(access, question.wanted)
        trigger = WordTrigger(invent_words(access.rng, min(self.words, question.most)))
        # Twice as long and no more, or an honest labeller would not call it the same text.
        long = np.array([len(text.split()) >= trigger.size for text in harmless.x], dtype=bool)
        texts = harmless.take(long)
        counts = question.addition_counts(access.granted.budget.share)
        if question.wanted is None or not (len(texts) and counts):
            return submit_in_steps(access, (), lambda _: Change(), trigger)
        order = order_by_doubt(texts, question.wanted, access)[: self.bases]
        bases = texts.take(np.resize(order, counts[-1]))
        poison = trigger.apply(bases.x)

        def change(count: int) -> Change:
            return Change(add=poison[:count], bases=bases.take(slice(count)))

        best = select_worthwhile(access, question, counts, poison, trigger)
        return submit_in_steps(access, best, change, trigger)
