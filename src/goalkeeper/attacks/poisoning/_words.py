"""The words that an attacker knows, and how to fill messages of limited length with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.core.text import terms

SEEN_ELSEWHERE = 0.1  # harmless messages that a word counts for which only harmful ones hold
HALVINGS = 100


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class WordBook:
    """Words of harmless and harmful messages, those in most harmless messages first.

    Parameters
    ----------
    words
        The words `(w,)`.
    harmless
        Messages of the harmless ones that hold each, `(w,)`.
    harmful
        Harmful training messages that hold each, as far as the attacker's own show, `(w,)`.
    uses
        How often each occurs in the harmless messages, `(w,)`.
    """

    words: tuple[str, ...]
    harmless: Floats
    harmful: Floats
    uses: Floats

    @staticmethod
    def read(harmless: Inputs, harmful: Inputs, rows: int) -> WordBook:
        """Count the words of messages `(n,)`, `(m,)`; the training data has `rows` records."""
        used = Counter(word for text in harmless for word in terms(text))
        ours, others = _count_messages(harmless), _count_messages(harmful)
        known = {**used, **others}
        words = tuple(sorted(known, key=lambda word: (-ours[word], -others[word], word)))
        scale = rows / max(1, len(harmless) + len(harmful))
        return WordBook(
            words=words,
            harmless=np.array([ours[word] for word in words], dtype=np.float64),
            harmful=scale * np.array([others[word] for word in words], dtype=np.float64),
            uses=np.array([used[word] for word in words], dtype=np.float64),
        )

    def spread(self, messages: int, room: int) -> list[list[str]]:
        """Put each word once into as many messages as is worth its place, most worth first.

        A learner that counts messages takes a word in k of them for harmful by the logarithm of
        `k + harmful`, as often as harmless messages hold it. What is best under a common limit of
        characters has the same gain for the last character spent on every word:
        `harmless / (length * (k + harmful))`, with k between 0 and the number of messages.

        Parameters
        ----------
        messages
            Number of messages.
        room
            Characters that each takes.
        """
        if messages == 0:
            return []
        times = self._find_times(messages, messages * room)
        out: list[list[str]] = [[] for _ in range(messages)]
        place = 0
        for word, number in zip(self.words, times.tolist(), strict=True):
            for message in range(place, place + number):
                out[message % messages].append(word)
            place = (place + number) % messages
        return out

    def _find_times(self, messages: int, room: int) -> Ints:
        """Count the messages `(w,)` that get each word, under a limit of characters."""
        length = np.array([len(word) + 1.0 for word in self.words])
        gain = np.maximum(self.harmless, SEEN_ELSEWHERE) / length
        known = self.harmful + 0.5

        def times(price: float) -> Floats:
            return np.asarray(np.clip(gain / price - known, 0, messages))

        low, high = gain.min() / (messages + known.max()), gain.max() / known.min()  # all, none
        for _ in range(HALVINGS):
            price = float(np.sqrt(low * high))
            if (times(price) * length).sum() > room:
                low = price
            else:
                high = price
            if (times(low) * length).sum() <= room:
                return np.rint(times(low)).astype(np.int64)
        return np.rint(times(high)).astype(np.int64)

    def draw(self, messages: int, room: int, rng: np.random.Generator) -> Iterator[Sequence[str]]:
        """Draw words for each message as often as they occur in harmless ones, until it is full."""
        if not self.uses.sum():
            return iter([()] * messages)
        chance = self.uses / self.uses.sum()
        mean = float(chance @ np.array([len(word) + 1.0 for word in self.words]))
        number = int(room / mean * 1.1) + 10
        drawn = (rng.choice(len(self.words), number, p=chance) for _ in range(messages))
        return ([self.words[i] for i in row] for row in drawn)


def _count_messages(x: Inputs) -> Counter[str]:
    return Counter(word for text in x for word in sorted(set(terms(text))))
