"""Evasion by words written otherwise: one conversation with the target for each text."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.evasion._driver import EvasionAttack, Proposal, Seen, State, leads
from goalkeeper.attacks.evasion._words import public_words
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.core.power import View
from goalkeeper.games.evasion import Edits, Question, Token, rewritten, words_of

Told = tuple[list[bool], Floats]  # which texts reached the aim, and their leads (nan if unseen)
Talk = Generator[list[str], Told, None]  # yields texts to ask


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Case:
    """One text to attack, its words that may be changed, by place, and its own randomness."""

    text: str
    words: Mapping[int, Token]
    limits: Edits
    rng: np.random.Generator

    def written(self, changes: Mapping[int, str]) -> str:
        """Return the text with other words in some places."""
        return rewritten(self.text, dict(changes))


@dataclass(frozen=True, eq=False, kw_only=True)
class Talks(State):
    """The conversation about each text `(a,)`, what it wants asked next, and the wanted answers."""

    talks: Inputs
    pending: Inputs
    wanted: Bools
    scored: bool


@dataclass(frozen=True, kw_only=True)
class EditAttack(EvasionAttack[Talks]):
    """An attack that writes words otherwise. Subclasses are final and say how to talk about one."""

    domains = frozenset({"text"})
    tasks = ("*-edits",)
    refines: ClassVar[bool] = True

    @abstractmethod
    def talk(self, case: Case, public: Sequence[str]) -> Talk:
        """Talk about one text; everybody would suspect the `public` words to stand in the way."""

    @final
    def start(self, question: Question, streams: Inputs, access: Access) -> Talks:
        """Open a conversation about each text."""
        limits = question.limits
        if not isinstance(limits, Edits):
            raise TypeError(f"words are respelt in texts only, the limits are {limits!r}")
        n, wanted = len(question.x), question.aim.wanted
        talks, pending = np.empty(n, dtype=object), np.empty(n, dtype=object)
        for i, text in enumerate(question.x):
            words = words_of(text)
            case = Case(text=text, words=words, limits=limits, rng=streams[i])
            talks[i] = self.talk(case, public_words(access, ~wanted[i]))
            pending[i] = next(talks[i], [])
        scored = access.granted.view >= View.SCORES
        return Talks(
            done=_silent(pending), talks=talks, pending=pending, wanted=wanted, scored=scored
        )

    @final
    def propose(self, state: Talks) -> Proposal:
        """Put the texts of all conversations into one array, short rows filled up."""
        width = max(len(asked) for asked in state.pending)
        x = np.full((len(state.pending), width), "", dtype=object)
        wanted = np.zeros(x.shape, dtype=bool)
        for i, asked in enumerate(state.pending):
            x[i, : len(asked)] = asked
            wanted[i, : len(asked)] = True
        return Proposal(x, wanted)

    @final
    def update(self, state: Talks, seen: Seen) -> Talks:
        """Tell each conversation what its texts reached, and take its next ones."""
        lead = np.full(seen.asked.shape, np.nan)
        if state.scored:
            lead = leads(seen.scores(), state.wanted)
        pending = state.pending.copy()
        for i, talk in enumerate(state.talks):
            size = len(pending[i])
            pending[i] = _told(talk, (seen.reached[i, :size].tolist(), lead[i, :size]))
        return replace(state, done=_silent(pending), pending=pending)


def _told(talk: Talk, told: Told) -> list[str]:
    try:
        return talk.send(told)
    except StopIteration:
        return []


def _silent(pending: Inputs) -> Bools:
    return np.array([not asked for asked in pending], dtype=bool)
