"""Ask about single words, and pairs of them, until a linear text filter lies open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from goalkeeper.attacks.extraction._substitutes import WordSubstitute
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.text import texts

TINY = float(np.finfo(np.float64).tiny)
MIN_EFFECT = 1e-9  # a word that changes the logarithms by less is not in the vocabulary
FIRST_WORDS = 48  # words asked before the structure is looked at
PAIRS = 5  # of words that show the structure, at most
FITS = 0.01  # of two effects, by which a form may miss
SINGLE, DOUBLE, LOGARITHMIC = 1.0, 2.0, 1.0 + float(np.log(2.0))


class WordProbe:
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
        self.bias = self._ask_logs([""])[0]
        self.effect = np.zeros((len(words), len(self.bias)))  # of each word alone
        self.scale = np.ones(len(words))  # weight among others, as an angle's tangent
        self.normed: bool | None = None  # None: not known yet
        self.counts = DOUBLE
        self._plus = self._minus = 0  # words that pull strongly either way

    @property
    def left(self) -> int:
        """Queries left."""
        return int(self._access.left()[0])

    def build_substitute(self) -> WordSubstitute:
        """Build the copy from what is known so far."""
        in_vocabulary = np.flatnonzero(
            np.abs(self.effect[: self.done]).max(axis=1, initial=0.0) > MIN_EFFECT
        )
        return WordSubstitute(
            words=tuple(self.words[i] for i in in_vocabulary),
            weights=self.effect[in_vocabulary].T,
            bias=self.bias,
            counts=self.counts,
            scale=self.scale[in_vocabulary] if self.normed else None,
            normed=bool(self.normed),
        )

    def advance(self, words: int) -> bool:
        """Ask about so many further words; False when words or budget are spent."""
        end = min(self.done + words, len(self.words))
        chunk = np.arange(self.done, end)[: self.left]
        if len(chunk):
            self.effect[chunk] = self._ask_logs([self.words[i] for i in chunk]) - self.bias
            self.done += len(chunk)
            self._ask_pairs(chunk)
        return len(chunk) > 0 and self.done < len(self.words) and self.left > 0

    def _ask_pairs(self, chunk: Ints) -> None:
        """Ask about pairs where texts are scaled to length 1, to learn the weights inside them."""
        fresh = self.normed is None and self._find_structure()
        if self.normed:
            asked = np.arange(self.done) if fresh else chunk
            heard = np.abs(self.effect[asked]).max(axis=1) > MIN_EFFECT
            self._measure_scales(asked[heard & (asked != self._minus)][: self.left])

    def _find_structure(self) -> bool:
        """Find out from several pairs how repeated words and several words are weighed.

        Of one pair two words may be a phrase that the filter knows, or one may be no word to it.
        """
        pairs = self._list_pairs()
        if not pairs:
            return False
        u = self._find_direction()
        rows = [row for one, two in pairs for row in self._compose_pair(one, two)]
        said = (self._ask_logs(rows) - self.bias).reshape(len(pairs), 3, -1) @ u
        effects = self.effect @ u
        misses = {
            (normed, counts): [
                _miss(effects[one], effects[two], values, counts, normed=normed)
                for (one, two), values in zip(pairs, said, strict=True)
            ]
            for normed in (False, True)
            for counts in (DOUBLE, LOGARITHMIC, SINGLE)
        }
        # A pair always fits some weight of texts of length 1: sums that fit go first.
        best = min(misses, key=lambda form: max(FITS, float(np.median(misses[form]))))
        self.normed, self.counts = best
        clearest = int(np.argmin(misses[best]))
        self._plus, self._minus = pairs[clearest]
        if self.normed:
            scale = _solve_tangent(effects[self._plus], effects[self._minus], said[clearest, 1])
            self.scale[self._minus], self.scale[self._plus] = 1.0, scale
        return True

    def _list_pairs(self) -> list[tuple[int, int]]:
        """Pair the words that pull most either way, as many as the budget covers."""
        pull = self.effect[: self.done] @ self._find_direction()
        order = np.argsort(-pull, kind="stable")
        size = min(PAIRS, self.left // 3)
        plus = [int(i) for i in order[:size] if pull[i] > MIN_EFFECT]
        minus = [int(i) for i in order[::-1][:size] if pull[i] < -MIN_EFFECT]
        return list(zip(plus, minus, strict=False))

    def _compose_pair(self, one: int, two: int) -> tuple[str, str, str]:
        """Compose texts of one word twice, of both words, and of all three."""
        first, second = self.words[one], self.words[two]
        return f"{first} {first}", f"{first} {second}", f"{first} {first} {second}"

    def _measure_scales(self, chunk: Ints) -> None:
        """Learn how much each word of a chunk weighs beside others, by one pair each.

        A word and a reference that pull opposite ways make a text whose score falls steadily
        with the word's weight, so that one answer determines it.
        """
        if not len(chunk):
            return
        u = self._find_direction()
        pull = self.effect[chunk] @ u
        partner = np.where(pull >= 0, self._minus, self._plus)
        rows = [f"{self.words[i]} {self.words[p]}" for i, p in zip(chunk, partner, strict=True)]
        pair_effects = (self._ask_logs(rows) - self.bias) @ u
        for i, p, value, effect in zip(chunk, partner, pair_effects, pull, strict=True):
            self.scale[i] = self.scale[p] * _solve_tangent(effect, self.effect[p] @ u, value)
        self.scale[self._minus] = 1.0

    def _find_direction(self) -> Floats:
        """Return the direction in the space of classes, `(classes,)`, along which words pull."""
        if len(self.bias) == 2:
            return np.array([-0.5, 0.5])
        effect = self.effect[: max(self.done, 1)][:FIRST_WORDS]
        direction = np.linalg.svd(effect - effect.mean(axis=1, keepdims=True))[2][0]
        return np.asarray(direction)

    def _ask_logs(self, rows: Sequence[str]) -> Floats:
        """Ask about texts; return centred logarithms of the scores `(n, classes)`."""
        logs = np.log(np.maximum(self._access.query(texts(rows)).scores, TINY))
        return np.asarray(logs - logs.mean(axis=1, keepdims=True))


def probe_words(access: Access, words: Sequence[str]) -> Iterator[WordSubstitute]:
    """Ask about ever more words; yield the copy each time their number has doubled."""
    if access.left()[0] < 1:
        return
    probe = WordProbe(access, words)
    step = FIRST_WORDS
    going = probe.advance(step)
    yield probe.build_substitute()
    while going:
        going = probe.advance(step)
        step *= 2
        yield probe.build_substitute()


def _solve_tangent(word_effect: float, partner_effect: float, pair_effect: float) -> float:
    """Solve `(own t + other) / sqrt(t^2 + 1) = said` for t > 0, where own and other pull apart."""
    length = float(np.hypot(word_effect, partner_effect))
    if length == 0:
        return 1.0
    turn = float(np.arctan2(partner_effect, word_effect))
    angle = float(np.arcsin(np.clip(pair_effect / length, -1.0, 1.0)))
    angle = np.pi - angle - turn if partner_effect > 0 else angle - turn
    return float(np.tan(np.clip(angle, 1e-6, np.pi / 2 - 1e-6)))


def _miss(
    word_effect: float, partner_effect: float, said: Floats, counts: float, *, normed: bool
) -> float:
    """Return how far a form misses what a word twice, a pair, and all three said, `(3,)`.

    Relative to the two effects. Where texts are scaled to length 1, the pair itself gives the
    weight of the word beside its partner, and only the other two texts tell the forms apart.
    """
    size = abs(word_effect) + abs(partner_effect)
    if normed:
        once = _solve_tangent(word_effect, partner_effect, said[1])
        form = [word_effect] + [
            (word_effect * t + partner_effect) / np.hypot(t, 1.0) for t in (once, counts * once)
        ]
    else:
        twice = counts * word_effect
        form = [twice, word_effect + partner_effect, twice + partner_effect]
    return float(np.abs(np.array(form) - said).max() / size)
