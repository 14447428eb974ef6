"""Respell words so that people still read them and the application does not."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import final

from goalkeeper.attacks.evasion._edits import EditAttack, EditItem
from goalkeeper.attacks.evasion._query_plans import QueryPlan, Reply
from goalkeeper.core.power import Budget
from goalkeeper.games.evasion import list_respellings


@final
@dataclass(frozen=True, kw_only=True)
class CharacterEdits(EditAttack):
    """Respell as many words as allowed, then undo what is not needed to flip the answer.

    Words are written with look-alike letters of other scripts, split by an invisible character,
    or mistyped: one way for all chosen words, then the next. First the words that anyone would
    suspect are chosen, then all, then random halves. Costs up to five queries for each choice, and
    about twice the number of respelt words to undo the others. Needs labels only.

    Deviations: the papers rank words by scores, or search with a genetic algorithm; here blocks of
    words are undone, which asks for labels only.

    Parameters
    ----------
    halves
        Random choices of half of the words.
    """

    variant = "evasion.decision"
    reference = (
        "Gao et al. 2018, Black-box generation of adversarial text sequences to evade deep "
        "learning classifiers, IEEE SPW; Boucher et al. 2022, Bad characters: imperceptible NLP "
        "attacks, IEEE S&P"
    )
    most = Budget(queries=500)
    halves: int = 8

    def plan(self, item: EditItem, suspects: Sequence[str]) -> QueryPlan:
        """Respell, and undo."""
        for places in self._choose_places(item, frozenset(suspects)):
            changes = yield from self._try_spellings(item, places)
            if changes:
                yield from _undo_needless(item, changes)
                return

    def _choose_places(self, item: EditItem, public: frozenset[str]) -> Iterator[list[int]]:
        """Choose which words to respell."""
        most, every = item.constraint.most_words, list(item.words)
        suspects = [place for place in every if item.words[place].word.lower() in public]
        yield suspects[:most]
        if len(every) <= most:
            yield every
        for _ in range(self.halves if every else 0):
            yield item.rng.permutation(every)[: min(most, (len(every) + 1) // 2)].tolist()

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
