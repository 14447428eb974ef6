"""Find good words by asking: a black box that only says pass or decline."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import ClassVar, final

from goalkeeper.attacks.evasion._words import Case, Talk, WordAttack, public_words
from goalkeeper.core.access import Access
from goalkeeper.core.power import Budget, Power, View
from goalkeeper.games.evasion import Question

Words = Generator[list[str], list[bool], list[str]]
AT_ONCE = 16  # batches asked in one step


@final
@dataclass(frozen=True, kw_only=True)
class GoodWordsFromLabels(WordAttack):
    """Append blocks of common words until the answer turns, then drop all words not needed.

    The blocks double. Where none turns the answer, the message is cut down until it is barely
    answered as before; words are tested on that remainder in small batches, and those that turn
    its answer are appended to the whole message. Costs about 7 queries to a first success, or
    about 100 where words must be tested, and about twice the number of words left over for
    dropping the others.

    Deviations: candidates come from a public word list and are tested in batches; the barely
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

    variant = "evasion.good_words"
    reference = "Lowd, Meek 2005, Good word attacks on statistical spam filters, CEAS"
    asks = Power(view=View.LABELS, budget=Budget(queries=10))
    most = Budget(queries=2000)
    refines: ClassVar[bool] = True
    first_block: int = 50
    batch: int = 8
    tested: int = 600

    def talks(self, question: Question, access: Access) -> Callable[[Case], Talk]:
        """Talk about one text after the other, with words in an order of its own."""

        def talk(case: Case) -> Talk:
            words = _mixed(public_words(access, case.wanted), case)
            turning = yield from self._grown(case, words)
            if not turning:
                words = yield from self._tested(case, words[: self.tested])
                turning = yield from self._grown(case, words)
            if turning:
                turning = yield from _halved(case, turning)
                yield from _dropped(case, turning)

        return talk

    def _grown(self, case: Case, words: list[str]) -> Words:
        """Append twice as many words each time; return those that turned the answer, if any."""
        size = self.first_block
        while words:
            (reached,) = yield [case.plus(words[:size])]
            if reached:
                return words[:size]
            if size >= len(words):
                break
            size *= 2
        return []

    def _tested(self, case: Case, words: list[str]) -> Words:
        """Test batches on a barely declined remainder; return the good ones, several times."""
        rest = yield from _bare(case)
        batches = [words[i : i + self.batch] for i in range(0, len(words), self.batch)]
        good: list[str] = []
        for i in range(0, len(batches), AT_ONCE):
            some = batches[i : i + AT_ONCE]
            reached = yield [f"{rest}\n{' '.join(batch)}" for batch in some]
            good += [w for batch, hit in zip(some, reached, strict=True) if hit for w in batch]
        return (good * (case.limits.most_words // max(1, len(good)) + 1))[: case.limits.most_words]


def _mixed(words: list[str], case: Case) -> list[str]:
    """Shuffle words among their hundred neighbours, so that the commonest still come first."""
    blocks = [words[i : i + 100] for i in range(0, len(words), 100)]
    return [str(word) for block in blocks for word in case.rng.permutation(block)]


def _bare(case: Case) -> Generator[list[str], list[bool], str]:
    """Bisect for the shortest beginning of the text that is still answered as the whole."""
    own = case.text.split()
    low, high = 0, len(own)
    while high - low > 1:
        middle = (low + high) // 2
        (turned,) = yield [" ".join(own[:middle])]
        low, high = (middle, high) if turned else (low, middle)
    return " ".join(own[:high])


def _halved(case: Case, words: list[str]) -> Words:
    """Bisect for a short beginning of the words that still turns the answer."""
    low, high = 0, len(words)
    while high - low > 1:
        middle = (low + high) // 2
        (reached,) = yield [case.plus(words[:middle])]
        low, high = (low, middle) if reached else (middle, high)
    return words[:high]


def _dropped(case: Case, words: list[str]) -> Talk:
    """Drop blocks of words, half as long each round, as long as the answer stays turned."""
    block = len(words) // 2
    while block:
        start = 0
        while start < len(words):
            fewer = [*words[:start], *words[start + block :]]
            (reached,) = yield [case.plus(fewer)]
            words, start = (fewer, start) if reached else (words, start + block)
        block //= 2
