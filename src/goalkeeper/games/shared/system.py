"""Answers on their way to the surrounding system, and what that system does with them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.application import Answers, Application, Wiring
from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.power import View

REJECTED = "rejected"  # what an adapter returns when it notices
STOPS = "stops"  # a system that stops without an answer is noticed to have none
# How answers are protected on their way, as the description says it.
NONE, SIGNED, NUMBERED, IN_PROCESS = "none", "signed", "replay-protected", "in-process"
_NO_TAGS = np.empty(0, dtype=object)
_ALL = np.empty(0, dtype=bool)


@dataclass(frozen=True, eq=False, slots=True)
class Messages(Answers):
    """Answers in transit.

    `tags` `(n,)` is what a signed channel adds to each answer (empty where nothing is signed),
    `present` `(n,)` marks the answers that arrive (empty: all). Whoever changes a label or a score
    cannot make the tag that fits it; a whole message can be sent again, tag and all.
    """

    tags: NDArray[Any] = field(default_factory=_NO_TAGS.copy)
    present: Bools = field(default_factory=_ALL.copy)

    def take(self, rows: Ints) -> Messages:
        """Return whole messages, tags included."""
        return Messages(
            self.labels[rows],
            None if self._scores is None else self._scores[rows],
            None if self._logits is None else self._logits[rows],
            self.tags[rows] if len(self.tags) else self.tags,
            self.present[rows] if len(self.present) else self.present,
        )

    def exchange(self, where: Bools, others: Messages) -> Messages:
        """Put whole other messages `(n,)` in the places of `where` `(n,)`."""
        logits = None  # no channel carries them
        scores = np.where(where[:, None], others.scores, self.scores) if self.scored else None
        tags = self.tags
        if len(tags):
            tags = np.where(where, others.tags, tags)
        labels = np.where(where, others.labels, self.labels)
        return Messages(labels, scores, logits, tags, self.present)

    @property
    def arrives(self) -> Bools:
        """Which messages arrive, `(n,)`."""
        return self.present if len(self.present) else np.ones(len(self.labels), dtype=bool)

    @property
    def scored(self) -> bool:
        """Whether the answers carry scores."""
        return self._scores is not None


@dataclass(frozen=True, eq=False, slots=True)
class AnswerChannel:
    """What protects answers on their way: a hash over each (and its number), made with a key."""

    kind: str
    key: bytes

    def seal(self, answers: Answers, first: int, *, scored: bool) -> Messages:
        """Put answers on their way; the first of them has the number `first`."""
        scores = answers.scores if scored else None
        bare = Messages(answers.labels, scores)
        return bare if self.kind == NONE else replace(bare, tags=self._tags(bare, first))

    def accepts(self, messages: Messages, first: int) -> Bools:
        """Tell which messages `(n,)` have the tag that fits them."""
        n = len(messages.labels)
        if self.kind == NONE:
            return np.ones(n, dtype=bool)
        if len(messages.tags) != n:
            return np.zeros(n, dtype=bool)
        return np.asarray(messages.tags == self._tags(messages, first), dtype=bool)

    def _tags(self, messages: Messages, first: int) -> NDArray[Any]:
        tags = np.empty(len(messages.labels), dtype=object)
        for i, label in enumerate(messages.labels.tolist()):
            number = first + i if self.kind == NUMBERED else 0
            scores = messages.scores[i].tobytes() if messages.scored else b""
            content = f"{number}:{label}:".encode() + scores
            tags[i] = hashlib.blake2b(content, key=self.key, digest_size=16).digest()
        return tags


@dataclass(frozen=True, eq=False, slots=True)
class Reactions:
    """What the system did with each message `(n,)`, and whether it noticed that one is false."""

    names: NDArray[Any]
    noticed: Bools


@dataclass(frozen=True, eq=False, slots=True)
class System:
    """The system around the model, as described: its channel and its reactions."""

    classes: tuple[str, ...]
    wiring: Wiring
    channel: AnswerChannel

    @classmethod
    def of(cls, app: Application, key: bytes) -> System:
        """Build the system that an application describes."""
        kind = NONE if app.wiring.channel in ("", IN_PROCESS) else app.wiring.channel
        return cls(app.classes, app.wiring, AnswerChannel(kind, key))

    def react(self, messages: Messages, first: int) -> Reactions:
        """React to messages, one after the other."""
        accepted, arrives = self.channel.accepts(messages, first), messages.arrives
        names = np.empty(len(accepted), dtype=object)
        noticed = np.zeros(len(accepted), dtype=bool)
        for i, label in enumerate(messages.labels.tolist()):
            scores = messages.scores[i] if messages.scored else None
            reaction = self.reaction(label, scores) if accepted[i] and arrives[i] else None
            names[i] = self.wiring.missing if reaction is None else reaction
            noticed[i] = reaction is None and (bool(arrives[i]) or self.notices_missing)
        return Reactions(names, noticed)

    @property
    def notices_missing(self) -> bool:
        """Whether an answer that does not arrive is noticed.

        It is where answers are numbered, where the system stops, and where its reaction to a
        missing answer is its reaction to no class. Which reactions an adapter has is not known.
        """
        missing, described = self.wiring.missing, self.wiring.adapter is None
        only_then = described and missing not in self.wiring.reactions.values()
        return self.channel.kind == NUMBERED or missing == STOPS or only_then

    def reaction(self, label: int, scores: Floats | None) -> str | None:
        """Return the reaction to one answer; None where it is rejected."""
        if not 0 <= label < len(self.classes):
            return None
        name = self.classes[label]
        if self.wiring.adapter is None:
            return self.wiring.reactions.get(name)
        by_name = None if scores is None else dict(zip(self.classes, scores.tolist(), strict=True))
        try:
            reaction = self.wiring.adapter(name, by_name)
        except Exception:  # noqa: BLE001 - by an error the user's own code says that it noticed something
            return None
        return None if reaction == REJECTED else str(reaction)


def ask_target(app: Application, x: Inputs) -> tuple[Answers, bool]:
    """Ask the target about inputs `(n, ...)` as the system does, with scores where it gives any."""
    view = min(app.target.offers, View.SCORES)
    return app.target.answer(x, view), view is View.SCORES
