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
MIN_TYPO_LETTERS = 4  # letters of a word that stays readable with a typing error


@dataclass(frozen=True, slots=True)
class Token:
    """A word between signs, e.g. `(`, `free`, `!`."""

    before: str
    word: str
    after: str

    def with_word(self, word: str) -> str:
        """Write another word between the same signs."""
        return f"{self.before}{word}{self.after}"


def split_tokens(text: str) -> list[str]:
    """Split a text into tokens and the space between them, alternately, a token first."""
    return SPACES.split(text)


def match_word(token: str) -> Token | None:
    """Find the word in a token that an edit may touch; None for numbers, codes, short words."""
    found = WORD.fullmatch(token)
    return Token(*found.groups()) if found else None


# ---- edits ---------------------------------------------------------------------------------------


def swap_lookalikes(word: str, which: int = 0) -> str:
    """Replace every letter that has one by a look-alike: the first of them are other scripts'."""
    return "".join(_swap_letter(letter, which) for letter in word)


def _swap_letter(letter: str, which: int) -> str:
    found = LOOKS.get(letter.lower(), "")
    return found[min(which, len(found) - 1)] if found else letter


def split_word(word: str, sign: str = SPLITS[0]) -> str:
    """Put a sign in the middle of a word; without another argument one that nobody sees."""
    return word[: len(word) // 2] + sign + word[len(word) // 2 :]


def mistype_word(word: str) -> str:
    """Swap the first two inner letters that differ; words that are too short stay as they are."""
    for i in range(1, len(word) - 2):
        if word[i] != word[i + 1]:
            return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    return word


def list_respellings(word: str) -> list[str]:
    """List ways of writing a word that people still read, those hardest to notice first."""
    ways = [
        swap_lookalikes(word),
        split_word(word),
        mistype_word(word),
        swap_lookalikes(word, 1),
        split_word(word, "."),
    ]
    return [way for way in dict.fromkeys(ways) if way != word]


def list_synonyms(word: str) -> list[str]:
    """List words that say about the same, in the case of this one; empty for unknown words."""
    found = SYNONYMS.get(word.lower(), ())
    if word.isupper():
        return [other.upper() for other in found]
    return [other.capitalize() for other in found] if word.istitle() else list(found)


def reads_as(word: str, other: str) -> bool:
    """Return whether `other` is a synonym of `word`, or the same word, still readable.

    Allowed are look-alike letters and single signs between letters, or one typing error: two
    neighbours swapped, one letter left out or doubled, never the first or the last.
    """
    return other in list_synonyms(word) or _looks_like(word, other) or _is_typing_error(word, other)


def _looks_like(word: str, other: str) -> bool:
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


def _is_typing_error(word: str, other: str) -> bool:
    if len(word) < MIN_TYPO_LETTERS or word[:1] != other[:1] or word[-1:] != other[-1:]:
        return False
    inner = range(1, len(word) - 1)
    ways = [word[:i] + word[i + 1 :] for i in inner]
    ways += [word[:i] + word[i] + word[i:] for i in inner]
    ways += [word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in inner if i < len(word) - 2]
    return other in ways


# ---- limits --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class EditConstraint:
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

    @property
    def within(self) -> str:
        """The limit in words."""
        return f"with at most {self.most_words:,} words respelt or replaced"

    def quantise(self, before: Inputs, after: Inputs) -> Inputs:
        """Return the texts as they are: they arrive as they were written."""
        return after

    def size(self, before: Inputs, after: Inputs) -> Floats:
        """Count the words that differ, `(n,)`."""
        pairs = zip(before, after, strict=True)
        return np.array([len(list(_list_differences(a, b))) for a, b in pairs], dtype=np.float64)

    def allows(self, before: Inputs, after: Inputs) -> Bools:
        """Return which changed texts `(n,)` still read as they did, and stay inside the limits."""
        pairs = zip(before, after, strict=True)
        return np.array([self._allows(a, b) for a, b in pairs], dtype=bool)

    def _allows(self, before: str, after: object) -> bool:
        if not isinstance(after, str) or len(after) > self.max_chars:
            return False
        if len(split_tokens(before)) != len(split_tokens(after)):
            return False
        changed = list(_list_differences(before, after))
        return len(changed) <= self.most_words and all(_is_allowed(a, b) for a, b in changed)

    def perturb_randomly(
        self, before: Inputs, sizes: Floats, like: Inputs, rng: np.random.Generator
    ) -> Inputs:
        """Change as many words of each text as `sizes` `(n,)` says, drawn blindly."""
        pairs = zip(before, sizes.astype(int), strict=True)
        return texts(_rewrite_randomly(text, size, rng) for text, size in pairs)


def find_words(text: str) -> dict[int, Token]:
    """Find the words of a text that may be changed, by their place in `split_tokens(text)`."""
    found = ((i, match_word(token)) for i, token in enumerate(split_tokens(text)) if i % 2 == 0)
    return {i: token for i, token in found if token is not None}


def rewrite_words(text: str, words: dict[int, str]) -> str:
    """Put other words in the places of `split_tokens(text)` that are named."""
    parts = split_tokens(text)
    for place, word in words.items():
        token = match_word(parts[place])
        parts[place] = token.with_word(word) if token else parts[place]
    return "".join(parts)


def _list_differences(before: str, after: str) -> Iterator[tuple[str, str]]:
    """Return the tokens and spaces that differ."""
    return (
        (a, b) for a, b in zip(split_tokens(before), split_tokens(after), strict=False) if a != b
    )


def _is_allowed(before: str, after: str) -> bool:
    token = match_word(before)
    if token is None or not after.startswith(token.before) or not after.endswith(token.after):
        return False
    word = after[len(token.before) : len(after) - len(token.after)]
    return reads_as(token.word, word)


def _rewrite_randomly(text: str, size: int, rng: np.random.Generator) -> str:
    found = find_words(text)
    places = rng.permutation(list(found))[:size].tolist() if found else []
    return rewrite_words(text, {place: _draw_rewriting(found[place].word, rng) for place in places})


def _draw_rewriting(word: str, rng: np.random.Generator) -> str:
    ways: Sequence[str] = [*list_respellings(word), *list_synonyms(word)]
    return ways[int(rng.integers(len(ways)))]
