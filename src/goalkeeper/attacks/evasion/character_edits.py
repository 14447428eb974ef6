"""Respell words so that people still read them and the application does not."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import final

from goalkeeper.attacks.evasion._edits import EditAttack, EditItem
from goalkeeper.attacks.evasion._query_plans import QueryPlan, Reply
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.evasion import list_respellings


@final
@dataclass(frozen=True, kw_only=True)
class CharacterEdits(EditAttack):
    """Respell as many words as allowed, then undo what is not needed to flip the answer.

    Words are written with look-alike letters of other scripts, split by an invisible character,
    or mistyped: one way for all chosen words, then the next. First the words that seem to decide
    are chosen: those typical in similar data, if granted, and a public list in the language of
    the texts. Then all, then those that single questions point to, then random halves. Costs up
    to five queries for each choice, up to 70 to find words that decide, and about twice the
    number of respelt words to undo the others. Needs labels only.

    Deviations: the papers rank words by scores, or search with a genetic algorithm; here words are
    tested on a part of the text that barely has the wanted answer (as Lowd, Meek 2005 do for words
    to add), and blocks of words are undone, which asks for labels only.

    Parameters
    ----------
    halves
        Random choices of half of the words.
    tested
        Words of a text asked about, at most.
    """

    version = 2
    variant = "evasion.decision"
    reference = (
        "Gao et al. 2018, Black-box generation of adversarial text sequences to evade deep "
        "learning classifiers, IEEE SPW; Boucher et al. 2022, Bad characters: imperceptible NLP "
        "attacks, IEEE S&P"
    )
    uses = Power(knowledge=Knowledge(data=Grade.PARTIAL))
    most = Budget(queries=500)
    halves: int = 8
    tested: int = 60

    def plan(self, item: EditItem, suspects: Collection[str]) -> QueryPlan:
        """Respell, and undo."""
        changes = yield from self._try_places(item, _choose_suspects(item, suspects))
        if not changes and item.words:
            deciding = yield from self._find_deciding_words(item)
            changes = yield from self._try_places(item, self._choose_found(item, deciding))
        if changes:
            yield from _undo_needless(item, changes)

    def _choose_found(self, item: EditItem, deciding: Collection[str]) -> Iterator[list[int]]:
        """Choose the words that seem to decide, then random halves of all."""
        most, every = item.constraint.most_words, list(item.words)
        if deciding:
            yield _find_places(item, deciding)[:most]
        for _ in range(self.halves):
            yield item.rng.permutation(every)[: min(most, (len(every) + 1) // 2)].tolist()

    def _find_deciding_words(self, item: EditItem) -> Generator[list[str], Reply, frozenset[str]]:
        """Find words that take the wanted answer away from a part of the text that barely has it.

        Where already the first word has the unwanted answer, words are asked about alone.
        """
        places = list(item.words)
        beginning = yield from _find_barely_wanted(item, places)
        words = list(dict.fromkeys(item.words[place].word.lower() for place in places))
        if len(words) > self.tested:
            words = item.rng.permutation(words)[: self.tested].tolist()
        reply = yield [f"{beginning} {word}".strip() for word in words]
        return frozenset(w for w, reached in zip(words, reply.reached, strict=True) if not reached)

    def _try_places(
        self, item: EditItem, choices: Iterable[list[int]]
    ) -> Generator[list[str], Reply, dict[int, str]]:
        """Try all spellings of each choice of words; return the first that turns the answer."""
        for places in choices:
            changes = yield from self._try_spellings(item, places)
            if changes:
                return changes
        return {}

    def _try_spellings(
        self, item: EditItem, places: list[int]
    ) -> Generator[list[str], Reply, dict[int, str]]:
        """Try one way of spelling after the other; return the first that turns the answer."""
        ways = {place: list_respellings(item.words[place].word) for place in places}
        for way in range(max((len(each) for each in ways.values()), default=0)):
            changes = {place: each[min(way, len(each) - 1)] for place, each in ways.items() if each}
            reply = yield [item.rewrite(changes)]
            if reply.reached[0]:
                return changes
        return {}


def _choose_suspects(item: EditItem, suspects: Collection[str]) -> Iterator[list[int]]:
    """Choose the words that are suspected without a question, then all."""
    most, every = item.constraint.most_words, list(item.words)
    yield _find_places(item, suspects)[:most]
    if len(every) <= most:
        yield every


def _find_places(item: EditItem, words: Collection[str]) -> list[int]:
    return [place for place, token in item.words.items() if token.word.lower() in words]


def _find_barely_wanted(item: EditItem, places: list[int]) -> Generator[list[str], Reply, str]:
    """Bisect for a beginning of the text that has the wanted answer, and with one word more not.

    Empty where already the beginning up to the first word has not.
    """
    low, high = 0, len(places)
    while high - low > 1:
        middle = (low + high) // 2
        reply = yield ["".join(item.parts[: places[middle - 1] + 1])]
        low, high = (middle, high) if reply.reached[0] else (low, middle)
    return "".join(item.parts[: places[low - 1] + 1]) if low else ""


def _undo_needless(item: EditItem, changes: dict[int, str]) -> QueryPlan:
    """Undo blocks of words, half as long each round, as long as the answer stays turned."""
    places = list(changes)
    block = len(places) // 2
    while block:
        start = 0
        while start < len(places):
            fewer = [*places[:start], *places[start + block :]]
            reply = yield [item.rewrite({place: changes[place] for place in fewer})]
            places, start = (fewer, start) if reply.reached[0] else (places, start + block)
        block //= 2
