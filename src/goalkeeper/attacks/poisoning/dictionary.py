"""Spam that is full of the words of ordinary mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.attacks.poisoning._steps import (
    rehearse_damage,
    require_labeller,
    split_by_class,
    submit_in_steps,
)
from goalkeeper.attacks.poisoning._words import WordBook
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.change import Change
from goalkeeper.core.data import Data, Inputs
from goalkeeper.core.power import Grade, Knowledge, Power
from goalkeeper.core.text import texts
from goalkeeper.games.poisoning import Contribution, Poisoning, PoisoningQuestion

BOTH, WHOLE, DRAWN = "both", "whole", "drawn"
EVERY = 4  # of these messages one has frequent words, where both are sent


@final
@dataclass(frozen=True, kw_only=True)
class Dictionary(Attack[PoisoningQuestion, Contribution]):
    """Send harmful messages full of words of ordinary mail; the victim learns these as harmful.

    Each message is a short harmful one of the attacker's data, whole, followed by words. It is
    honestly labelled harmful. There are two ways to choose the words. The whole dictionary: every
    word that the attacker knows, once a message; where not all of them fit, a word is left out of
    some messages, those first that do least (see `WordBook.spread`). Frequent words: drawn from the
    harmless messages as often as they occur there, again and again until a message is full.

    Which does more depends on the victim. With 1 % of poison the whole dictionary cost a
    SpamBayes-like learner (Robinson's word odds, Fisher's method, cutoff 0.9) 52 % of Enron ham,
    frequent words 21 %; but naive Bayes, which divides by the length of all messages, lost 1 % and
    19 %. An attacker who knows the algorithm, or one of its family, tries both, and three messages
    with the dictionary to one with frequent words, on models of its own, and sends what declines
    most of its harmless messages. Any other sends three to one. Costs no query; three models with
    the algorithm.

    Deviations: the paper's attacker has one dictionary of up to 90,000 words and no limit of
    length. Here its words are those of its own data, and a message is as long as the application
    takes. The bases keep their content, so that the label is beyond doubt.

    Parameters
    ----------
    chars
        Characters of all messages together, at most: what a victim has to read in training.
    shortest
        Share of the harmful messages, shortest first, that serve as bases.
    """

    game = Poisoning
    variant = "poisoning.insert_unlabelled"
    reference = "Nelson et al. 2008, Exploiting machine learning to subvert your spam filter, LEET"
    version: ClassVar[int] = 2
    domains: ClassVar[frozenset[str]] = frozenset({"text"})
    tasks: ClassVar[tuple[str, ...]] = ("harmless-declined",)
    uses: ClassVar[Power] = Power(knowledge=Knowledge(algorithm=Grade.FULL))

    chars: int = 10_000_000
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
        way = self._choose_way(question, access, counts[-1])
        book = WordBook.read(harmless.x, harmful.x, question.rows)

        def change(count: int) -> Change:
            chosen = bases.take(slice(count))
            return Change(add=self._stuff(chosen.x, book, way, access), bases=chosen)

        return submit_in_steps(access, counts, change)

    def _choose_bases(self, harmful: Data, count: int) -> Data:
        order = np.argsort([len(text) for text in harmful.x], kind="stable")
        short = order[: max(1, int(self.shortest * len(order)))]
        return harmful.take(np.resize(short, count))

    def _choose_way(self, question: PoisoningQuestion, access: Access, count: int) -> str:
        """Rehearse all ways where the attacker can train models like the victim's."""
        ways = (BOTH, WHOLE, DRAWN)
        if access.granted.knowledge.algorithm is Grade.NONE:
            return BOTH

        def poison(known: Data, number: int) -> Sequence[Data]:
            ours = known.y == access.harmless
            bases = self._choose_bases(known.take(~ours), number)
            book = WordBook.read(known.x[ours], known.x[~ours], len(known))
            return [Data(x=self._stuff(bases.x, book, way, access), y=bases.y) for way in ways]

        lost = rehearse_damage(access, count / question.rows, poison)
        return BOTH if lost is None else ways[int(np.argmax(lost))]

    def _stuff(self, bases: Inputs, book: WordBook, way: str, access: Access) -> Inputs:
        """Put words behind each base `(m,)`."""
        longest = min(int(getattr(access.domain, "max_chars", 0)), self.chars // len(bases))
        room = longest - max(len(base) for base in bases)
        if not book.words or room < 1:
            return bases
        drawn = np.full(len(bases), way == DRAWN)
        if way == BOTH:
            drawn[EVERY - 1 :: EVERY] = True
        whole = iter(book.spread(int((~drawn).sum()), room))
        frequent = book.draw(int(drawn.sum()), room, access.rng)
        behind = (next(frequent if often else whole) for often in drawn)
        return texts(
            _append_fitting(base, words, longest) for base, words in zip(bases, behind, strict=True)
        )


def _append_fitting(base: str, words: Sequence[str], longest: int) -> str:
    """Add words while they fit."""
    ends = len(base) + np.cumsum([len(word) + 1 for word in words])
    fitting = words[: int(np.searchsorted(ends, longest, side="right"))]
    return " ".join([base, *fitting])
