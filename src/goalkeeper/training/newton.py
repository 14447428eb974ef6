"""Newton's method for B logistic regressions at once.

Every model has its own step length and its own stopping; the linear systems are solved by
conjugate gradients, preconditioned by the leading curvature of the model on all rows.
Reference: Nocedal and Wright, Numerical Optimization, 2nd ed., chapter 7.1 (line search
Newton-CG). Deviation: the preconditioner is shared by all models.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Bools, Floats, Ints
from goalkeeper.core.errors import DataError
from goalkeeper.targets.sklearn import softmax
from goalkeeper.training.features import Lens

STILL = {8: 1e-5, 4: 3e-3}  # a full step that moves no logit by more is the last, by size of floats
SLACK = {8: 1e-12, 4: 1e-5}  # relative rounding of a loss
STEPS = 100
INNER = 500
ACCURACY = (0.1, 0.03)  # relative accuracy of the first linear systems, and of the others
HALVINGS = 30


@dataclass(frozen=True, eq=False)
class Problem:
    """B problems: half the squared weights plus the weighted logistic losses.

    `y (n,)` holds indices; `sample (n, B)` weighs every row in every model; k is 1 for two
    classes, else their number. Unknowns are `(d + 1, B, k)`: weights, then the bias, which is
    not penalised and stays 0 without `intercept`.
    """

    lens: Lens
    y: Ints
    sample: Floats
    k: int
    intercept: bool

    def only(self, models: NDArray[Any]) -> Problem:
        """Keep some of the models."""
        return replace(self, lens=self.lens.only(models), sample=self.sample[:, models])

    def logits(self, unknowns: Floats) -> Floats:
        """Logits `(n, B, k)`."""
        out = self.lens.forward(unknowns[:-1])
        if self.intercept:
            out += unknowns[-1]
        return out

    def pull(self, values: Floats) -> Floats:
        """Carry `(n, B, k)` back to the unknowns `(d + 1, B, k)`."""
        weights = self.lens.backward(values)
        bias = values.sum(axis=0) if self.intercept else np.zeros_like(values[0])
        return np.concatenate([weights, bias[None]])

    def loss(self, unknowns: Floats, logits: Floats) -> Floats:
        """Value of each of the B problems."""
        penalty = 0.5 * np.einsum("dbk,dbk->b", unknowns[:-1], unknowns[:-1])
        if self.k == 1:
            z = logits[:, :, 0]
            rows = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))) - z * (self.y == 1)[:, None]
        else:
            top = logits.max(axis=2)
            rows = top + np.log(np.exp(logits - top[:, :, None]).sum(axis=2))
            rows -= np.take_along_axis(logits, self.y[:, None, None], axis=2)[:, :, 0]
        return np.asarray(penalty + np.einsum("nb,nb->b", self.sample, rows))

    def probabilities(self, logits: Floats) -> Floats:
        """Probabilities `(n, B, k)`, of class 1 when there are two."""
        if self.k > 1:
            return softmax(logits)
        return np.asarray(0.5 + 0.5 * np.tanh(0.5 * logits))

    def gradient(self, unknowns: Floats, chance: Floats) -> Floats:
        """Gradient `(d + 1, B, k)`."""
        truth = np.eye(max(2, self.k), dtype=chance.dtype)[self.y][:, -self.k :]
        out = self.pull((chance - truth[:, None, :]) * self.sample[:, :, None])
        out[:-1] += unknowns[:-1]
        return out

    def curvature(self, chance: Floats) -> Floats:
        """Return what the Hessian multiplies the logits with, `(n, B, k)`."""
        if self.k == 1:
            return chance * (1 - chance) * self.sample[:, :, None]
        return chance

    def hessian(self, vector: Floats, curved: Floats) -> Floats:
        """Multiply the Hessian with `(d + 1, B, k)`."""
        moved = self.logits(vector)
        moved *= curved
        if self.k > 1:
            moved -= curved * moved.sum(axis=2, keepdims=True)
            moved *= self.sample[:, :, None]
        out = self.pull(moved)
        out[:-1] += vector[:-1]
        return out


@dataclass(frozen=True, eq=False)
class Leading:
    """The leading curvature of the model on all rows: a preconditioner for all subsets.

    `vectors (d + 1, r)` and `values (r,)`; `share (B,)` scales them to each subset. Features that
    are not `inside (d, B)` a subset stay 0.
    """

    vectors: Floats
    values: Floats
    share: Floats
    inside: Bools | None = None

    def only(self, models: NDArray[Any]) -> Leading:
        """Keep some of the models."""
        inside = None if self.inside is None else self.inside[:, models]
        return replace(self, share=self.share[models], inside=inside)

    def solve(self, right: Floats) -> Floats:
        """Divide `(d + 1, B, k)` by the approximate curvature."""
        if len(self.values) == 0:
            return right.copy()
        flat = right.reshape(len(right), -1)
        inner = (self.vectors.T @ flat).reshape(-1, *right.shape[1:])
        inner *= (1 / (1 + self.values[:, None] * self.share) - 1)[:, :, None]
        out = (self.vectors @ inner.reshape(len(self.values), -1)).reshape(right.shape)
        out += right
        if self.inside is not None:
            out[:-1] *= self.inside[:, :, None]
        return np.asarray(out)


def minimise(problem: Problem, start: Floats, leading: Leading, first: int = 0) -> Floats:
    """Solve the B problems from `start (d + 1, B, k)`.

    Parameters
    ----------
    problem
        B strictly convex problems.
    start
        Where to begin; features outside a subset must be 0.
    leading
        The preconditioner.
    first
        Number of the first of these models, for messages.

    Raises
    ------
    DataError
        A model did not settle: its columns have wildly different scales.
    """
    out = start.copy()
    active = np.arange(start.shape[1])
    unknowns, logits = start.copy(), problem.logits(start)
    for step in range(STEPS):
        chance = problem.probabilities(logits)
        gradient = problem.gradient(unknowns, chance)
        accuracy = ACCURACY[min(step, len(ACCURACY) - 1)]
        move = _solve(problem, problem.curvature(chance), -gradient, leading, accuracy)
        along = problem.logits(move)
        length = _lengths(problem, (unknowns, logits), (move, along), gradient)
        unknowns += length[:, None] * move
        logits += length[:, None] * along
        done = (length == 1) & (np.abs(along).max(axis=(0, 2)) <= STILL[start.itemsize])
        if done.any():
            out[:, active[done]] = unknowns[:, done]
            left = np.flatnonzero(~done)
            if len(left) == 0:
                return out
            active, problem, leading = active[left], problem.only(left), leading.only(left)
            unknowns, logits = unknowns[:, left].copy(), logits[:, left].copy()
    raise DataError(
        f"logistic regression of model {first + int(active[0])} did not settle in {STEPS} Newton "
        "steps; scale the columns (StandardScaler), or lower C"
    )


def _solve(
    problem: Problem, curved: Floats, right: Floats, leading: Leading, accuracy: float
) -> Floats:
    """Preconditioned conjugate gradients for all models; a model that is done stands still."""
    out = np.zeros_like(right)
    rest = right.copy()
    helped = leading.solve(rest)
    direction = helped.copy()
    size = _dot(rest, helped)
    goal = accuracy**2 * size
    for _ in range(INNER):
        going = size > goal
        if not going.any():
            break
        bent = problem.hessian(direction, curved)
        slope = _dot(direction, bent)
        with np.errstate(divide="ignore", invalid="ignore"):
            pace = np.where(going & (slope > 0), size / slope, 0.0)[:, None]
        out += pace * direction
        bent *= pace
        rest -= bent
        helped = leading.solve(rest)
        new = _dot(rest, helped)
        with np.errstate(divide="ignore", invalid="ignore"):
            turn = np.where(going & (size > 0), new / size, 0.0)[:, None]
        direction *= turn
        direction += helped
        size = np.where(going & (slope > 0), new, 0.0)
    return out


def _lengths(
    problem: Problem,
    at: tuple[Floats, Floats],
    move: tuple[Floats, Floats],
    gradient: Floats,
) -> Floats:
    """Halve the step of each model until its loss falls enough (Armijo)."""
    now = problem.loss(*at)
    slope = _dot(gradient, move[0])
    length = np.ones_like(now)
    slack = SLACK[now.itemsize] * np.abs(now)
    for _ in range(HALVINGS):
        step = length[:, None]
        then = problem.loss(at[0] + step * move[0], at[1] + step * move[1])
        bad = then > now + 1e-4 * length * slope + slack
        if not bad.any():
            break
        length = np.where(bad, length / 2, length)
    return length


def _dot(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.einsum("dbk,dbk->b", a, b))
