"""Ask about single words, and pairs of them, until a linear text filter lies open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from goalkeeper.attacks.extraction._copies import WordCopy
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.text import texts

TINY = float(np.finfo(np.float64).tiny)
SILENT = 1e-9  # a word that changes the logarithms by less is not in the vocabulary
FIRST = 48  # words asked before the structure is looked at
SINGLE, DOUBLE, LOGARITHMIC = 1.0, 2.0, 1.0 + float(np.log(2.0))


class Probe:
    """What single words and pairs of them said.

    Parameters
    ----------
    access
        Where the questions go.
    words
        Words to ask about, the most promising first.
    """

    def __init__(self, access: Access, words: Sequence[str]) -> None:
        self._access = access
        self.words = tuple(words)
        self.done = 0
        self.bias = self._logs([""])[0]
        self.effect = np.zeros((len(words), len(self.bias)))  # of each word alone
        self.scale = np.ones(len(words))  # weight among others, as an angle's tangent
        self.normed: bool | None = None  # None: not known yet
        self.counts = DOUBLE
        self._plus = self._minus = 0  # words that pull strongly either way

    @property
    def left(self) -> int:
        """Queries left."""
        return int(self._access.left()[0])

    def copy(self) -> WordCopy:
        """Build the copy from what is known so far."""
        known = np.flatnonzero(np.abs(self.effect[: self.done]).max(axis=1, initial=0.0) > SILENT)
        return WordCopy(
            words=tuple(self.words[i] for i in known),
            weights=self.effect[known].T,
            bias=self.bias,
            counts=self.counts,
            scale=self.scale[known] if self.normed else None,
            normed=bool(self.normed),
        )

    def advance(self, words: int) -> bool:
        """Ask about so many further words; False when words or budget are spent."""
        end = min(self.done + words, len(self.words))
        chunk = np.arange(self.done, end)[: self.left]
        if len(chunk):
            self.effect[chunk] = self._logs([self.words[i] for i in chunk]) - self.bias
            self.done += len(chunk)
            self._pairs(chunk)
        return len(chunk) > 0 and self.done < len(self.words) and self.left > 0

    def _pairs(self, chunk: Ints) -> None:
        """Ask about pairs where texts are scaled to length 1, to learn the weights inside them."""
        fresh = self.normed is None and self._structure()
        if self.normed:
            asked = np.arange(self.done) if fresh else chunk
            heard = np.abs(self.effect[asked]).max(axis=1) > SILENT
            self._scales(asked[heard & (asked != self._minus)][: self.left])

    def _structure(self) -> bool:
        """Find out, by four questions, how repeated words and several words are weighed."""
        pull = self.effect[: self.done] @ self._direction()
        self._plus, self._minus = int(pull.argmax()), int(pull.argmin())
        if self.left < 4 or pull[self._plus] <= SILENT or pull[self._minus] >= -SILENT:
            return False
        one, two = self.words[self._plus], self.words[self._minus]
        a, c = self.effect[self._plus], self.effect[self._minus]
        twice, both, more = self._logs([f"{one} {one}", f"{one} {two}", f"{one} {one} {two}"])
        both, more = both - self.bias, more - self.bias
        size = np.abs(a).max() + np.abs(c).max()
        self.normed = bool(np.abs(both - a - c).max() > 1e-3 * size)
        if not self.normed:
            self.counts = _nearest(float((twice - self.bias) @ a / (a @ a)))
            return True
        u = self._direction()
        once = _tangent(a @ u, c @ u, both @ u)
        again = _tangent(a @ u, c @ u, more @ u)
        self.counts = _nearest(again / once if once > 0 else DOUBLE)
        self.scale[self._minus], self.scale[self._plus] = 1.0, once
        return True

    def _scales(self, chunk: Ints) -> None:
        """Learn how much each word of a chunk weighs beside others, by one pair each.

        A word and a reference that pull opposite ways make a text whose score falls steadily
        with the word's weight, so that one answer determines it.
        """
        if not len(chunk):
            return
        u = self._direction()
        pull = self.effect[chunk] @ u
        partner = np.where(pull >= 0, self._minus, self._plus)
        rows = [f"{self.words[i]} {self.words[p]}" for i, p in zip(chunk, partner, strict=True)]
        said = (self._logs(rows) - self.bias) @ u
        for i, p, value, own in zip(chunk, partner, said, pull, strict=True):
            self.scale[i] = self.scale[p] * _tangent(own, self.effect[p] @ u, value)
        self.scale[self._minus] = 1.0

    def _direction(self) -> Floats:
        """Return the direction in the space of classes, `(classes,)`, along which words pull."""
        if len(self.bias) == 2:
            return np.array([-0.5, 0.5])
        effect = self.effect[: max(self.done, 1)][:FIRST]
        direction = np.linalg.svd(effect - effect.mean(axis=1, keepdims=True))[2][0]
        return np.asarray(direction)

    def _logs(self, rows: Sequence[str]) -> Floats:
        """Ask about texts; return centred logarithms of the scores `(n, classes)`."""
        logs = np.log(np.maximum(self._access.query(texts(rows)).scores, TINY))
        return np.asarray(logs - logs.mean(axis=1, keepdims=True))


def probed(access: Access, words: Sequence[str]) -> Iterator[WordCopy]:
    """Ask about ever more words; yield the copy each time their number has doubled."""
    if access.left()[0] < 1:
        return
    probe = Probe(access, words)
    step = FIRST
    going = probe.advance(step)
    yield probe.copy()
    while going:
        going = probe.advance(step)
        step *= 2
        yield probe.copy()


def _tangent(own: float, other: float, said: float) -> float:
    """Solve `(own t + other) / sqrt(t^2 + 1) = said` for t > 0, where own and other pull apart."""
    length = float(np.hypot(own, other))
    if length == 0:
        return 1.0
    turn = float(np.arctan2(other, own))
    angle = float(np.arcsin(np.clip(said / length, -1.0, 1.0)))
    angle = np.pi - angle - turn if other > 0 else angle - turn
    return float(np.tan(np.clip(angle, 1e-6, np.pi / 2 - 1e-6)))


def _nearest(factor: float) -> float:
    return min((SINGLE, LOGARITHMIC, DOUBLE), key=lambda known: abs(known - factor))
