"""Find good words by asking: a black box that only says pass or decline."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import ClassVar, final

from goalkeeper.attacks.evasion._query_plans import QueryPlan, Reply
from goalkeeper.attacks.evasion._words import Candidates, TextItem, WordAttack
from goalkeeper.core.access import Access
from goalkeeper.core.power import Budget, Grade, Knowledge, Power, View
from goalkeeper.games.evasion import EvasionQuestion

WordSearch = Generator[list[str], Reply, list[str]]
BATCHES_AT_ONCE = 16  # asked in one step


@final
@dataclass(frozen=True, kw_only=True)
class GoodWordsFromLabels(WordAttack):
    """Append blocks of common words until the answer flips, then drop all words not needed.

    The blocks double. Where none flips the answer, the message is shortened until it is barely
    answered as before; words are tested on that remainder in small batches, and those that flip
    its answer are appended to the whole message. Costs about 7 queries to a first success, or
    about 100 where words must be tested, and about twice the number of words left over for
    dropping the others.

    Candidates are words typical of the wanted class in similar data, where the attacker has any,
    then a public list in the language of the texts, else the words of the texts themselves, and
    last all other words of such data.

    Deviations: candidates come from word lists and are tested in batches; the barely
    declined message is a part of the message itself and not a mixture with a legitimate one; and
    words are dropped one by one instead of ranked (best-n).

    Parameters
    ----------
    first_block
        Words of the first block.
    batch
        Words tested together on the barely declined message.
    tested
        Words tested at most.
    """

    version = 3
    variant = "evasion.good_words"
    reference = "Lowd, Meek 2005, Good word attacks on statistical spam filters, CEAS"
    uses = Power(knowledge=Knowledge(data=Grade.PARTIAL))
    asks = Power(view=View.LABELS, budget=Budget(queries=10))
    most = Budget(queries=2000)
    refines: ClassVar[bool] = True
    first_block: int = 50
    batch: int = 8
    tested: int = 600

    def planner(self, question: EvasionQuestion, access: Access) -> Callable[[TextItem], QueryPlan]:
        """Plan for each text, with the words in an order of its own."""
        candidates = Candidates(access, question.x)

        def plan(item: TextItem) -> QueryPlan:
            words = _shuffle_locally(candidates.list_words(item.wanted), item)
            turning = yield from self._find_turning_words(item, words)
            if not turning:
                words = yield from self._test_batches(item, words[: self.tested])
                turning = yield from self._find_turning_words(item, words)
            if turning:
                turning = yield from _shorten(item, turning)
                yield from _drop_needless(item, turning)

        return plan

    def _find_turning_words(self, item: TextItem, words: list[str]) -> WordSearch:
        """Append twice as many words each time; return those that turned the answer, if any.

        Where there are more words than may be added, the later ones are tried without the first.
        """
        size, most = self.first_block, item.constraint.most_words
        while words:
            reply = yield [item.plus(words[:size])]
            if reply.reached[0]:
                return words[:size]
            if size >= min(len(words), most):
                break
            size *= 2
        for start in range(most, len(words), most) if most else ():
            later = words[start : start + most]
            reply = yield [item.plus(later)]
            if reply.reached[0]:
                return later
        return []

    def _test_batches(self, item: TextItem, words: list[str]) -> WordSearch:
        """Test batches on a barely declined remainder; return the good ones, several times."""
        rest = yield from _find_barely_declined(item)
        batches = [words[i : i + self.batch] for i in range(0, len(words), self.batch)]
        good: list[str] = []
        for i in range(0, len(batches), BATCHES_AT_ONCE):
            block = batches[i : i + BATCHES_AT_ONCE]
            reply = yield [f"{rest}\n{' '.join(batch)}" for batch in block]
            hits = zip(block, reply.reached, strict=True)
            good += [word for batch, hit in hits if hit for word in batch]
        return (good * (item.constraint.most_words // max(1, len(good)) + 1))[
            : item.constraint.most_words
        ]


def _shuffle_locally(words: list[str], item: TextItem) -> list[str]:
    """Shuffle words among their hundred neighbours, so that the commonest still come first."""
    blocks = [words[i : i + 100] for i in range(0, len(words), 100)]
    return [str(word) for block in blocks for word in item.rng.permutation(block)]


def _find_barely_declined(item: TextItem) -> Generator[list[str], Reply, str]:
    """Bisect for the shortest beginning of the text that is still answered as the whole."""
    words, between = item.split()
    low, high = 0, len(words)
    while high - low > 1:
        middle = (low + high) // 2
        reply = yield [between.join(words[:middle])]
        low, high = (middle, high) if reply.reached[0] else (low, middle)
    return between.join(words[:high])


def _shorten(item: TextItem, words: list[str]) -> WordSearch:
    """Bisect for a short beginning of the words that still turns the answer."""
    low, high = 0, len(words)
    while high - low > 1:
        middle = (low + high) // 2
        reply = yield [item.plus(words[:middle])]
        low, high = (low, middle) if reply.reached[0] else (middle, high)
    return words[:high]


def _drop_needless(item: TextItem, words: list[str]) -> QueryPlan:
    """Drop blocks of words, half as long each round, as long as the answer stays turned."""
    block = len(words) // 2
    while block:
        start = 0
        while start < len(words):
            fewer = [*words[:start], *words[start + block :]]
            reply = yield [item.plus(fewer)]
            words, start = (fewer, start) if reply.reached[0] else (words, start + block)
        block //= 2
