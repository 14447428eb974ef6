"""Equations for linear models on tables: which valid rows to ask, and what solves them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from goalkeeper.attacks._row_design import RowDesign, expand_levels
from goalkeeper.attacks.extraction._substitutes import LinearSubstitute
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Floats
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import DataError

TINY = float(np.finfo(np.float64).tiny)
EXACT = 1e-12  # answers finer than this count as unrounded
HALVINGS = 40


class Equations:
    """Rows asked so far, and what their scores said.

    Parameters
    ----------
    access
        Where the questions go.
    design
        The unknowns.
    """

    def __init__(self, access: Access, design: RowDesign) -> None:
        self._access, self.design = access, design
        self.rows = np.zeros((0, len(design.domain.columns)))
        self.scores = np.zeros((0, len(access.classes)))

    @property
    def left(self) -> int:
        """Queries left."""
        return int(self._access.left()[0])

    def ask(self, rows: Floats) -> Floats:
        """Ask as many of the rows as the budget covers; returns their scores."""
        rows = rows[: self.left]
        if not self.design.domain.valid(rows).all():
            raise DataError(
                "no valid rows differ in one column only, so that the equations cannot be "
                "written; check bounds and one-hot groups of the domain"
            )
        scores = self._access.query(rows).scores if len(rows) else self.scores[:0]
        self.rows = np.concatenate([self.rows, rows])
        self.scores = np.concatenate([self.scores, scores])
        return scores

    def is_clear(self, scores: Floats) -> Bools:
        """Return which answers `(n,)` are far enough from 0 and 1 to take a logarithm."""
        least = scores.min(axis=1)
        # Of two classes the smaller score is often computed as 1 - p, which loses its digits below
        # about 1e-7; softmax scores keep theirs down to the smallest numbers.
        floor = 1e-7 if scores.shape[1] == 2 else 1e-250
        return np.asarray(least > max(floor, 2 * self.rounding_error))

    @property
    def rounding_error(self) -> float:
        """Half the last decimal of the scores seen; 0 when they are not rounded."""
        if not len(self.scores):
            return 0.0
        for decimals in range(2, 9):
            scaled = self.scores * 10**decimals
            if np.allclose(scaled, np.round(scaled), rtol=0, atol=1e-6):
                saturated = np.isin(np.round(scaled), (0, 10**decimals)).all()
                return 0.0 if saturated else 0.5 * 10.0**-decimals
        single = self.scores.astype(np.float32).astype(np.float64)
        # Half a unit of single precision just below 1: 2^-25 = 3e-8.
        return 3e-8 if np.array_equal(single, self.scores) else 0.0

    def solve(self, base: Floats) -> LinearSubstitute:
        """Solve for weights and bias by least squares, rows weighed by how exact they are."""
        design = self.design
        start = design.features(base[None])
        change = design.features(self.rows) - start
        scale = np.abs(change).max(axis=0, initial=0.0)
        scale[scale == 0] = 1.0
        logs = np.log(np.maximum(self.scores, max(self.rounding_error, TINY)))
        logs -= logs.mean(axis=1, keepdims=True)
        trust = np.where(self.is_clear(self.scores), 1.0, 1e-6)
        if self.rounding_error:
            trust = np.maximum(self.scores.min(axis=1), self.rounding_error)
        left = np.column_stack([change / scale, np.ones(len(change))])
        found = np.linalg.lstsq(left * trust[:, None], logs * trust[:, None], rcond=None)[0]
        weights = (found[:-1] / scale[:, None]).T
        return build_substitute(design, weights, found[-1] - weights @ start[0])


def build_substitute(design: RowDesign, weights: Floats, bias: Floats) -> LinearSubstitute:
    """Build the substitute from the solved `weights` `(k, unknowns)` and `bias` `(k,)`."""
    if design.coded:
        return LinearSubstitute(weights, bias, design.levels)
    full = np.zeros((len(weights), len(design.domain.columns)))
    full[:, [j for j, _ in design.levels]] = weights
    return LinearSubstitute(full, bias)


def solve_equations(access: Access, patience: int) -> Iterator[LinearSubstitute]:
    """Ask d + 1 rows and solve; then check, and ask more where the answers were too coarse.

    Parameters
    ----------
    access
        Where the questions go.
    patience
        Rows asked an unknown, at most, before giving in.
    """
    domain = access.domain
    if not isinstance(domain, TableDomain):
        raise DataError(f"this attack needs rows of a table, the inputs are {domain.kind}s")
    design = RowDesign.of(domain)
    asked = Equations(access, design)
    base = _find_base(asked, access.rng)
    _change_one_by_one(asked, base)
    copy = asked.solve(base)
    yield copy
    unknowns = len(design.levels) + 1
    if _fits(asked, copy, access.rng):
        return
    while asked.left and len(asked.rows) < patience * unknowns:
        asked.ask(_draw_near_boundary(design, copy, len(asked.rows), access.rng))
        copy = asked.solve(base)
        yield copy


def _find_base(asked: Equations, rng: np.random.Generator) -> Floats:
    """Find a row whose scores are clear: the middle, else others, else towards the boundary."""
    design = asked.design
    asked.ask(design.centre()[None])
    for _ in range(4):
        if asked.is_clear(asked.scores).any() or asked.left < 16:
            break
        asked.ask(design.draw_anywhere(16, rng))
    labels = asked.scores.argmax(axis=1)
    other = np.flatnonzero(labels != labels[0])
    if not asked.is_clear(asked.scores).any() and len(other):
        _bisect(asked, asked.rows[0], asked.rows[other[0]])
    return np.asarray(asked.rows[asked.scores.min(axis=1).argmax()])


def _bisect(asked: Equations, one: Floats, two: Floats) -> None:
    """Halve the way between two rows of different classes until the scores are clear."""
    label = asked.scores[0].argmax()
    for _ in range(HALVINGS):
        middle = asked.design.domain.project((one + two)[None] / 2)
        scores = asked.ask(middle)
        if not len(scores) or asked.is_clear(scores)[0]:
            return
        one, two = (middle[0], two) if scores[0].argmax() == label else (one, middle[0])


def _change_one_by_one(asked: Equations, base: Floats) -> None:
    """Change one thing at a time, and less where the scores saturate."""
    shares = np.full(len(asked.design.levels), 0.5)
    open_ = np.arange(len(shares))
    for _ in range(HALVINGS):
        rows = asked.design.change_each(base, shares)[open_]
        fresh = (rows != base).any(axis=1)
        scores = asked.ask(rows[fresh])
        if len(scores) < fresh.sum() or not len(scores):
            return
        open_ = open_[fresh][~asked.is_clear(scores)]
        movable = [
            np.isnan(asked.design.levels[j][1])
            and not asked.design.domain.discrete[asked.design.levels[j][0]]
            for j in open_
        ]
        open_ = open_[np.array(movable, dtype=bool)]
        if not len(open_):
            return
        shares[open_] /= 4


def _fits(asked: Equations, copy: LinearSubstitute, rng: np.random.Generator) -> bool:
    """Check on a few further rows that the answers are exact, and the model linear."""
    if asked.left == 0:
        return True
    if asked.rounding_error:
        return False
    scores = asked.ask(_draw_near_boundary(asked.design, copy, min(8, asked.left), rng))
    logs = np.log(np.maximum(scores, TINY))
    logs -= logs.mean(axis=1, keepdims=True)
    margins = _margins(asked.design, copy, asked.rows[-len(scores) :])
    fine = asked.is_clear(scores)
    return bool(np.abs(margins - logs)[fine].max(initial=0.0) < 1e-3)


def _draw_near_boundary(
    design: RowDesign, copy: LinearSubstitute, n: int, rng: np.random.Generator
) -> Floats:
    """Draw valid rows on which the copy is least sure, `(n, d)`."""
    rows = design.draw_anywhere(16 * n, rng)
    towards = rows[rng.permutation(len(rows))]
    numbers = ~design.domain.discrete
    part = rng.random((len(rows), 1))
    rows[:, numbers] = (part * rows + (1 - part) * towards)[:, numbers]
    margins = np.sort(_margins(design, copy, rows), axis=1)
    unsure = margins[:, -1] - margins[:, -2]
    return np.asarray(rows[np.argsort(unsure, kind="stable")[:n]])


def _margins(design: RowDesign, copy: LinearSubstitute, rows: Floats) -> Floats:
    given = expand_levels(rows, copy.levels) if copy.levels else rows
    margins = given @ copy.weights.T + copy.bias
    return np.asarray(margins - margins.mean(axis=1, keepdims=True))
