"""Evasion by added words: one conversation with the target for each text, and public word lists."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import final

import numpy as np

from goalkeeper.attacks.evasion._driver import EvasionAttack, Proposal, Seen, State
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Inputs
from goalkeeper.games.evasion import Additions, Question

Talk = Generator[list[str], list[bool], None]  # yields texts to ask, is told which reached the aim


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Case:
    """One text to attack: which answers are wanted `(classes,)`, limits and its own randomness."""

    text: str
    wanted: Bools
    limits: Additions
    rng: np.random.Generator

    def plus(self, words: list[str]) -> str:
        """Return the text with words appended."""
        return self.limits.appended(self.text, words)


@dataclass(frozen=True, eq=False, kw_only=True)
class Talks(State):
    """The conversation about each text `(a,)`, and the texts it wants asked next `(a,)`."""

    talks: Inputs
    pending: Inputs


@dataclass(frozen=True, kw_only=True)
class WordAttack(EvasionAttack[Talks]):
    """An attack that adds words. Subclasses are final and say how to talk about one text.

    A conversation yields texts to ask and is told which of them reached the aim; the driver
    leads those of all texts side by side.
    """

    domains = frozenset({"text"})
    tasks = ("harmful-passes", "harmless-declined", "any-wrong")

    @abstractmethod
    def talks(self, question: Question, access: Access) -> Callable[[Case], Talk]:
        """Learn what holds for all texts, and return how to talk about one."""

    @final
    def start(self, question: Question, streams: Inputs, access: Access) -> Talks:
        """Open a conversation about each text."""
        limits = question.limits
        if not isinstance(limits, Additions):
            raise TypeError(f"words can be added to texts only, the limits are {limits!r}")
        talk_about = self.talks(question, access)
        talks = np.empty(len(question.x), dtype=object)
        for i, (text, rng) in enumerate(zip(question.x, streams, strict=True)):
            wanted = question.aim.wanted[i]
            talks[i] = talk_about(Case(text=text, wanted=wanted, limits=limits, rng=rng))
        pending = np.empty(len(talks), dtype=object)
        pending[:] = [next(talk, []) for talk in talks]
        return Talks(done=_silent(pending), talks=talks, pending=pending)

    @final
    def propose(self, state: Talks) -> Proposal:
        """Put the texts of all conversations into one array, short rows filled up."""
        width = max(len(texts) for texts in state.pending)
        x = np.full((len(state.pending), width), "", dtype=object)
        wanted = np.zeros(x.shape, dtype=bool)
        for i, texts in enumerate(state.pending):
            x[i, : len(texts)] = texts
            wanted[i, : len(texts)] = True
        return Proposal(x, wanted)

    @final
    def update(self, state: Talks, seen: Seen) -> Talks:
        """Tell each conversation what its texts reached, and take its next ones."""
        pending = state.pending.copy()
        for i, talk in enumerate(state.talks):
            pending[i] = _told(talk, seen.reached[i, : len(pending[i])].tolist())
        return replace(state, done=_silent(pending), pending=pending)


def _told(talk: Talk, reached: list[bool]) -> list[str]:
    try:
        return talk.send(reached)
    except StopIteration:
        return []


def _silent(pending: Inputs) -> Bools:
    return np.array([not texts for texts in pending], dtype=bool)


@cache
def listed(name: str) -> tuple[str, ...]:
    """Read a public word list, each word once, the commonest first."""
    text = files("goalkeeper.attacks.evasion").joinpath("words", f"{name}.txt").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return tuple(dict.fromkeys(word for line in lines for word in line.split()))


def public_words(access: Access, wanted: Bools) -> list[str]:
    """List the words which everybody would try, to get one of the `wanted` `(classes,)` answers.

    Everyday words to pass as harmless, words of advertising to be declined, both where no class
    is harmless.
    """
    if access.harmless is None:
        return [*listed("everyday"), *listed("advert")]
    return list(listed("everyday" if wanted[access.harmless] else "advert"))
