"""Texts that grow: what tokenisers, counters of n-grams, loops and patterns are slow on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from goalkeeper.attacks.exhaustion._growth import Make, Shape
from goalkeeper.core.data import Inputs

LETTERS = "abcdefghijklmnopqrstuvwxyz"
MARKS = 5  # random letters at the end, so that no two texts are the same
# Repeats in which a backtracking pattern shows: a match that doubles or triples its steps with each
# sign takes milliseconds at one of the first, and the next is asked only where it will end.
FEWER = (3.0, 6.0)
FEW = (10.0, 15.0, 22.0, 34.0, 54.0)
MANY = (200.0, 800.0, 3200.0, 12_800.0, 51_200.0, 204_800.0)
# Repeats by which a quadratic pattern has shown itself; behind a beginning that only one place of a
# text has, nothing but an exponential one is to be expected.
GIVE_UP, GIVE_UP_STARTED = 800.0, 54.0
# Signs before what a pattern repeats: the beginning of links, tags, quotes, addresses, numbers.
STARTS = (
    *('"', "http://", "<", "a@", "(", "[", "{", "'", "https://www.", "<a ", "#", "@", "-", "+"),
    *("0", "$", "/", "www.", "mailto:", "x=", "<!--", "/*", "re: ", "&", "*", "`", "a.", "1."),
)
USUAL = 17  # pieces that are tried before anything else
CORES = ("a", "1", "a.", "a ", " ", "\\")
# Repeated pieces, the most usual first: classes of signs, and shapes of addresses, links, numbers,
# quotes, brackets, tags, escapes and lists.
PIECES = (
    *("a", "1", " ", "a ", "a.", "\t", "\n", "-", "_", ".", '"', "(", "<", "a@", "A", "a1", "!"),
    *("@", "/", "\\", "'", "[", "{", "=", ",", ";", ":", "#", "*", "0", "x", "?"),
    *("<!--", "<a", "a@a.", "http://", "www.", '\\"', '""', "()", "[[", "](", "a-", "a,", "a="),
    *("a/", "/a", "1.", "1,", "1 ", " \n", "\r\n", "ab", "a\n", ", ", "--", "{{", "${", "%20"),
    *("&amp;", "a=b&", "1:", "aa1 ", "<a>", "&", "+", "$", "%", "|", "~", "^", "`", ">", ")"),
    *("\u00e9", "**", "==", "1-"),
)
NESTED = {
    "brackets that open and close": ("(", ")"),
    "nested tags": ("<b>", "</b>"),
    "nested lists": ('[{"a":', "}]"),
}
MUTATED_SIGNS = "a1 .-_@/\"'(<\\,;:!#\n"


@final
@dataclass(frozen=True, slots=True)
class Pumped:
    """A piece again and again, between a beginning and an end of another kind."""

    piece: str
    start: str = ""
    end: str = "!"

    def write(self, repeats: float) -> str:
        """Return the text of so many repeats."""
        return self.start + self.piece * int(repeats) + self.end

    def shape(self, room: int) -> Shape:
        """Return the shape of texts of up to `room` characters."""
        most = (room - len(self.start) - len(self.end)) // len(self.piece)
        named = f"{self.start!r}, then {self.piece!r}" if self.start else f"{self.piece!r}"
        ended = "" if self.end == _end_of(self.piece) else f", then {self.end!r}"
        return Shape(
            f"{named} again and again{ended}",
            lambda size, rng: self.write(size),
            list_sizes(most, len(self.piece)),
            give_up=GIVE_UP_STARTED if self.start else GIVE_UP,
        )

    def mutate(self, rng: np.random.Generator) -> Pumped:
        """Return a variant: another start or end, or a piece with one sign more, less or other."""
        sign = MUTATED_SIGNS[int(rng.integers(len(MUTATED_SIGNS)))]
        match int(rng.integers(5)):
            case 0:
                return Pumped(self.piece, self.start, sign)
            case 1:
                return Pumped(self.piece, self.start, "")
            case 2:
                return Pumped(self.piece, STARTS[int(rng.integers(len(STARTS)))], self.end)
            case 3:
                return Pumped(self.piece + sign, self.start, self.end)
            case _:
                return Pumped(self.piece[1:] or sign, self.start, self.end)


def _end_of(piece: str) -> str:
    return "x" if "!" in piece else "!"


def list_sizes(most: int, piece: int = 1) -> tuple[float, ...]:
    """List the numbers of pieces to try up to `most`, and `most` itself.

    A piece of several signs begins with fewer: a pattern may take each sign for itself.
    """
    first = FEWER if piece > 1 else ()
    below = [size for size in (*first, *FEW, *MANY) if size < most]
    return (*below, float(most)) if most >= 1 else ()


def list_pumped() -> Iterator[Pumped]:
    """List repeated pieces, alone and behind usual beginnings, the most usual first."""
    for piece in PIECES[:USUAL]:
        yield Pumped(piece, "", _end_of(piece))
    yield from (Pumped(CORES[0], start) for start in STARTS)
    for piece in PIECES[USUAL:]:
        yield Pumped(piece, "", _end_of(piece))
    for core in CORES[1:]:
        for start in STARTS:
            yield Pumped(core, start)


def list_texts(room: int, examples: Inputs) -> list[Shape]:
    """List texts that are slow to split, to count and to compare.

    Sizes are characters, of nested texts the depth.
    """
    makers: dict[str, Make] = {
        "as many different words as fit": _join_different_words,
        "ordinary texts one after the other": _repeater(examples),
        "one very long word": lambda size, rng: _letters(int(size), rng),
        "long unknown words": lambda size, rng: _words(size, rng, LETTERS, (8, 13)),
        "words that are nearly alike": lambda size, rng: _words(size, rng, "ab", (12, 13)),
        "a few very long words that are nearly alike": _join_long_words,
        "single letters": lambda size, rng: " ".join(_letters(int(size) // 2 + 1, rng)),
        "numbers": lambda size, rng: _words(size, rng, "0123456789", (6, 10)),
        "one very long number": lambda size, rng: _letters(int(size), rng, "123456789"),
        "capital letters": lambda size, rng: _words(size, rng, LETTERS.upper(), (2, 7)),
        "signs of other scripts": _join_signs,
        "letters with many marks": _pile_marks,
        "one letter with all marks": lambda size, rng: "a" + _draw_marks(int(size) - 1, rng),
        "capitals that change length": _letters_of("\u0130\u1e9e\ufb03\u0149\ufdfa"),
        "short lines": lambda size, rng: _words(size, rng, LETTERS, (1, 4)).replace(" ", "\n"),
        "sentences of a word": _write_sentences,
        "punctuation": _letters_of("!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~\\"),
    }
    shapes = [Shape(name, make, list_sizes(room)) for name, make in makers.items()]
    signs = [chr(code) for code in range(32, 127)] + ["\t", "\n", "\u00e9"]
    shapes += [
        Shape(name, _nest(opening, closing), list_sizes(room // len(opening + closing), 2))
        for name, (opening, closing) in NESTED.items()
    ]
    return [*shapes, Shape("runs of every sign", _runs(signs), list_sizes(room // 100))]


def mark_ends(texts: Sequence[str], room: int, rng: np.random.Generator) -> list[str]:
    """Cut texts to `room` characters and add letters that are different for each.

    They stand at the end, where they do not keep a pattern from matching at the beginning.
    """
    return [text[:room] + _letters(MARKS, rng) for text in texts]


# ---- makers --------------------------------------------------------------------------------------


def _letters(count: int, rng: np.random.Generator, of: str = LETTERS) -> str:
    return "".join(of[i] for i in rng.integers(0, len(of), max(count, 0)).tolist())


def _letters_of(signs: str) -> Make:
    return lambda size, rng: _letters(int(size), rng, signs)


def _words(size: float, rng: np.random.Generator, of: str, lengths: tuple[int, int]) -> str:
    """Draw words of letters, their lengths from the first up to below the second."""
    signs = _letters(int(size) + lengths[1], rng, of)
    out, at = [], 0
    while at < size:
        length = int(rng.integers(*lengths))
        out.append(signs[at : at + length])
        at += length + 1
    return " ".join(out)[: int(size)]


def _write_sentences(size: float, rng: np.random.Generator) -> str:
    return _words(size, rng, LETTERS, (3, 6)).replace(" ", ". ")


def _join_different_words(size: float, rng: np.random.Generator) -> str:
    pairs = [a + b for a in LETTERS for b in LETTERS]
    triples = [pair + c for pair in pairs for c in LETTERS]
    out, length = [], 0
    for words in (pairs, triples):
        for i in rng.permutation(len(words)).tolist():
            if length >= size:
                break
            out.append(words[i])
            length += len(words[i]) + 1
    while length < size:
        out.append(_letters(4, rng))
        length += 5
    return " ".join(out)[: int(size)]


def _join_long_words(size: float, rng: np.random.Generator) -> str:
    return " ".join(_letters(int(size) // 3, rng, "ab") for _ in range(3))


def _join_signs(size: float, rng: np.random.Generator) -> str:
    signs = "".join(map(chr, rng.integers(0x4E00, 0x9FFF, int(size)).tolist()))
    return " ".join(signs[i : i + 3] for i in range(0, len(signs), 3))[: int(size)]


def _draw_marks(count: int, rng: np.random.Generator) -> str:
    """Draw marks in no order: whoever sorts those of a letter by insertion takes their square."""
    return "".join(map(chr, rng.integers(0x300, 0x36F, max(count, 0)).tolist()))


def _pile_marks(size: float, rng: np.random.Generator) -> str:
    marks = _draw_marks(int(size), rng)
    return "".join("a" + marks[i : i + 60] for i in range(0, len(marks), 60))[: int(size)]


def _repeater(examples: Inputs) -> Make:
    def make(size: float, rng: np.random.Generator) -> str:
        out, length = [], 0
        while length < size:
            out.append(str(examples[int(rng.integers(len(examples)))]) or " ")
            length += len(out[-1]) + 1
        return "\n".join(out)[: int(size)]

    return make


def _nest(opening: str, closing: str) -> Make:
    return lambda depth, rng: opening * int(depth) + closing * int(depth)


def _runs(signs: Sequence[str]) -> Make:
    return lambda size, rng: "\n".join(signs[i] * int(size) for i in rng.permutation(len(signs)))
