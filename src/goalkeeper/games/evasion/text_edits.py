"""Texts whose words are respelt or replaced: what still reads the same, and how many changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.core.text import texts
from goalkeeper.games.evasion.synonyms import SYNONYMS

SPACES = re.compile(r"(\s+)")
WORD = re.compile(r"(\W*)([^\W\d_]{3,})(\W*)")  # letters only, so that no code or number is touched
SPLITS = "\u200b.-*'"  # between two letters they leave a word readable; the first is invisible
LOOKS = {
    "a": "\u0430@4", "b": "\u0432" + "8", "c": "\u0441(", "e": "\u0435" + "3", "g": "9",
    "h": "\u04bb", "i": "\u0456" + "1!l", "j": "\u0458", "k": "\u043a", "l": "\u04cf1I|",
    "o": "\u043e0", "p": "\u0440", "s": "\u0455" + "5$", "t": "\u0442" + "7+", "x": "\u0445",
    "y": "\u0443", "z": "2",
}  # fmt: skip
SHORTEST_TYPO = 4  # letters of a word that stays readable with a typing error


@dataclass(frozen=True, slots=True)
class Token:
    """A word between signs, e.g. `(`, `free`, `!`."""

    before: str
    word: str
    after: str

    def holding(self, word: str) -> str:
        """Write another word between the same signs."""
        return f"{self.before}{word}{self.after}"


def cut(text: str) -> list[str]:
    """Split a text into tokens and the space between them, alternately, a token first."""
    return SPACES.split(text)


def editable(token: str) -> Token | None:
    """Find the word in a token that an edit may touch; None for numbers, codes, short words."""
    found = WORD.fullmatch(token)
    return Token(*found.groups()) if found else None


# ---- edits ---------------------------------------------------------------------------------------


def lookalikes(word: str, which: int = 0) -> str:
    """Replace every letter that has one by a look-alike: the first of them are other scripts'."""
    return "".join(_look(letter, which) for letter in word)


def _look(letter: str, which: int) -> str:
    found = LOOKS.get(letter.lower(), "")
    return found[min(which, len(found) - 1)] if found else letter


def parted(word: str, sign: str = SPLITS[0]) -> str:
    """Put a sign in the middle of a word; without another argument one that nobody sees."""
    return word[: len(word) // 2] + sign + word[len(word) // 2 :]


def mistyped(word: str) -> str:
    """Swap the first two inner letters that differ; words that are too short stay as they are."""
    for i in range(1, len(word) - 2):
        if word[i] != word[i + 1]:
            return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    return word


def spellings(word: str) -> list[str]:
    """List ways of writing a word that people still read, those hardest to notice first."""
    ways = [lookalikes(word), parted(word), mistyped(word), lookalikes(word, 1), parted(word, ".")]
    return [way for way in dict.fromkeys(ways) if way != word]


def synonyms(word: str) -> list[str]:
    """List words that say about the same, in the case of this one; empty for unknown words."""
    found = SYNONYMS.get(word.lower(), ())
    if word.isupper():
        return [other.upper() for other in found]
    return [other.capitalize() for other in found] if word.istitle() else list(found)


def reads_as(word: str, other: str) -> bool:
    """Tell whether `other` is a synonym of `word`, or the same word written so that people see it.

    Allowed are look-alike letters and single signs between letters, or one typing error: two
    neighbours swapped, one letter left out or doubled, never the first or the last.
    """
    return other in synonyms(word) or _looks_as(word, other) or _typing_error(word, other)


def _looks_as(word: str, other: str) -> bool:
    place, last = 0, ""
    for sign in other:
        fits = place < len(word) and (
            sign == word[place] or sign in LOOKS.get(word[place].lower(), "")
        )
        if fits:
            place, last = place + 1, ""
        elif sign in SPLITS and not last and 0 < place < len(word):
            last = sign
        else:
            return False
    return place == len(word)


def _typing_error(word: str, other: str) -> bool:
    if len(word) < SHORTEST_TYPO or word[:1] != other[:1] or word[-1:] != other[-1:]:
        return False
    inner = range(1, len(word) - 1)
    ways = [word[:i] + word[i + 1 :] for i in inner]
    ways += [word[:i] + word[i] + word[i:] for i in inner]
    ways += [word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in inner if i < len(word) - 2]
    return other in ways


# ---- limits --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Edits:
    """Words may be written otherwise or replaced by synonyms; nothing is added, nothing goes.

    Numbers, addresses and words of one or two letters are untouched.
    """

    unit: ClassVar[str] = "words respelt or replaced"
    rule: ClassVar[str] = (
        "the same words in their order, misspelt or in look-alike letters, or listed synonyms"
    )
    most_words: int
    max_chars: int

    @property
    def most(self) -> float:
        """The largest size allowed."""
        return float(self.most_words)

    def settled(self, before: Inputs, after: Inputs) -> Inputs:
        """Return the texts as they are: they arrive as they were written."""
        return after

    def size(self, before: Inputs, after: Inputs) -> Floats:
        """Count the words that differ, `(n,)`."""
        pairs = zip(before, after, strict=True)
        return np.array([len(list(_changed(a, b))) for a, b in pairs], dtype=np.float64)

    def allows(self, before: Inputs, after: Inputs) -> Bools:
        """Tell which changed texts `(n,)` still read as they did, and stay inside the limits."""
        pairs = zip(before, after, strict=True)
        return np.array([self._allows(a, b) for a, b in pairs], dtype=bool)

    def _allows(self, before: str, after: object) -> bool:
        if not isinstance(after, str) or len(after) > self.max_chars:
            return False
        if len(cut(before)) != len(cut(after)):
            return False
        changed = list(_changed(before, after))
        return len(changed) <= self.most_words and all(_fine(a, b) for a, b in changed)

    def at_random(
        self, before: Inputs, sizes: Floats, like: Inputs, rng: np.random.Generator
    ) -> Inputs:
        """Change as many words of each text as `sizes` `(n,)` says, drawn blindly."""
        pairs = zip(before, sizes.astype(int), strict=True)
        return texts(_scattered(text, size, rng) for text, size in pairs)


def words_of(text: str) -> dict[int, Token]:
    """Find the words of a text that may be changed, by their place in `cut(text)`."""
    found = ((i, editable(token)) for i, token in enumerate(cut(text)) if i % 2 == 0)
    return {i: token for i, token in found if token is not None}


def rewritten(text: str, words: dict[int, str]) -> str:
    """Put other words in the places of `cut(text)` that are named."""
    parts = cut(text)
    for place, word in words.items():
        token = editable(parts[place])
        parts[place] = token.holding(word) if token else parts[place]
    return "".join(parts)


def _changed(before: str, after: str) -> Iterator[tuple[str, str]]:
    """Give the tokens and spaces that differ."""
    return ((a, b) for a, b in zip(cut(before), cut(after), strict=False) if a != b)


def _fine(before: str, after: str) -> bool:
    token = editable(before)
    if token is None or not after.startswith(token.before) or not after.endswith(token.after):
        return False
    word = after[len(token.before) : len(after) - len(token.after)]
    return reads_as(token.word, word)


def _scattered(text: str, size: int, rng: np.random.Generator) -> str:
    found = words_of(text)
    places = rng.permutation(list(found))[:size].tolist() if found else []
    return rewritten(text, {place: _any_way(found[place].word, rng) for place in places})


def _any_way(word: str, rng: np.random.Generator) -> str:
    ways: Sequence[str] = [*spellings(word), *synonyms(word)]
    return ways[int(rng.integers(len(ways)))]
