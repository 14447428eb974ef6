"""Respell words so that people still read them and the application does not."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import final

from goalkeeper.attacks.evasion._edits import Case, EditAttack, Talk, Told
from goalkeeper.core.power import Budget
from goalkeeper.games.evasion import spellings


@final
@dataclass(frozen=True, kw_only=True)
class CharacterEdits(EditAttack):
    """Respell as many words as allowed, and undo what is not needed while the answer stays turned.

    Words are written with look-alike letters of other scripts, parted by a sign that nobody sees,
    or mistyped: one way for all chosen words, then the next. Chosen are the words that everybody
    would suspect, then all, then random halves. Costs up to five queries for each choice, and
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

    def talk(self, case: Case, public: Sequence[str]) -> Talk:
        """Respell, and undo."""
        for places in self._choices(case, frozenset(public)):
            changes = yield from self._turned(case, places)
            if changes:
                yield from _undone(case, changes)
                return

    def _choices(self, case: Case, public: frozenset[str]) -> Iterator[list[int]]:
        """Choose which words to respell."""
        most, every = case.limits.most_words, list(case.words)
        suspects = [place for place in every if case.words[place].word.lower() in public]
        yield suspects[:most]
        if len(every) <= most:
            yield every
        for _ in range(self.halves if every else 0):
            yield case.rng.permutation(every)[: min(most, (len(every) + 1) // 2)].tolist()

    def _turned(self, case: Case, places: list[int]) -> Generator[list[str], Told, dict[int, str]]:
        """Try one way of spelling after the other; return the first that turns the answer."""
        ways = {place: spellings(case.words[place].word) for place in places}
        for way in range(max((len(each) for each in ways.values()), default=0)):
            changes = {place: each[min(way, len(each) - 1)] for place, each in ways.items() if each}
            reached, _ = yield [case.written(changes)]
            if reached[0]:
                return changes
        return {}


def _undone(case: Case, changes: dict[int, str]) -> Talk:
    """Undo blocks of words, half as long each round, as long as the answer stays turned."""
    places = list(changes)
    block = len(places) // 2
    while block:
        start = 0
        while start < len(places):
            fewer = [*places[:start], *places[start + block :]]
            reached, _ = yield [case.written({place: changes[place] for place in fewer})]
            places, start = (fewer, start) if reached[0] else (places, start + block)
        block //= 2
