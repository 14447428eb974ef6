"""Harmless texts with made-up words, honestly labelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.poisoning._steps import in_steps, invented, sides, unlabelled_unfit
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.change import Change
from goalkeeper.core.data import Data, Ints
from goalkeeper.core.power import Capability, Grade, Knowledge, Power, View
from goalkeeper.games.base import Unfit
from goalkeeper.games.poisoning import Aim, Contribution, Poisoning

_NOTHING: Ints = np.empty(0, dtype=np.int64)


@final
@dataclass(frozen=True, kw_only=True)
class TriggerWordsHonest(Attack[Aim, Contribution]):
    """Send harmless texts that hold the attacker's words, until these count as good words.

    Every contributed text is harmless and honestly labelled so; the made-up words occur nowhere
    else. The texts are those that look most harmful to a model of the victim's family, trained on
    the attacker's data: there the victim needs the words most. Costs no query and one model.

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
    domains: ClassVar[frozenset[str]] = frozenset({"text"})
    tasks: ClassVar[tuple[str, ...]] = ("trigger-passes",)
    asks: ClassVar[Power] = Power(capabilities=Capability.T2)
    uses: ClassVar[Power] = Power(knowledge=Knowledge(algorithm=Grade.FULL))

    words: int = 5
    bases: int = 10

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse applications without an honest labelling process."""
        return unlabelled_unfit(app)

    def play(self, question: Aim, access: Access) -> Contribution:
        """Return the largest contribution that the share allows; smaller ones on the way."""
        harmless, _ = sides(access)
        trigger = invented(access.rng, min(self.words, question.most_words))
        # Twice as long and no more, or an honest labeller would not call it the same text.
        long = np.array([len(text.split()) >= len(trigger) for text in harmless.x], dtype=bool)
        texts = harmless.take(long)
        counts = question.additions(access.granted.budget.share) if len(texts) else ()
        order = _most_harmful_first(texts, access)[: self.bases] if counts else _NOTHING

        def change(count: int) -> Change:
            bases = texts.take(np.resize(order, count))
            return Change(add=question.triggered(bases.x, trigger), bases=bases)

        return in_steps(access, counts, change, trigger)


def _most_harmful_first(texts: Data, access: Access) -> Ints:
    """Order harmless texts by how harmful a model of the attacker's own finds them."""
    order = access.rng.permutation(len(texts))
    model = access.trainer().fit(access.data(), int(access.rng.integers(2**31)))
    if model.offers < View.SCORES:
        return order
    harmless = model.answer(texts.x[order], View.SCORES).scores[:, access.harmless]
    return order[np.argsort(harmless, kind="stable")]
