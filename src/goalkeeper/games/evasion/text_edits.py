"""Texts whose words are respelt or replaced: what still reads the same, and how many changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.core.scripts import HAS_UNSPACED, MARKS, PIECE, split_pieces, split_runs
from goalkeeper.core.text import texts
from goalkeeper.games.evasion.spelling import find_changed_letters, list_respellings, reads_as
from goalkeeper.games.evasion.synonyms import find_text_language, list_synonyms

SPACES = re.compile(r"(\s+)")
# Letters only, so that no code or number is touched: three of them, or two syllables of Korean.
LETTERS = rf"(?:(?:[^\W\d_]{MARKS}*+){{3,}}+|(?:[\uac00-\ud7a3]{MARKS}*+){{2}}+)"
WORD = re.compile(rf"(\W*+)({LETTERS})(\W*)")


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


def split_parts(text: str) -> list[str]:
    """Split a text into what is edited as one: tokens, space, pieces of scripts without spaces."""
    if text.isascii() or not HAS_UNSPACED.search(text):
        return split_tokens(text)
    return [part for token in split_tokens(text) for part in _split_token(token)]


def _split_token(token: str) -> Iterator[str]:
    runs = split_runs(token)
    if len(runs) == 1:
        yield token
        return
    for i, run in enumerate(runs):
        yield from split_pieces(run) if i % 2 else [run] if run else []


def match_word(token: str) -> Token | None:
    """Find the word in a token that an edit may touch; None for numbers, codes, short words."""
    if HAS_UNSPACED.match(token):
        return Token("", token, "")
    found = WORD.fullmatch(token)
    return Token(*found.groups()) if found else None


def find_words(text: str) -> dict[int, Token]:
    """Find the words of a text that may be changed, by their place in `split_parts(text)`.

    In a token of a script without spaces only the pieces of that script may be.
    """
    found: dict[int, Token] = {}
    place = 0
    for token in split_tokens(text):
        parts = list(_split_token(token))
        for part in parts:
            if len(parts) == 1 or HAS_UNSPACED.match(part):
                word = match_word(part)
                if word is not None:
                    found[place] = word
            place += 1
    return found


def rewrite_words(text: str, words: Mapping[int, str]) -> str:
    """Put other words in the places of `split_parts(text)` that are named."""
    return rewrite_parts(split_parts(text), words)


def rewrite_parts(parts: Sequence[str], words: Mapping[int, str]) -> str:
    """Put other words in the named places of a text's parts."""
    out = list(parts)
    for place, word in words.items():
        token = match_word(parts[place])
        out[place] = token.with_word(word) if token else parts[place]
    return "".join(out)


# ---- limits --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class EditConstraint:
    """Words may be written otherwise or replaced by synonyms; nothing is added, nothing goes.

    Numbers, addresses and words of one or two letters are untouched. Of a script without spaces
    every two characters count as a word, and only their forms and what nobody sees may change.
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
        counts = [sum(_count_changes(*pair) for pair in _list_differences(a, b)) for a, b in pairs]
        return np.array(counts, dtype=np.float64)

    def allows(self, before: Inputs, after: Inputs) -> Bools:
        """Return which changed texts `(n,)` still read as they did, and stay inside the limits."""
        pairs = zip(before, after, strict=True)
        return np.array([self._allows(a, b) for a, b in pairs], dtype=bool)

    def _allows(self, before: str, after: object) -> bool:
        if not isinstance(after, str) or len(after) > self.max_chars:
            return False
        if before == after:
            return True
        if len(split_tokens(before)) != len(split_tokens(after)):
            return False
        changed = list(_list_differences(before, after))
        if sum(_count_changes(a, b) for a, b in changed) > self.most_words:
            return False
        language = find_text_language(before)
        return all(_is_allowed(a, b, language) for a, b in changed)

    def perturb_randomly(
        self, before: Inputs, sizes: Floats, like: Inputs, rng: np.random.Generator
    ) -> Inputs:
        """Change as many words of each text as `sizes` `(n,)` says, drawn blindly."""
        pairs = zip(before, sizes.astype(int), strict=True)
        return texts(_rewrite_randomly(text, size, rng) for text, size in pairs)


def _list_differences(before: str, after: str) -> Iterator[tuple[str, str]]:
    """Return the tokens and spaces that differ."""
    return (
        (a, b) for a, b in zip(split_tokens(before), split_tokens(after), strict=False) if a != b
    )


def _count_changes(before: str, after: str) -> int:
    """Count the words that differ in a token: one, or the pieces of a script without spaces."""
    if before.isascii() or not HAS_UNSPACED.search(before):
        return 1
    changed = find_changed_letters(before, after, unspaced=True)
    return 1 if changed is None else len({place // PIECE for place in changed})


def _is_allowed(before: str, after: str, language: str) -> bool:
    if HAS_UNSPACED.search(before):
        return find_changed_letters(before, after, unspaced=True) is not None
    token = match_word(before)
    if token is None or not after.startswith(token.before) or not after.endswith(token.after):
        return False
    word = after[len(token.before) : len(after) - len(token.after)]
    return reads_as(token.word, word, language)


def _rewrite_randomly(text: str, size: int, rng: np.random.Generator) -> str:
    found = find_words(text)
    places = rng.permutation(list(found))[:size].tolist() if found else []
    if not places:
        return text
    language = find_text_language(text)
    return rewrite_words(
        text, {place: _draw_rewriting(found[place].word, language, rng) for place in places}
    )


def _draw_rewriting(word: str, language: str, rng: np.random.Generator) -> str:
    ways: Sequence[str] = [*list_respellings(word), *list_synonyms(word, language)]
    return ways[int(rng.integers(len(ways)))]
