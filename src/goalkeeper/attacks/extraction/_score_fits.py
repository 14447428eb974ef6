"""Fit models whose log-scores are linear in features of a row, to scores of any precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from goalkeeper.attacks._row_design import RowDesign, expand_levels
from goalkeeper.attacks.extraction._precision import LogScores
from goalkeeper.attacks.extraction._substitutes import LinearSubstitute, choose_classes
from goalkeeper.core.data import Bools, Floats, Inputs, Ints

Degree = Literal["linear", "squares", "products"]
Link = Literal["softmax", "sigmoids"]

STEPS = {"softmax": 6, "sigmoids": 25}  # of the damped Gauss-Newton iteration, at most
CONVERGED = 1e-11  # relative change of the parameters that ends it
STALLED = 0.999  # of the cost before: a form that does not fit creeps along for ever
RIDGE = 1e-13  # relative, so that directions nobody asked about have a solution
DAMPING = 1e-3
MAX_DAMPING = 1e8


@dataclass(frozen=True, eq=False)
class RowFeatures:
    """The unknowns' factors of a row, shifted and scaled, with their squares or products.

    `levels` as in `RowDesign`; `curved` are the factors `(unknowns,)` that have a square, which
    is no news for a factor of two values.
    """

    levels: tuple[tuple[int, float], ...]
    centre: Floats
    scale: Floats
    curved: Bools
    degree: Degree = "linear"

    @staticmethod
    def of(design: RowDesign, rows: Floats, degree: Degree) -> RowFeatures:
        """Scale by the bounds, or where there are none by the rows `(n, d)`."""
        low, high = design.domain.bounds()
        factors = design.features(rows)
        centre, scale = factors.mean(axis=0), np.abs(factors - factors.mean(axis=0)).max(axis=0)
        curved = np.zeros(len(scale), dtype=bool)
        grouped = {j for group in design.domain.one_hot for j in group}
        for i, (j, level) in enumerate(design.levels):
            if np.isnan(level) and np.isfinite(low[j]) and np.isfinite(high[j]):
                centre[i], scale[i] = (low[j] + high[j]) / 2, (high[j] - low[j]) / 2
            two = design.domain.discrete[j] and high[j] - low[j] <= 1
            curved[i] = np.isnan(level) and j not in grouped and not two
        scale[scale == 0] = 1.0
        return RowFeatures(design.levels, centre, scale, curved, degree)

    @property
    def size(self) -> int:
        """Number of features, with the constant."""
        linear = len(self.levels)
        squares = int(self.curved.sum()) if self.degree != "linear" else 0
        products = linear * (linear - 1) // 2 if self.degree == "products" else 0
        return linear + squares + products + 1

    def expand(self, rows: Floats) -> Floats:
        """Return the features of rows `(n, d)`: `(n, size)`; the last is constant."""
        unit = (expand_levels(rows, self.levels) - self.centre) / self.scale
        parts = [unit]
        if self.degree != "linear":
            parts.append(unit[:, self.curved] ** 2)
        if self.degree == "products":
            one, two = np.triu_indices(unit.shape[1], 1)
            parts.append(unit[:, one] * unit[:, two])
        return np.column_stack([*parts, np.ones(len(rows))])


@dataclass(frozen=True, eq=False)
class ScoreFit:
    """Log-scores that are linear in features: `theta` `(classes, features)`.

    `link` says how they become scores: softmax, or a sigmoid each, normalised (one against rest).
    """

    features: RowFeatures
    theta: Floats
    link: Link

    def predict(self, x: Inputs) -> Ints:
        """Return the classes `(n,)` of rows `(n, d)`."""
        rows = np.asarray(x, dtype=np.float64).reshape(len(x), -1)
        return choose_classes(self.features.expand(rows) @ self.theta.T)

    def log_scores(self, rows: Floats) -> Floats:
        """Return the logarithms of the scores of rows `(n, d)`: `(n, classes)`."""
        values, _ = _apply_link(self.features.expand(rows) @ self.theta.T, self.link)
        return np.asarray(values - np.logaddexp.reduce(values, axis=1, keepdims=True))

    def simplified(self, design: RowDesign) -> ScoreFit | LinearSubstitute:
        """Write a linear fit in terms of the columns, so that its parameters can be compared."""
        if self.features.degree != "linear":
            return self
        weights = self.theta[:, :-1] / self.features.scale
        bias = self.theta[:, -1] - weights @ self.features.centre
        return build_substitute(design, weights, bias)


def build_substitute(design: RowDesign, weights: Floats, bias: Floats) -> LinearSubstitute:
    """Build the substitute from the solved `weights` `(k, unknowns)` and `bias` `(k,)`."""
    if design.coded:
        return LinearSubstitute(weights, bias, design.levels)
    full = np.zeros((len(weights), len(design.domain.columns)))
    full[:, [j for j, _ in design.levels]] = weights
    return LinearSubstitute(full, bias)


def fit_scores(
    features: RowFeatures,
    rows: Floats,
    answers: LogScores,
    link: Link,
    start: Floats | None = None,
) -> ScoreFit:
    """Fit by least squares on log-scores, each weighed by its precision.

    What is common to all classes of a row is unknown and eliminated. A score that was rounded
    to 0 counts only where the fit contradicts it. Solved by Levenberg and Marquardt's method; for
    softmax, which is linear, its steps are refinements of the solution. `start` `(classes, size)`
    is an earlier solution.
    """
    equations = _LogEquations(features.expand(rows), answers, link)
    theta = equations.start() if start is None else start
    damping = DAMPING if link == "sigmoids" else 0.0
    last = np.inf
    for _ in range(STEPS[link]):
        step, cost, kept = equations.linearise(theta, damping)
        settled = np.abs(step).max() <= CONVERGED * (1 + np.abs(theta).max())
        stalled = STALLED * last < cost < last
        if settled or stalled or damping > MAX_DAMPING:
            break
        worse = link == "sigmoids" and equations.cost(theta + step, kept) > cost
        if worse:
            damping = max(10 * damping, DAMPING)
            continue
        theta, last = theta + step, cost
        damping /= 10
    return ScoreFit(features, theta, link)


class _LogEquations:
    """One equation a row and class: the log-score, up to a constant of the row."""

    def __init__(self, phi: Floats, answers: LogScores, link: Link) -> None:
        self._phi, self._link, self._answers = phi, link, answers
        self._weight = (answers.error.min() / answers.error) ** 2

    def start(self) -> Floats:
        """Start from nothing, or for sigmoids from the inverse of each."""
        logs = self._answers.logs
        if self._link == "softmax":
            return np.zeros((logs.shape[1], self._phi.shape[1]))
        clipped = np.clip(np.exp(logs), 1e-6, 1 - 1e-6)
        return np.asarray(
            np.linalg.lstsq(self._phi, np.log(clipped / (1 - clipped)), rcond=None)[0].T
        )

    def _residuals(self, theta: Floats, kept: Bools | None) -> tuple[Floats, Floats, Floats]:
        """Return what is missed, its weights, and the slopes of the link, each `(n, classes)`."""
        values, slope = _apply_link(self._phi @ theta.T, self._link)
        if kept is None:
            logs = values - np.logaddexp.reduce(values, axis=1, keepdims=True)
            kept = self._answers.seen | (logs > self._answers.limit)
        weight = np.where(kept, self._weight, 0.0)
        missed = self._answers.logs - values
        total = np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)
        missed = missed - (weight * missed).sum(axis=1, keepdims=True) / total
        return missed, weight, slope

    def cost(self, theta: Floats, kept: Bools) -> float:
        """Return the weighed sum of squares over the equations kept."""
        missed, weight, _ = self._residuals(theta, kept)
        return float((weight * missed**2).sum())

    def linearise(self, theta: Floats, damping: float) -> tuple[Floats, float, Bools]:
        """Return the step, the cost before it, and which equations were used."""
        missed, weight, slope = self._residuals(theta, None)
        total = np.maximum(weight.sum(axis=1), 1e-300)
        first = 1 if self._link == "softmax" else 0  # softmax: class 0 is the reference
        classes = range(first, weight.shape[1])
        size, phi = self._phi.shape[1], self._phi
        left = np.zeros((len(classes), size, len(classes), size))
        for a, k in enumerate(classes):
            for b, m in enumerate(classes[: a + 1]):
                joint = weight[:, k] * (float(k == m) - weight[:, m] / total)
                joint = joint * slope[:, k] * slope[:, m]
                left[a, :, b] = phi.T @ (joint[:, None] * phi)
                left[b, :, a] = left[a, :, b].T
        right = ((weight * missed * slope).T @ phi)[first:].reshape(-1)
        square = left.reshape(len(right), len(right))
        scale = np.sqrt(np.maximum(np.diag(square), 1e-300))
        square = square / scale[:, None] / scale
        square[np.diag_indices_from(square)] += damping + RIDGE
        step = np.zeros_like(theta)
        step[first:] = (np.linalg.solve(square, right / scale) / scale).reshape(-1, size)
        return step, float((weight * missed**2).sum()), weight > 0


def _apply_link(z: Floats, link: Link) -> tuple[Floats, Floats]:
    """Return log-scores up to a constant of the row, and their slopes, each `(n, classes)`."""
    if link == "softmax":
        return z, np.ones_like(z)
    return -np.logaddexp(0, -z), np.exp(-np.logaddexp(0, z))
