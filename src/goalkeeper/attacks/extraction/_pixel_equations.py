"""Equations for linear models on images: which images to ask, and what solves them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from goalkeeper.attacks.extraction._contest import Contest
from goalkeeper.attacks.extraction._substitutes import LinearSubstitute
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats
from goalkeeper.core.domain import ImageDomain
from goalkeeper.core.errors import DataError
from goalkeeper.core.power import View
from goalkeeper.games.extraction import Substitute

CHECKED_INPUTS = 8  # further inputs, to see whether the model is linear
PATIENT = 60  # images asked until one has clear scores
MOST_HALVINGS = 30  # of a step: a thousand-millionth of it is left
# Answers missed by less, relative to the largest logit, come from a linear model.
MAX_RELATIVE_MISS = 1e-6


def solve_pixels(access: Access) -> Iterator[Substitute]:
    """Yield copies of a model of images, the better the more answers they rest on."""
    space = _InputSpace(access)
    x, logits = space.find_clear()
    changed, answers = space.ask_changed(x[-1])
    x, logits = np.concatenate([x, changed]), np.concatenate([logits, answers])
    unknowns = len(changed) + 1
    copy, _ = space.solve_equations(x, logits)
    yield copy
    contest: Contest | None = None
    for size in (CHECKED_INPUTS, 2 * unknowns):
        further = space.draw_anywhere(min(size, space.left))
        if not len(further):
            return
        x = np.concatenate([x, further])
        logits = np.concatenate([logits, space.ask(further)])
        copy, missed = space.solve_equations(x, logits)
        clear = np.abs(logits[np.isfinite(logits).all(axis=1)])
        if missed < MAX_RELATIVE_MISS * (1 + clear.max(initial=0.0)):
            yield copy
            return
        contest = contest or Contest.of(access)
        yield contest.challenge(copy)


class _InputSpace:
    """Images as rows `(n, d)`, what may vary in them, and the questions about them."""

    def __init__(self, access: Access) -> None:
        domain = access.domain
        if not isinstance(domain, ImageDomain):
            raise DataError(f"this attack needs images or rows, the inputs are {domain.kind}s")
        self._access, self._domain = access, domain
        size = int(np.prod(domain.shape))
        self.middle = np.full(size, (domain.low + domain.high) / 2)

    @property
    def left(self) -> int:
        return int(self._access.left()[0])

    def find_clear(self) -> tuple[Floats, Floats]:
        """Ask the middle, then others while scores are 0; return what was asked, a clear one last.

        Each other image is half as far from the last as the one before, so that a model that is
        certain almost everywhere is met near its boundary.
        """
        x = self.middle[None]
        logits = self.ask(x)
        while not np.isfinite(logits[-1]).all() and len(x) < PATIENT and self.left > 0:
            further = self.draw_anywhere(1)
            differs = np.flatnonzero(logits.argmax(axis=1) != logits[-1].argmax())
            if len(differs):
                further = (x[differs[-1]] + x[-1])[None] / 2
            x, logits = np.concatenate([x, further]), np.concatenate([logits, self.ask(further)])
        return x, logits

    def ask_changed(self, base: Floats) -> tuple[Floats, Floats]:
        """Change one pixel of an image `(d,)` in each row, towards the farther end, and ask.

        A pixel that weighs so much that a score becomes 0 is changed by half as much, and less,
        until it shows its weight; otherwise the heaviest pixels would be those left out.
        """
        step = (self._domain.high - self._domain.low) / 4
        rows = (base + np.diag(np.where(base > self.middle, -step, step)))[: self.left]
        logits = self.ask(rows)
        for _ in range(MOST_HALVINGS):
            unclear = np.flatnonzero(~np.isfinite(logits).all(axis=1))[: self.left]
            if not len(unclear) or not np.isfinite(logits).any():
                break
            rows[unclear] = (rows[unclear] + base) / 2
            logits[unclear] = self.ask(rows[unclear])
        return rows, logits

    def draw_anywhere(self, n: int) -> Floats:
        """Draw valid rows."""
        size = (n, len(self.middle))
        return self._access.rng.uniform(self._domain.low, self._domain.high, size)

    def ask(self, rows: Floats) -> Floats:
        """Return centred logits or log-scores `(n, classes)`; not finite where a score is 0."""
        answers = self._access.query(rows.reshape(-1, *self._domain.shape))
        sees_logits = self._access.granted.view >= View.LOGITS
        with np.errstate(divide="ignore", invalid="ignore"):
            logits = answers.logits if sees_logits else np.log(answers.scores)
            return np.asarray(logits - logits.mean(axis=1, keepdims=True))

    def solve_equations(self, rows: Floats, logits: Floats) -> tuple[LinearSubstitute, float]:
        """Solve for weights and bias by least squares; return the copy and its largest miss.

        Answers with a score of 0 say only that it is small, and are left out.
        """
        clear = np.isfinite(logits).all(axis=1)
        rows, logits = rows[clear], logits[clear]
        left = np.column_stack([rows - self.middle, np.ones(len(rows))])
        found = np.linalg.lstsq(left, logits, rcond=None)[0]
        weights = found[:-1].T
        copy = LinearSubstitute(weights, found[-1] - weights @ self.middle)
        return copy, float(np.abs(left @ found - logits).max(initial=0.0))
