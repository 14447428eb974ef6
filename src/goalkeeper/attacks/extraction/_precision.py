"""How precisely a service gives its scores, found from the scores themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goalkeeper.core.data import Bools, Floats

DECIMALS = range(1, 9)
MIN_INTERIOR = 3  # rounded numbers, not 0 or 1, that show that a grid is no coincidence
UNROUNDED = 1e-12  # relative error of what is computed in double precision
SINGLE = 6e-8  # relative error of single precision, 2^-24
COMPLEMENT = 2.0**-53  # absolute error of 1 - p in double precision
SINGLE_COMPLEMENT = 2.0**-24
SMALL = 1e-4  # scores below show whether they were computed as 1 - p
INFORMATIVE = 3.0  # a score is used from this multiple of its absolute error on
TINY = 1e-300


@dataclass(frozen=True, slots=True)
class Precision:
    """The error of a number p is at most `absolute + relative * p`."""

    absolute: float
    relative: float

    @staticmethod
    def of(numbers: Floats) -> Precision:
        """Find the grid on which scores or logits `(n, classes)` lie.

        The number of decimals where they are rounded, else single or double precision. Of two
        classes the smaller score is often computed as 1 - p, which keeps its absolute error only.
        """
        interior = numbers[(numbers != 0) & (numbers != 1)]
        for decimals in DECIMALS if len(interior) >= MIN_INTERIOR else ():
            grid = np.round(interior, decimals)
            on_grid = (np.abs(grid - interior) < 1e-12) | (grid.astype(np.float32) == interior)
            if on_grid.all() and (np.abs(grid - np.round(grid)) > 1e-9).any():
                return Precision(0.5 * 10.0**-decimals, 0.0)
        single = len(interior) > 0 and np.array_equal(interior.astype(np.float32), interior)
        step = SINGLE_COMPLEMENT if single else COMPLEMENT
        small = interior[(interior > 0) & (interior < SMALL)]
        complement = (
            numbers.shape[1] == 2 and len(small) > 0 and bool((small / step % 1 == 0).all())
        )
        return Precision(2 * step if complement else 0.0, SINGLE if single else UNROUNDED)

    @property
    def rounded(self) -> bool:
        """Whether the error is that of rounding, not that of computing in double precision."""
        return self.absolute > 1e-9 or self.relative > 10 * UNROUNDED


@dataclass(frozen=True, eq=False)
class LogScores:
    """Logarithms of scores `(n, classes)`, each row up to a constant, and what is known of them.

    `error` is how far each may be off, `seen` which are known at all; those that are not lie
    below `limit`.
    """

    logs: Floats
    error: Floats
    seen: Bools
    limit: float

    @staticmethod
    def of_scores(scores: Floats, precision: Precision) -> LogScores:
        """Take logarithms; scores that may as well be 0 are not seen."""
        floor = max(precision.absolute, TINY)
        error = precision.absolute / np.maximum(scores, floor) + precision.relative
        return LogScores(
            np.log(np.maximum(scores, floor)),
            np.where(scores > 0, error, 1.0),
            scores > max(INFORMATIVE * precision.absolute, TINY),
            float(np.log(2 * floor)),
        )

    @staticmethod
    def of_logits(logits: Floats) -> LogScores:
        """Take logits as they are."""
        precision = Precision.of(logits)
        size = np.abs(logits).max(axis=1, keepdims=True, initial=1.0)
        error = np.broadcast_to(precision.absolute + precision.relative * size, logits.shape)
        return LogScores(logits, error, np.ones(logits.shape, dtype=bool), -np.inf)

    @property
    def clear(self) -> Bools:
        """Which rows `(n,)` show all classes."""
        return np.asarray(self.seen.all(axis=1))

    @property
    def useful(self) -> Bools:
        """Which rows `(n,)` show two classes at least, so that they can be compared."""
        return np.asarray(self.seen.sum(axis=1) >= 2)

    def take(self, rows: Bools | slice) -> LogScores:
        """Keep some rows."""
        return LogScores(self.logs[rows], self.error[rows], self.seen[rows], self.limit)

    def blurred(self, absolute: float) -> LogScores:
        """Return the same with the scores off by `absolute`."""
        logs = self.logs - np.logaddexp.reduce(self.logs, axis=1, keepdims=True)
        seen = self.seen & (logs > np.log(INFORMATIVE * absolute))
        logs = np.maximum(logs, np.log(absolute))
        error = self.error + absolute * np.exp(-logs)
        return LogScores(logs, error, seen, float(np.log(2 * absolute)))

    def compare(self, logs: Floats, tolerance: float) -> Floats:
        """Return how far other log-scores miss the scores seen, as multiples of what is allowed.

        `(n, classes)`; allowed is the error of the answer and `tolerance`, relative to the size
        of the logarithms. Constants of rows are eliminated; what is not seen is not missed.
        """
        weight = np.where(self.seen, 1 / self.error**2, 0.0)
        total = np.maximum(weight.sum(axis=1, keepdims=True), TINY)
        missed = self.logs - logs
        missed = missed - (weight * missed).sum(axis=1, keepdims=True) / total
        size = 1 + np.abs(np.where(self.seen, self.logs, 0.0)).max(axis=1, keepdims=True)
        lowest = np.where(self.seen, self.error, np.inf).min(axis=1, keepdims=True)
        allowed = self.error + np.where(np.isfinite(lowest), lowest, 0.0) + tolerance * size
        return np.asarray(np.where(self.seen, np.abs(missed) / allowed, 0.0))
