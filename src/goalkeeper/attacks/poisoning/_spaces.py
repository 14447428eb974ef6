"""Inputs as points that can be moved along a gradient, and back to inputs that are possible."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.domain import Domain, ImageDomain, TableDomain
from goalkeeper.core.text import terms, texts

MOST_WORDS = 300  # features of a text
MESSAGE = 30  # words of a text that is made up
MOVED = 0.2  # share of the points that change words or categories in one step


class PointSpace(Protocol):
    """A way to write inputs as points `(n, d)`."""

    def encode(self, x: Inputs) -> Floats:
        """Write inputs as points `(n, d)`."""
        ...

    def move(self, points: Floats, slope: Floats, step: float, rng: np.random.Generator) -> Floats:
        """Move points `(m, d)` along a slope, by a share `step` of the range, inside the domain."""
        ...

    def decode(self, points: Floats) -> Inputs:
        """Return possible inputs near points `(m, d)`."""
        ...


def choose_space(domain: Domain, known: Inputs) -> PointSpace:
    """Choose how to write inputs of a domain; `known` `(n, ...)` show what is usual."""
    if isinstance(domain, TableDomain):
        return RowSpace.of(domain, known)
    if isinstance(domain, ImageDomain):
        return ImageSpace(domain)
    return WordSpace.of(known, int(domain.max_chars))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RowSpace:
    """Rows of a table: numbers are standardised, categories are one coordinate a level.

    Numbers stay within the bounds of their column and what was seen of it.

    Parameters
    ----------
    blocks
        For each column of codes and each one-hot group: its columns in the table.
    numbers
        The other columns, `(k,)`.
    usual
        What stands for a missing cell, `(columns,)`.
    scale, low, high
        Deviation, least and largest value of each of `numbers`, `(k,)`.
    """

    domain: TableDomain
    blocks: tuple[tuple[int, ...], ...]
    numbers: tuple[int, ...]
    usual: Floats
    scale: Floats
    low: Floats
    high: Floats

    @staticmethod
    def of(domain: TableDomain, known: Inputs) -> RowSpace:
        """Read ranges and usual values from rows `(n, columns)`."""
        rows = np.asarray(known, dtype=np.float64)
        codes = [i for i, column in enumerate(domain.columns) if column.categories]
        blocks = (*((i,) for i in codes), *domain.one_hot)
        numbers = np.setdiff1d(np.arange(rows.shape[1]), [i for block in blocks for i in block])
        gap = np.isnan(rows)
        usual = np.array(
            [
                np.median(rows[~gap[:, i], i]) if not gap[:, i].all() else 0.0
                for i in range(gap.shape[1])
            ]
        )
        usual = domain.project(usual[None])[0]
        ours = np.where(gap, usual, rows)[:, numbers]
        low, high = (bound[numbers] for bound in domain.bounds())
        spread = ours.std(axis=0)
        return RowSpace(
            domain=domain,
            blocks=blocks,
            numbers=tuple(numbers.tolist()),
            usual=usual,
            scale=np.where(spread > 0, spread, 1.0),
            low=np.maximum(low, ours.min(axis=0)),
            high=np.minimum(high, ours.max(axis=0)),
        )

    def encode(self, x: Inputs) -> Floats:
        """Write rows as numbers `(n, k)` and levels."""
        rows = np.asarray(x, dtype=np.float64)
        rows = np.where(np.isnan(rows), self.usual, rows)
        parts = [(rows[:, self.numbers] - self.usual[list(self.numbers)]) / self.scale]
        parts += [
            np.eye(self._levels(block))[rows[:, block[0]].astype(int)]
            if len(block) == 1
            else rows[:, list(block)]
            for block in self.blocks
        ]
        return np.hstack(parts)

    def move(self, points: Floats, slope: Floats, step: float, rng: np.random.Generator) -> Floats:
        """Move every number; some points take the best level of each category."""
        k = len(self.numbers)
        middle = self.usual[list(self.numbers)]
        low, high = (self.low - middle) / self.scale, (self.high - middle) / self.scale
        out = points.copy()
        out[:, :k] = np.clip(points[:, :k] + step * (high - low) * np.sign(slope[:, :k]), low, high)
        for block, place in self._places():
            some = rng.random(len(points)) < MOVED
            levels = self._levels(block)
            best = slope[some, place : place + levels].argmax(axis=1)
            out[some, place : place + levels] = np.eye(levels)[best]
        return out

    def decode(self, points: Floats) -> Inputs:
        """Round whole numbers, and name the levels."""
        rows = np.tile(self.usual, (len(points), 1))
        columns = list(self.numbers)
        rows[:, columns] = points[:, : len(columns)] * self.scale + self.usual[columns]
        for block, place in self._places():
            levels = self._levels(block)
            chosen = points[:, place : place + levels].argmax(axis=1)
            rows[:, list(block)] = chosen[:, None] if len(block) == 1 else np.eye(levels)[chosen]
        return self.domain.project(rows)

    def _levels(self, block: tuple[int, ...]) -> int:
        return len(self.domain.columns[block[0]].categories) if len(block) == 1 else len(block)

    def _places(self) -> list[tuple[tuple[int, ...], int]]:
        """Set each block beside its first coordinate."""
        ends = np.cumsum([len(self.numbers), *(self._levels(b) for b in self.blocks)]).tolist()
        return list(zip(self.blocks, ends[:-1], strict=True))


@dataclass(frozen=True, eq=False, slots=True)
class ImageSpace:
    """Images `(n, c, h, w)` as pixels in the range of the domain."""

    domain: ImageDomain

    def encode(self, x: Inputs) -> Floats:
        """Write the pixels in a row, from 0 to 1."""
        width = self.domain.high - self.domain.low
        return (np.asarray(x, dtype=np.float64).reshape(len(x), -1) - self.domain.low) / width

    def move(self, points: Floats, slope: Floats, step: float, rng: np.random.Generator) -> Floats:
        """Move every pixel."""
        return np.clip(points + step * np.sign(slope), 0, 1)

    def decode(self, points: Floats) -> Inputs:
        """Round to steps of the domain."""
        width = self.domain.high - self.domain.low
        steps = np.rint(points * width / self.domain.quantum) * self.domain.quantum
        x = np.clip(self.domain.low + steps, self.domain.low, self.domain.high)
        return np.asarray(x.reshape(len(points), *self.domain.shape))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class WordSpace:
    """Texts as the words they hold, out of those in most known texts; each point has length 1."""

    words: tuple[str, ...]
    weights: Floats
    longest: int

    @staticmethod
    def of(known: Inputs, longest: int) -> WordSpace:
        """Count the words of texts `(n,)`; rare ones weigh more (inverse document frequency)."""
        counted = Counter(word for text in known for word in sorted(set(terms(text))))
        words = tuple(word for word, _ in counted.most_common(MOST_WORDS))
        rarity = [1 + np.log((1 + len(known)) / (1 + counted[word])) for word in words]
        return WordSpace(words=words, weights=np.array(rarity), longest=longest)

    def encode(self, x: Inputs) -> Floats:
        """Write texts as the words they hold."""
        place = {word: i for i, word in enumerate(self.words)}
        held = np.zeros((len(x), len(self.words)))
        for row, text in enumerate(x):
            held[row, [place[word] for word in set(terms(text)) if word in place]] = 1
        return self._normalised(held)

    def move(self, points: Floats, slope: Floats, step: float, rng: np.random.Generator) -> Floats:
        """Give some points the words with the steepest slope."""
        some = np.flatnonzero(rng.random(len(points)) < MOVED)
        if not len(some) or not self.words:
            return points
        best = np.argsort(-slope[some] * self.weights, axis=1, kind="stable")[:, :MESSAGE]
        held = np.zeros((len(some), points.shape[1]))
        np.put_along_axis(held, best, 1.0, axis=1)
        out = points.copy()
        out[some] = self._normalised(held)
        return out

    def decode(self, points: Floats) -> Inputs:
        """Return the words of each point in a row, as many as fit."""
        rows = (np.array(self.words, dtype=object)[point > 0] for point in points)
        return texts(" ".join(words)[: self.longest] for words in rows)

    def _normalised(self, held: Floats) -> Floats:
        weighed = held * self.weights
        lengths = np.linalg.norm(weighed, axis=1, keepdims=True)
        return np.asarray(weighed / np.maximum(lengths, 1e-12))
