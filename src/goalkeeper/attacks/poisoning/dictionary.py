"""Spam that is full of the words of ordinary mail."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.attacks.poisoning._steps import require_labeller, split_by_class, submit_in_steps
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.change import Change
from goalkeeper.core.data import Data, Inputs
from goalkeeper.core.text import terms, texts
from goalkeeper.games.poisoning import Contribution, Poisoning, PoisoningQuestion


@final
@dataclass(frozen=True, kw_only=True)
class Dictionary(Attack[PoisoningQuestion, Contribution]):
    """Send harmful messages full of words of ordinary mail; the victim learns these as harmful.

    Each message is a short harmful one of the attacker's data, whole, followed by words drawn
    from its harmless messages as often as they occur there. It is honestly labelled harmful.
    Costs no query and no model.

    Deviations: the paper sends every word of a dictionary once in every message. Words drawn by
    frequency do as much to filters that look at single words (SpamBayes) and far more to naive
    Bayes, which divides by the length of all messages; the paper's own informed variants choose
    by frequency as well. The bases keep their content, so that the label is beyond doubt.

    Parameters
    ----------
    words
        Words added to each message, as many as fit.
    shortest
        Share of the harmful messages, shortest first, that serve as bases.
    """

    game = Poisoning
    variant = "poisoning.insert_unlabelled"
    reference = "Nelson et al. 2008, Exploiting machine learning to subvert your spam filter, LEET"
    domains: ClassVar[frozenset[str]] = frozenset({"text"})
    tasks: ClassVar[tuple[str, ...]] = ("harmless-declined",)

    words: int = 1000
    shortest: float = 0.2

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse applications without an honest labelling process."""
        return require_labeller(app)

    def run(self, question: PoisoningQuestion, access: Access) -> Contribution:
        """Return the largest contribution that the share allows; smaller ones on the way."""
        harmless, harmful = split_by_class(access)
        counts = question.addition_counts(access.granted.budget.share)
        if not (len(harmless) and len(harmful) and counts):
            return submit_in_steps(access, (), lambda _: Change())
        bases = self._choose_bases(harmful, counts[-1])
        messages = self._stuff_words(bases.x, harmless.x, access)

        def change(count: int) -> Change:
            return Change(add=messages[:count], bases=bases.take(slice(count)))

        return submit_in_steps(access, counts, change)

    def _choose_bases(self, harmful: Data, count: int) -> Data:
        order = np.argsort([len(text) for text in harmful.x], kind="stable")
        short = order[: max(1, int(self.shortest * len(order)))]
        return harmful.take(np.resize(short, count))

    def _stuff_words(self, bases: Inputs, ordinary: Inputs, access: Access) -> Inputs:
        """Put words behind each base `(m,)`, drawn like those of ordinary texts."""
        counted = Counter(word for text in ordinary for word in terms(text))
        if not counted:
            return bases
        words = np.array(list(counted), dtype=object)
        chance = np.array(list(counted.values()), dtype=np.float64)
        drawn = access.rng.choice(len(words), (len(bases), self.words), p=chance / chance.sum())
        longest = getattr(access.domain, "max_chars", 0)
        return texts(
            _append_fitting(base, words[row].tolist(), longest)
            for base, row in zip(bases, drawn, strict=True)
        )


def _append_fitting(base: str, words: list[str], longest: int) -> str:
    """Add words while they fit."""
    ends = len(base) + np.cumsum([len(word) + 1 for word in words])
    fitting = words[: int(np.searchsorted(ends, longest, side="right"))]
    return " ".join([base, *fitting])
