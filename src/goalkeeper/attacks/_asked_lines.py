"""Inputs asked of every model alike, and what the answers show of a model's shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goalkeeper.attacks._row_design import RowDesign
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.text import texts

POINTS = 12  # on a line
KINDS_OF_LINES = 3
TINY = 1e-9
FLAT = 1e-10  # log-odds that differ by less are the same answer
SHORT = 0.05  # of a line between two rows
MOST_PARTS = 150  # by which scores may all be multiples of one fraction


@dataclass(frozen=True, eq=False)
class AskedLines:
    """Inputs `(n, ...)`: single ones, then points on lines of several kinds.

    Of tables and images these are long lines, short lines and lines along one column or pixel; of
    texts, ways from one text to another, word by word.
    """

    rows: Inputs
    single: int
    lines: int

    @staticmethod
    def draw(domain: Domain, like: Inputs, most: int, rng: np.random.Generator) -> AskedLines:
        """Draw at most so many inputs: a quarter is single, the others are on lines.

        Parameters
        ----------
        domain
            What an input looks like.
        like
            Inputs `(m, ...)` of the attacker's own.
        most
            Inputs that may be asked.
        rng
            Draws them.
        """
        kinds = 1 if isinstance(domain, TextDomain) else KINDS_OF_LINES
        lines = max(0, (most * 3 // 4) // (kinds * POINTS))
        single = max(0, most - kinds * lines * POINTS)
        if isinstance(domain, TextDomain):
            return AskedLines(_draw_texts(like, single, lines, rng), single, lines)
        flat = np.asarray(like, dtype=np.float64).reshape(len(like), -1)
        if isinstance(domain, TableDomain):
            anywhere = RowDesign.of(domain).draw_mixed(max(single, 2), rng)
            rows = domain.project(_draw_rows(flat, anywhere, single, lines, rng))
            return AskedLines(rows, single, lines)
        # images of noise would say nothing: all are mixtures of known ones
        ends = rng.integers(0, len(flat), (2, max(single, 2)))
        rows = _draw_rows(flat, (flat[ends[0]] + flat[ends[1]]) / 2, single, lines, rng)
        return AskedLines(rows.reshape(-1, *np.shape(like)[1:]), single, lines)

    def describe(self, scores: Floats) -> Floats:
        """Return the features of the answers `(n, classes)` of one model."""
        logs = np.log(np.clip(scores, TINY, 1))
        odds = logs - logs.mean(axis=1, keepdims=True)
        alone = odds[: self.single]
        found = [_spread(odds[: self.single]), *_of_values(scores)]
        if self.rows.dtype != object:
            flat = self.rows[: self.single].reshape(self.single, -1)
            found += _of_fit(flat, alone)
        kinds = (len(self.rows) - self.single) // max(1, self.lines * POINTS)
        blocks = odds[self.single :].reshape(kinds, self.lines, POINTS, scores.shape[1])
        for block in blocks:
            found += _of_lines(block)
        kept: Floats = np.nan_to_num(np.array(found), nan=-1.0, posinf=30.0, neginf=-30.0)
        return kept


def _draw_rows(
    like: Floats, anywhere: Floats, single: int, lines: int, rng: np.random.Generator
) -> Floats:
    """Draw single rows and lines between rows `(m, d)`, of three kinds one after the other."""
    known = like[rng.permutation(len(like))[: single * 3 // 4]]
    alone = np.concatenate([known, anywhere])[:single]
    pool = like if len(like) > 1 else anywhere
    start, end = pool[rng.integers(0, len(pool), (2, lines))]
    part = np.linspace(0, 1, POINTS)[None, :, None]
    way = (end - start)[:, None]
    long = start[:, None] + part * way
    short = start[:, None] + (0.5 + SHORT * (part - 0.5)) * way
    column = np.repeat(start[:, None], POINTS, axis=1)
    spread = np.ptp(pool, axis=0) > 0
    free = np.flatnonzero(spread) if spread.any() else np.arange(pool.shape[1])
    for i, j in enumerate(rng.choice(free, lines)):
        column[i, :, j] = np.linspace(pool[:, j].min(), pool[:, j].max(), POINTS)
    along = [block.reshape(-1, pool.shape[1]) for block in (long, short, column)]
    return np.concatenate([alone, *along])


def _draw_texts(like: Inputs, single: int, lines: int, rng: np.random.Generator) -> Inputs:
    """Draw single texts, and ways between two texts, on which words are exchanged in turn."""
    alone = [str(like[i]) for i in rng.integers(0, len(like), single)]
    alone[: min(single, len(like))] = [str(t) for t in like[rng.permutation(len(like))][:single]]
    along = []
    for first, second in rng.integers(0, len(like), (lines, 2)):
        start, end = str(like[first]).split(), str(like[second]).split()
        for part in np.linspace(0, 1, POINTS):
            kept, taken = round((1 - part) * len(start)), round(part * len(end))
            along.append(" ".join([*end[:taken], *start[len(start) - kept :]]))
    return texts([*alone, *along])


def _spread(odds: Floats) -> float:
    """Return how much log-odds `(n, classes)` vary from input to input, as a logarithm.

    What is common to all inputs, such as how frequent a class is, does not count.
    """
    return float(np.log(odds.std(axis=0).mean() + TINY)) if len(odds) else 0.0


def _of_values(scores: Floats) -> list[float]:
    values = np.unique(np.round(scores, 8))
    sure = scores.max(axis=1)
    certain = float((sure > 1 - 1e-8).mean())
    return [
        float(np.log(count_parts(values))),
        float(np.log(len(values) / scores.size)),
        certain,
        float((scores < 1e-8).mean()),
        *np.quantile(sure, [0.1, 0.3, 0.5, 0.7, 0.9]).tolist(),
    ]


def count_parts(values: Floats) -> int:
    """Return the least k by which all scores are multiples of 1 / k; one more than most: none."""
    for k in range(1, MOST_PARTS + 1):
        if np.abs(values * k - np.round(values * k)).max(initial=0.0) < 1e-6 * k:
            return k
    return MOST_PARTS + 1


def _of_fit(rows: Floats, odds: Floats) -> list[float]:
    """Measure how much of the log-odds a linear and a quadratic function of rows leave over."""
    if len(rows) < 8:
        return [0.0, 0.0]
    x = (rows - np.nan_to_num(np.nanmean(rows, axis=0))) / (np.nanstd(rows, axis=0) + TINY)
    x = np.nan_to_num(x)
    half, total = len(x) // 2, odds.var() + TINY
    left = []
    for terms in (x, np.column_stack([x, x**2])):
        design = np.column_stack([terms, np.ones(len(x))])
        gram = design[:half].T @ design[:half] + 1e-3 * np.eye(design.shape[1])
        weights = np.linalg.solve(gram, design[:half].T @ odds[:half])
        left.append(float(np.log(((design[half:] @ weights - odds[half:]) ** 2).mean() / total)))
    return left


def _of_lines(odds: Floats) -> list[float]:
    """Measure steps and bends along lines `(lines, points, classes)`."""
    if not len(odds):
        return [0.0] * 10
    step = np.abs(np.diff(odds, axis=1))
    rise = np.ptp(odds, axis=1) + TINY
    moved = rise > 1e-7
    second = np.abs(np.diff(odds, 2, axis=1)).max(axis=1) / rise
    third = np.abs(np.diff(odds, 3, axis=1)).max(axis=1) / rise
    largest = step.max(axis=1) / rise
    bent = np.abs(np.diff(odds, 2, axis=1)) > 1e-5 * rise[:, None]
    turns = (np.diff(np.sign(np.diff(odds, axis=1)), axis=1) != 0).mean()

    def middle(values: Floats) -> float:
        return float(np.median(np.log10(values[moved] + TINY))) if moved.any() else 0.0

    return [
        float((step <= FLAT).mean()),
        float(moved.mean()),
        middle(second),
        middle(third),
        middle(largest),
        float(np.log10(rise).mean()),
        float(turns),
        float(bent.mean()),
        float(third[moved].mean()) if moved.any() else 0.0,
        float((second[moved] < 1e-4).mean()) if moved.any() else 0.0,
    ]
