"""Rows asked of every model alike, and what the answers show of a model's shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goalkeeper.attacks._row_design import RowDesign
from goalkeeper.core.data import Floats
from goalkeeper.core.domain import TableDomain

POINTS = 12  # on a line
TINY = 1e-9
FLAT = 1e-10  # log-odds that differ by less are the same answer
SHORT = 0.05  # of a line between two rows
MOST_PARTS = 150  # by which scores may all be multiples of one fraction


@dataclass(frozen=True, eq=False)
class AskedLines:
    """Rows `(n, d)`: single ones, then long lines, short lines and lines along one column."""

    rows: Floats
    single: int
    lines: int

    @staticmethod
    def draw(domain: TableDomain, like: Floats, most: int, rng: np.random.Generator) -> AskedLines:
        """Draw at most so many rows: a quarter is single, the others are on lines."""
        lines = max(0, (most * 3 // 4) // (3 * POINTS))
        single = max(0, most - 3 * lines * POINTS)
        anywhere = RowDesign.of(domain).draw_mixed(max(single, 2), rng)
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
        rows = domain.project(np.concatenate([alone, *along]))
        return AskedLines(rows, single, lines)

    def describe(self, scores: Floats) -> Floats:
        """Return the features of the answers `(n, classes)` of one model."""
        logs = np.log(np.clip(scores, TINY, 1))
        odds = logs - logs.mean(axis=1, keepdims=True)
        alone = odds[: self.single]
        found = [*_of_values(scores), *_of_fit(self.rows[: self.single], alone)]
        blocks = odds[self.single :].reshape(3, self.lines, POINTS, scores.shape[1])
        for block in blocks:
            found += _of_lines(block)
        kept: Floats = np.nan_to_num(np.array(found), nan=-1.0, posinf=30.0, neginf=-30.0)
        return kept


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
