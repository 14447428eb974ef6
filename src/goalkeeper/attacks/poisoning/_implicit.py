"""Points that do most harm to a linear model, by the implicit gradient through its training.

A logistic surrogate with weights w is trained on known and poisoned records. How its loss L on
other records depends on a poisoned point x with label y follows from the condition that the
gradient of the training objective vanishes: with the Hessian H of that objective,
`v = H^-1 dL/dw`, and the derivative r and curvature s of the point's own loss in its score,
`dL/dx = -(weight / n) (r v + s (v . x) w)`. All points climb that slope together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from goalkeeper.attacks.poisoning._spaces import PointSpace
from goalkeeper.core.data import Floats

NEWTON = 8  # steps of one training, at most; the next goes on where it ended
STEPS = 30
RANGES = 2.0  # that all steps together can cross; they become shorter


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Records:
    """Points `(n, d)` with sides `(n,)`, 1 or -1, and what each counts for `(n,)`."""

    points: Floats
    sides: Floats
    weights: Floats

    def joined(self, other: Records) -> Records:
        """Return the records of both."""
        return Records(
            points=np.vstack([self.points, other.points]),
            sides=np.concatenate([self.sides, other.sides]),
            weights=np.concatenate([self.weights, other.weights]),
        )

    def moved(self, points: Floats) -> Records:
        """Return the same records at other points."""
        return Records(points=points, sides=self.sides, weights=self.weights)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Curvature:
    """The Hessian `rows.T @ rows + diag(ridge)` of an objective, rows `(n, d)`, ridge `(d,)`."""

    rows: Floats
    ridge: Floats

    def solve(self, slope: Floats) -> Floats:
        """Apply the inverse to a slope `(d,)`, in the smaller of both sizes (Woodbury)."""
        n, d = self.rows.shape
        if d <= n:
            hessian = self.rows.T @ self.rows + np.diag(self.ridge)
            return np.asarray(np.linalg.solve(hessian, slope))
        scaled = self.rows / self.ridge
        small = np.eye(n) + scaled @ self.rows.T
        return np.asarray(
            slope / self.ridge - scaled.T @ np.linalg.solve(small, self.rows @ (slope / self.ridge))
        )


def with_one(points: Floats) -> Floats:
    """Append the coordinate of the bias."""
    return np.hstack([points, np.ones((len(points), 1))])


def train_surrogate(records: Records, start: Floats, penalty: float) -> tuple[Floats, Curvature]:
    """Train logistic regression by Newton's method with line search.

    Returns
    -------
    tuple
        Weights and bias `(d + 1,)`, and the curvature of the objective there.
    """
    x, total = with_one(records.points), records.weights.sum()
    ridge = np.full(x.shape[1], penalty)
    ridge[-1] = 1e-4  # the bias is not penalised; this keeps the Hessian regular
    share = records.weights / total

    def objective(w: Floats) -> float:
        margins = records.sides * (x @ w)
        return float(share @ np.logaddexp(0, -margins) + 0.5 * (ridge * w * w).sum())

    w, least = start, objective(start)
    for _ in range(NEWTON):
        slope, curvature = _derive(x, records.sides, share, ridge, w)
        if np.abs(slope).max() < 1e-6:
            break
        change, step = curvature.solve(slope), 1.0
        while step > 1e-4 and objective(w - step * change) > least - 1e-4 * step * (slope @ change):
            step /= 2
        w = w - step * change
        least = objective(w)
    return w, _derive(x, records.sides, share, ridge, w)[1]


def _derive(
    x: Floats, sides: Floats, share: Floats, ridge: Floats, w: Floats
) -> tuple[Floats, Curvature]:
    """Return gradient `(d,)` and curvature of the objective."""
    wrong = expit(-sides * (x @ w))
    slope = x.T @ (-sides * wrong * share) + ridge * w
    return slope, Curvature(rows=x * np.sqrt(wrong * (1 - wrong) * share)[:, None], ridge=ridge)


def climb(
    known: Records,
    poison: Records,
    judged: Records,
    space: PointSpace,
    rng: np.random.Generator,
    penalty: float,
) -> Floats:
    """Move poisoned points until a model that learns them does worst on judged records.

    Parameters
    ----------
    known
        What the surrogate learns beside the poison.
    poison
        Where the points begin; sides and weights stay.
    judged
        Records that the surrogate should get wrong.
    penalty
        Of the squared weights, in an objective of mean losses.

    Returns
    -------
    Floats
        The points `(m, d)` that did most harm on the way.
    """
    w = np.zeros(known.points.shape[1] + 1)
    x, share = with_one(judged.points), judged.weights / judged.weights.sum()
    points, best, most = poison.points, poison.points, (-1.0, 0.0)
    for i in range(STEPS):
        current = known.joined(poison.moved(points))
        w, curvature = train_surrogate(current, w, penalty)
        margins = judged.sides * (x @ w)
        harm = float(share @ (margins <= 0)), float(share @ np.logaddexp(0, -margins))
        if harm > most:
            most, best = harm, points
        pull = pull_of(judged, w, curvature)
        slope = _slope(points, poison, w, pull)
        step = 2 * RANGES / STEPS * (1 - i / STEPS)
        points = space.move(points, slope, step, rng)
    return best


def pull_of(judged: Records, w: Floats, curvature: Curvature) -> Floats:
    """Return the inverse Hessian times the slope `(d + 1,)` of the judged loss."""
    x, share = with_one(judged.points), judged.weights / judged.weights.sum()
    wrong = expit(-judged.sides * (x @ w))
    return curvature.solve(x.T @ (-judged.sides * wrong * share))


def _slope(points: Floats, poison: Records, w: Floats, pull: Floats) -> Floats:
    """Return the slope `(m, d)` of the judged loss at each point, up to a common factor."""
    x = with_one(points)
    wrong = expit(-poison.sides * (x @ w))
    first = -poison.sides * wrong
    second = wrong * (1 - wrong) * (x @ pull)
    slope: Floats = -poison.weights[:, None] * (
        first[:, None] * pull[:-1] + second[:, None] * w[:-1]
    )
    return slope
