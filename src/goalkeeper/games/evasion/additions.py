"""Words that may be added to a text, without a norm that bounds the change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.core.scripts import count_words
from goalkeeper.core.text import kept, texts, vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class AdditionConstraint:
    """Words may be added anywhere, nothing may go, and no norm bounds the change.

    What is added is bounded by `most_words` and by what the application takes (`max_chars`). Of a
    script without spaces every two characters count as a word.
    """

    unit: ClassVar[str] = "words added"
    rule: ClassVar[str] = "nothing was taken away, order kept"
    most_words: int
    max_chars: int

    @property
    def most(self) -> float:
        """The largest size allowed."""
        return float(self.most_words)

    @property
    def within(self) -> str:
        """The limit in words."""
        return f"with at most {self.most_words:,} words added"

    def quantise(self, before: Inputs, after: Inputs) -> Inputs:
        """Return the texts as they are: they arrive as they were written."""
        return after

    def size(self, before: Inputs, after: Inputs) -> Floats:
        """Count the words added to each input, `(n,)`."""
        pairs = zip(before, after, strict=True)
        return np.array([count_words(b) - count_words(a) for a, b in pairs], dtype=np.float64)

    def allows(self, before: Inputs, after: Inputs) -> Bools:
        """Return which changed inputs `(n,)` keep their content and stay inside the limits."""
        pairs = zip(before, after, strict=True)
        fine = [
            isinstance(b, str)
            and len(b) <= self.max_chars
            and count_words(b) - count_words(a) <= self.most_words
            and kept(a, b)
            for a, b in pairs
        ]
        return np.array(fine, dtype=bool)

    def append(self, text: str, words: Sequence[str]) -> str:
        """Append words to a text, as many as fit."""
        room, left = self.max_chars - len(text) - 1, self.most_words
        fitting: list[str] = []
        for word in words[: self.most_words]:
            room -= len(word) + 1
            left -= count_words(word)
            if room < 0 or left < 0:
                break
            fitting.append(word)
        return f"{text}\n{' '.join(fitting)}" if fitting else text

    def perturb_randomly(
        self, before: Inputs, sizes: Floats, like: Inputs, rng: np.random.Generator
    ) -> Inputs:
        """Add as many words to each input as `sizes` `(n,)` says, drawn blindly, anywhere.

        The words come from the vocabulary of the texts `like`, each equally likely.
        """
        pool = vocabulary(like)
        pairs = zip(before, sizes.astype(int), strict=True)
        return texts(_scatter_words(text, pool, size if pool else 0, rng) for text, size in pairs)


def _scatter_words(text: str, pool: Sequence[str], size: int, rng: np.random.Generator) -> str:
    if size <= 0:
        return text
    words = text.split()
    drawn = [pool[i] for i in rng.integers(0, len(pool), size)]
    places = np.sort(rng.integers(0, len(words) + 1, size))
    out: list[str] = []
    done = 0
    for word, place in zip(drawn, places, strict=True):
        out += [*words[done:place], word]
        done = place
    return " ".join([*out, *words[done:]])
