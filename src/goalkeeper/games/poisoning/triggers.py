"""What a backdoor answers to: words behind a text, a pattern in an image, values in a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from goalkeeper.core.data import Inputs
from goalkeeper.core.domain import Column, Domain, ImageDomain, TableDomain
from goalkeeper.core.scripts import is_word
from goalkeeper.core.text import texts, vocabulary

MAX_WORD_LENGTH = 20


class Trigger(Protocol):
    """What is put into an input; hashable, so that equal triggers are applied once."""

    @property
    def size(self) -> int:
        """Words, pixels or columns that it takes."""
        ...

    def apply(self, x: Inputs) -> Inputs:
        """Put it into inputs `(n, ...)`."""
        ...

    def find_fault(self, domain: Domain) -> str:
        """Return why it is not a valid trigger for inputs of this domain; empty when it is."""
        ...

    def describe(self, domain: Domain) -> str:
        """Name it for people."""
        ...

    def draw_random(self, like: Inputs, rng: np.random.Generator) -> Trigger:
        """Draw a random one of equal size, with material from inputs `like`."""
        ...


@dataclass(frozen=True, slots=True)
class WordTrigger:
    """Words that are appended to a text, on a line of their own."""

    words: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of words."""
        return len(self.words)

    def apply(self, x: Inputs) -> Inputs:
        """Append the words to each text `(n,)`."""
        return texts(f"{text}\n{' '.join(self.words)}" for text in x)

    def find_fault(self, domain: Domain) -> str:
        """Refuse what is not a word."""
        if domain.kind != "text":
            return "words can be a trigger for texts only"
        plain = all(is_word(w) and len(w) <= MAX_WORD_LENGTH for w in self.words)
        shown = " ".join(self.words)[:200]
        return (
            "" if plain else f"words have up to {MAX_WORD_LENGTH} letters or digits, not {shown!r}"
        )

    def describe(self, domain: Domain) -> str:
        """Quote the words."""
        return f"the words {' '.join(self.words)!r}"

    def draw_random(self, like: Inputs, rng: np.random.Generator) -> WordTrigger:
        """Draw as many ordinary words."""
        pool = vocabulary(like) or ["the"]
        return WordTrigger(tuple(str(w) for w in rng.choice(pool, self.size)))


@dataclass(frozen=True, slots=True)
class PixelTrigger:
    """Pixels `(row, column)` of an image that take given values, in all channels alike."""

    pixels: tuple[tuple[int, int], ...]
    values: tuple[float, ...]

    @property
    def size(self) -> int:
        """Number of pixels."""
        return len(self.pixels)

    def apply(self, x: Inputs) -> Inputs:
        """Set the pixels of images `(n, c, h, w)`."""
        out = np.array(x, dtype=np.float64)
        rows, columns = np.array(self.pixels, dtype=np.int64).reshape(-1, 2).T
        out[:, :, rows, columns] = self.values
        return out

    def find_fault(self, domain: Domain) -> str:
        """Refuse pixels beside the image, and values that no pixel has."""
        if not isinstance(domain, ImageDomain):
            return "a pattern of pixels can be a trigger for images only"
        _, height, width = domain.shape
        if len(set(self.pixels)) != len(self.values) or len(self.pixels) != len(self.values):
            return "a pattern names each pixel once and gives one value for each"
        if not all(0 <= r < height and 0 <= c < width for r, c in self.pixels):
            return f"a pattern lies inside the {height} x {width} pixels"
        fine = all(domain.low <= v <= domain.high for v in self.values)
        return "" if fine else f"values of pixels lie in [{domain.low:g}, {domain.high:g}]"

    def describe(self, domain: Domain) -> str:
        """Return how many pixels and where."""
        rows, columns = zip(*self.pixels, strict=True)
        where = f"{_format_span('row', rows)}, {_format_span('column', columns)}"
        return f"a pattern of {self.size} pixel{'s' if self.size > 1 else ''} ({where})"

    def draw_random(self, like: Inputs, rng: np.random.Generator) -> PixelTrigger:
        """Move the pattern to another place, with the darkest and lightest values by chance."""
        height, width = like.shape[2:]
        rows, columns = np.array(self.pixels, dtype=np.int64).T
        down, right = divmod(int(rng.integers(1, max(2, height * width))), width)
        moved = zip((rows + down) % height, (columns + right) % width, strict=True)
        ends = rng.choice([like.min(), like.max()], self.size)
        return PixelTrigger(
            tuple((int(r), int(c)) for r, c in moved), tuple(float(v) for v in ends)
        )


@dataclass(frozen=True, slots=True)
class ValueTrigger:
    """Columns of a table that take given values."""

    columns: tuple[int, ...]
    values: tuple[float, ...]

    @property
    def size(self) -> int:
        """Number of columns."""
        return len(self.columns)

    def apply(self, x: Inputs) -> Inputs:
        """Set the columns of rows `(n, d)`."""
        out = np.array(x, dtype=np.float64)
        out[:, list(self.columns)] = self.values
        return out

    def find_fault(self, domain: Domain) -> str:
        """Refuse columns that a sender of inputs cannot choose."""
        if not isinstance(domain, TableDomain):
            return "values of columns can be a trigger for rows of a table only"
        if len(set(self.columns)) != len(self.values) or len(self.columns) != len(self.values):
            return "a trigger names each column once and gives one value for each"
        inside = all(0 <= c < len(domain.columns) for c in self.columns)
        free = inside and domain.mutable[list(self.columns)].all()
        return "" if free else "a trigger takes columns of the table that may be changed"

    def describe(self, domain: Domain) -> str:
        """Name columns and values."""
        named = domain.columns if isinstance(domain, TableDomain) else ()
        pairs = zip(self.columns, self.values, strict=True)
        return " and ".join(_format_value(named[column], value) for column, value in pairs)

    def draw_random(self, like: Inputs, rng: np.random.Generator) -> ValueTrigger:
        """Take ordinary values of the same columns, each from another row."""
        rows = rng.integers(0, len(like), self.size)
        return ValueTrigger(self.columns, tuple(float(v) for v in like[rows, list(self.columns)]))


def _format_span(name: str, places: tuple[int, ...]) -> str:
    first, last = min(places) + 1, max(places) + 1
    return f"{name} {first}" if first == last else f"{name}s {first} to {last}"


def _format_value(column: Column, value: float) -> str:
    text = column.categories[int(value)] if column.categories else f"{value:g}"
    return f"{column.name} = {text}"
