"""Newton's method for B logistic regressions at once.

Every model has its own step length and its own stopping; the linear systems are solved by
conjugate gradients, preconditioned by the leading curvature of the model on all rows. Gradients
may be computed more precisely than the systems are solved: what a step leaves over is of second
order, whatever the precision of the step.
References: Nocedal and Wright, Numerical Optimization, 2nd ed., chapter 7.1 (line search
Newton-CG); Bach, Self-concordant analysis for logistic regression, 2010 (a full step is safe where
no logit moves far). Deviation: the preconditioner is shared by all models.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Bools, Floats, Ints
from goalkeeper.targets.sklearn import softmax
from goalkeeper.training.features import Lens, picked

INNER = 500
LOOSE, TIGHT = 0.1, 0.01  # relative accuracy of linear systems: at most, at least
CLOSE = 0.2  # a step that moves no logit by more, yet half as far as the last, is mere rounding
TINY = 1e-300
FREE = 1e-3  # penalty of the bias in the preconditioner; it has none
STEEP = 1e5  # curvature that float32 can still divide by; beyond, rounding would change its sign
SAFE = 1.5  # a Newton step that moves no logit by more lowers the loss
HALVINGS = 30


@dataclass(frozen=True, eq=False)
class Problem:
    """B problems: half the squared weights plus the weighted logistic losses.

    `y (n,)` holds indices; `sample (n, B)` weighs every row in every model; k is 1 for two
    classes, else their number. Unknowns are `(d + 1, B, k)`: weights, then the bias, which is
    not penalised and stays 0 without `intercept`. All is computed in the precision of `sample`.
    """

    lens: Lens
    y: Ints
    sample: Floats
    k: int
    intercept: bool

    def only(self, models: NDArray[Any]) -> Problem:
        """Keep some of the models."""
        return replace(self, lens=self.lens.only(models), sample=picked(self.sample, models))

    def logits(self, unknowns: Floats) -> Floats:
        """Logits `(n, B, k)`."""
        out = np.empty((len(self.y), *unknowns.shape[1:]), dtype=self.sample.dtype)
        weights, bias = self._folded(unknowns)
        for rows in self._pieces():
            out[rows] = self.lens.forward(rows, weights, bias)
        return out

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

    def gradient(self, unknowns: Floats, logits: Floats) -> tuple[Floats, Floats]:
        """Gradient `(d + 1, B, k)`, and what `hessian` multiplies logits with, `(n, B, k)`."""
        curved = np.empty_like(logits)
        side = self.sample.dtype.type(0.5) - np.eye(max(2, self.k), dtype=self.sample.dtype)
        sides = side[self.y, -self.k :][:, None, :]
        sums = _Sums()
        for rows in self._pieces():
            chance = _centred(logits[rows])  # probabilities less one half
            sample = self.sample[rows, :, None]
            bent = curved[rows]
            if self.k == 1:
                np.multiply(chance, chance, out=bent)
                np.subtract(0.25, bent, out=bent)
                bent *= sample
            else:
                np.add(chance, 0.5, out=bent)
            chance += sides[rows]
            chance *= sample
            sums.add(chance.sum(axis=0), self.lens.backward(rows, chance))
        return self._unfolded(sums, unknowns), curved

    def hessian(self, vector: Floats, curved: Floats) -> Floats:
        """Multiply the Hessian with `(d + 1, B, k)`."""
        weights, bias = self._folded(vector)
        sums = _Sums()
        for rows in self._pieces():
            moved = self.lens.forward(rows, weights, bias)
            moved *= curved[rows]
            if self.k > 1:
                moved -= curved[rows] * moved.sum(axis=2, keepdims=True)
                moved *= self.sample[rows, :, None]
            sums.add(moved.sum(axis=0), self.lens.backward(rows, moved))
        return self._unfolded(sums, vector)

    def _pieces(self) -> Any:
        return self.lens.pieces(self.sample.shape[1] * self.k)

    def _folded(self, unknowns: Floats) -> tuple[Floats, Floats]:
        bias = unknowns[-1] if self.intercept else np.zeros_like(unknowns[-1])
        return self.lens.folded(unknowns[:-1], bias)

    def _unfolded(self, sums: _Sums, unknowns: Floats) -> Floats:
        """Gradient or product of the unknowns `(d + 1, B, k)` from what rows gave, and penalty."""
        out = np.empty(unknowns.shape, sums.pulled.dtype)
        np.add(self.lens.unfold(sums.pulled, sums.total), unknowns[:-1], out=out[:-1])
        out[-1] = sums.total if self.intercept else 0.0
        if self.k > 1:  # what all classes share changes no probability: only rounding puts it here
            out -= out.mean(axis=2, keepdims=True)
        return out


class _Sums:
    """Sums over pieces of the rows: values `(B, k)`, and what was carried back `(d, B, k)`."""

    total: Floats
    pulled: Floats

    def add(self, total: Floats, pulled: Floats) -> None:
        """Add one piece."""
        if hasattr(self, "pulled"):
            self.total += total
            self.pulled += pulled
        else:
            self.total, self.pulled = total, pulled


def _centred(logits: Floats) -> Floats:
    """Probabilities less one half, of class 1 when there are two."""
    if logits.shape[2] > 1:
        return softmax(logits) - logits.dtype.type(0.5)
    half = np.multiply(logits, 0.5)
    np.tanh(half, out=half)
    half *= 0.5
    return half


@dataclass(frozen=True, eq=False)
class Leading:
    """The leading curvature of the model on all rows: a preconditioner for all subsets.

    `vectors (d + 1, r)` and `values (r,)` are eigenvectors and eigenvalues of the curvature of the
    losses, in unknowns whose penalty is the identity: the bias, which is not penalised, counts as
    penalised by `FREE`. `share (B,)` scales the values to each subset.
    """

    vectors: Floats
    values: Floats
    share: Floats

    def only(self, models: NDArray[Any]) -> Leading:
        """Keep some of the models."""
        return replace(self, share=self.share[models])

    def cast(self, dtype: Any) -> Leading:
        """Change the precision."""
        parts = (self.vectors, self.values, self.share)
        return Leading(*(a.astype(dtype, copy=False) for a in parts))

    def solve(self, right: Floats) -> Floats:
        """Divide `(d + 1, B, k)` by the approximate curvature.

        What is steeper than `STEEP` is divided by that: the vectors are known to float32 only, and
        what is left of `right` beside them must stay smaller than what they are divided to.
        """
        out, scaled = np.empty(right.shape, right.dtype), right[-1] / right.dtype.type(FREE**0.5)
        if len(self.values) == 0:
            out[:] = right
        else:
            steep = np.minimum(self.values[:, None] * self.share, STEEP)
            vectors, rest = self.vectors[:-1], right[:-1]
            inner = vectors.T @ rest.reshape(len(rest), -1)
            inner += self.vectors[-1][:, None] * scaled.reshape(-1)
            inner = inner.reshape(-1, *right.shape[1:])
            inner *= (1 / (1 + steep) - 1).astype(inner.dtype)[:, :, None]
            flat = inner.reshape(len(inner), -1)
            np.matmul(vectors, flat, out=out[:-1].reshape(len(rest), -1))
            out[:-1] += rest
            scaled = scaled + (self.vectors[-1] @ flat).reshape(scaled.shape)
        out[-1] = scaled / right.dtype.type(FREE**0.5)
        return out


class Settled(NamedTuple):
    """Unknowns `(d + 1, B, k)`, and which models `(B,)` reached the goal."""

    unknowns: Floats
    reached: Bools


@dataclass(frozen=True, eq=False)
class Goal:
    """How far from the optimum any logit may be (to first order), and after how many steps."""

    logit: float
    steps: int
    first: float = LOOSE  # relative accuracy of the first linear system


def minimise(
    problem: Problem, rough: Problem, start: Floats, leading: Leading, goal: Goal
) -> Settled:
    """Solve the B problems from `start (d + 1, B, k)`.

    Parameters
    ----------
    problem
        B strictly convex problems, in the precision of gradients.
    rough
        The same problems in the precision of linear systems; may be `problem` itself.
    start
        Where to begin; features outside a subset must be 0.
    leading
        The preconditioner, in the precision of `rough`.
    goal
        When a model is done. A model that stands still before that is not waited for.
    """
    dtype, narrow = problem.sample.dtype, rough.sample.dtype
    out, reached = start.astype(dtype), np.zeros(start.shape[1], dtype=bool)
    active = np.arange(start.shape[1])
    unknowns, logits = out.copy(), problem.logits(out)
    accuracy, last = np.full(len(active), goal.first), np.full(len(active), np.inf)
    for _ in range(goal.steps):
        gradient, curved = problem.gradient(unknowns, logits)
        right, curved = (-gradient).astype(narrow, copy=False), curved.astype(narrow, copy=False)
        move, sound = _solve(rough, curved, right, leading, accuracy)
        along = rough.logits(move)
        far = np.abs(along).max(axis=(0, 2)).astype(np.float64)
        length = _lengths(problem, (unknowns, logits), (move, along), gradient, far)
        unknowns += length[:, None] * move
        logits += length[:, None] * along
        error = (accuracy + far / 2) * far  # what an inexact Newton step leaves over
        done = sound & (length == 1) & (error <= goal.logit)
        still = (far == 0) | ((far < CLOSE) & (far > 0.5 * last)) | ~np.isfinite(far)
        left = ~(done | still)
        accuracy = np.clip(np.maximum(goal.logit / (2 * error + TINY), error / 4), TIGHT, LOOSE)
        last = far
        reached[active[done]] = True
        if not left.all():
            out[:, active[~left]] = unknowns[:, ~left]
            keep = np.flatnonzero(left)
            if len(keep) == 0:
                return Settled(out, reached)
            same = rough is problem
            active, problem, leading = active[keep], problem.only(keep), leading.only(keep)
            rough = problem if same else rough.only(keep)
            unknowns, logits = picked(unknowns, keep), picked(logits, keep)
            accuracy, last = accuracy[keep], last[keep]
    out[:, active] = unknowns
    return Settled(out, reached)


def _solve(
    problem: Problem, curved: Floats, right: Floats, leading: Leading, accuracy: Floats
) -> tuple[Floats, Bools]:
    """Preconditioned conjugate gradients for all models; a model that is done stands still.

    Returns the solutions, and which models `(B,)` were solved: others have a step that helps, but
    that says nothing of how far the optimum is (rounding can make curvature look negative).
    """
    out, rest = np.zeros_like(right), right
    helped = leading.solve(rest)
    direction, size = helped, _dot(rest, helped)
    aim = accuracy**2 * size
    sound = (size > 0) | ~rest.any(axis=(0, 2))
    for _ in range(INNER):
        going = size > aim
        if not going.any():
            break
        bent = problem.hessian(direction, curved)
        slope = _dot(direction, bent)
        sound &= ~going | (slope > 0)
        going &= sound
        pace = np.divide(size, slope, out=np.zeros_like(size), where=going)[:, None]
        bent *= pace.astype(bent.dtype)
        rest -= bent
        np.multiply(direction, pace, out=bent, casting="same_kind")
        out += bent
        helped = leading.solve(rest)
        new = np.where(going, _dot(rest, helped), 0.0)
        turn = np.divide(new, size, out=np.zeros_like(size), where=going)[:, None]
        sound &= ~going | (new >= 0)
        direction *= turn.astype(direction.dtype)
        direction += helped
        size = new
    return out, sound & ~(size > aim)


def _lengths(
    problem: Problem,
    at: tuple[Floats, Floats],
    move: tuple[Floats, Floats],
    gradient: Floats,
    far: Floats,
) -> Floats:
    """Halve the step of each model until its loss falls enough (Armijo); safe steps stay."""
    length = np.ones(len(far), dtype=problem.sample.dtype)
    doubt = np.flatnonzero(far * (1 if problem.k == 1 else 2) > SAFE)
    if len(doubt) == 0:
        return length
    some = problem.only(doubt)
    here, step = [a[:, doubt] for a in at], [m[:, doubt] for m in move]
    now, slope = some.loss(here[0], here[1]), _dot(gradient[:, doubt], step[0])
    slack, part = 4 * np.finfo(now.dtype).eps * np.abs(now), np.ones(len(doubt))
    for _ in range(HALVINGS):
        pace = part[:, None].astype(now.dtype)
        then = some.loss(here[0] + pace * step[0], here[1] + pace * step[1])
        bad = then > now + 1e-4 * part * slope + slack
        if not bad.any():
            break
        part = np.where(bad, part / 2, part)
    length[doubt] = part
    return length


def _dot(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.einsum("dbk,dbk->b", a, b), dtype=np.float64)
