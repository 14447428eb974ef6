"""Rows of a table that were asked, and the linear model that their scores determine."""

from __future__ import annotations

import numpy as np

from goalkeeper.attacks._row_design import RowDesign
from goalkeeper.attacks.extraction._precision import LogScores, Precision
from goalkeeper.attacks.extraction._score_fits import build_substitute
from goalkeeper.attacks.extraction._substitutes import LinearSubstitute
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Floats, Ints
from goalkeeper.core.errors import DataError
from goalkeeper.core.power import View


class Equations:
    """Rows asked so far, and what their scores, or logits where these are seen, said.

    Parameters
    ----------
    access
        Where the questions go.
    design
        The unknowns.
    """

    def __init__(self, access: Access, design: RowDesign) -> None:
        self._access, self.design = access, design
        self._logits = access.granted.view >= View.LOGITS
        self.rows = np.zeros((0, len(design.domain.columns)))
        self.labels = np.zeros(0, dtype=np.int64)
        self._values = np.zeros((0, len(access.classes)))

    @property
    def left(self) -> int:
        """Queries left."""
        return int(self._access.left()[0])

    def ask(self, rows: Floats) -> Ints:
        """Ask as many of the rows as the budget covers; returns their labels."""
        rows = rows[: self.left]
        if not self.design.domain.valid(rows).all():
            raise DataError(
                "no valid rows differ in one column only, so that the equations cannot be "
                "written; check bounds and one-hot groups of the domain"
            )
        if not len(rows):
            return self.labels[:0]
        answers = self._access.query(rows)
        values = answers.logits if self._logits else answers.scores
        self.rows = np.concatenate([self.rows, rows])
        self.labels = np.concatenate([self.labels, answers.labels])
        self._values = np.concatenate([self._values, values])
        return answers.labels

    @property
    def rounded(self) -> bool:
        """Whether the answers seen are rounded, or in single precision."""
        return Precision.of(self._values).rounded

    @property
    def answers(self) -> LogScores:
        """What is known of the logarithms of all scores asked."""
        if self._logits:
            return LogScores.of_logits(self._values)
        return LogScores.of_scores(self._values, Precision.of(self._values))

    def is_clear(self) -> Bools:
        """Return which answers `(n,)` are far enough from 0 and 1 to take a logarithm."""
        return self.answers.clear

    def solve(self, base: Floats) -> LinearSubstitute:
        """Solve for weights and bias by least squares, rows weighed by how exact they are."""
        design, answers = self.design, self.answers
        start = design.features(base[None])
        change = design.features(self.rows) - start
        scale = np.abs(change).max(axis=0, initial=0.0)
        scale[scale == 0] = 1.0
        logs = answers.logs - answers.logs.mean(axis=1, keepdims=True)
        trust = np.where(answers.clear, 1.0, 1e-6)
        if self.rounded:
            trust = answers.error.min() / answers.error.max(axis=1)
        left = np.column_stack([change / scale, np.ones(len(change))])
        found = np.linalg.lstsq(left * trust[:, None], logs * trust[:, None], rcond=None)[0]
        weights = (found[:-1] / scale[:, None]).T
        return build_substitute(design, weights, found[-1] - weights @ start[0])
