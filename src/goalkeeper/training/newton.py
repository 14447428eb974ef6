"""Newton's method for B logistic regressions at once.

Every model has its own step length and its own stopping; the linear systems are solved by
conjugate gradients, preconditioned by the curvature of the model on all rows, and where that takes
too long, by the curvature of each model. Gradients may be computed more precisely than the systems
are solved: what a step leaves over is of second order, whatever the precision of the step.
References: Nocedal and Wright, Numerical Optimization, 2nd ed., chapter 7.1 (line search
Newton-CG); Bach, Self-concordant analysis for logistic regression, 2010 (a full step is safe where
no logit moves far). Deviation: the preconditioner is shared by all models.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Bools, Floats, Ints
from goalkeeper.training.curvature import Curvature
from goalkeeper.training.features import picked
from goalkeeper.training.losses import Problem

INNER = 500
PATIENCE = 8  # products with the Hessian before its inverse is computed; more where that costs more
PRODUCTS = 1 / 8  # products that cost as much as that, for each column
MANY = 1 / 8  # share of the models from which on the inverses of all are computed, and kept
PRECISE = 0.1  # after a step that moves a logit by more, logits are computed anew
TINY = 1e-300
SAFE = 1.5  # a Newton step that moves no logit by more lowers the loss
MILD = 4  # one that moves none by more does if the loss then rises half as steeply as it fell
HALVINGS = 60


class Settled(NamedTuple):
    """Unknowns `(d + 1, B, k)`, which models reached the goal, how far each moved last `(B,)`.

    `leading` is the last preconditioner of all models.
    """

    unknowns: Floats
    reached: Bools
    far: Floats
    leading: Curvature | None


@dataclass(frozen=True, eq=False)
class Goal:
    """When a model is done, or given up.

    No `logit` is farther from the optimum (to first order); at most `steps` are taken; a step that
    moves no logit by more than `close`, yet half as far as the last, is mere rounding. Linear
    systems are solved to `loose` at least and to `tight` at most, the first to `first`, relative.
    """

    logit: float
    steps: int
    close: float = 0.2
    first: float = 0.1
    loose: float = 0.1
    tight: float = 0.01


def minimise(
    problem: Problem, rough: Problem, start: Floats, leading: Curvature | None, goal: Goal
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
        The preconditioner, in the precision of `rough`; without it each step computes its own.
    goal
        When a model is done. A model that stands still before that is not waited for.
    """
    size, at = start.shape[1], _At.begin(problem, rough, start, leading)
    out, reached, moved = at.unknowns.copy(), np.zeros(size, dtype=bool), np.full(size, np.inf)
    active, accuracy, last = np.arange(size), np.full(size, goal.first), np.full(size, np.inf)
    for _ in range(goal.steps):
        far, sound = at.step(accuracy)
        error = (accuracy + far / 2) * far  # what an inexact Newton step leaves over
        done = sound & (error <= goal.logit)
        if done.any():
            done &= at.fallen() * far <= goal.logit
        still = (far == 0) | ((far < goal.close) & (far > 0.5 * last)) | ~np.isfinite(far)
        left = ~(done | still)
        wanted = np.maximum(goal.logit / (2 * error + TINY), error / 4)
        accuracy = np.clip(wanted, goal.tight, goal.loose)
        last = far
        reached[active[done]], moved[active] = True, np.where(sound, far, np.inf)
        leading = at.leading if len(active) == size else leading
        if not left.all():
            out[:, active[~left]] = at.unknowns[:, ~left]
            keep = np.flatnonzero(left)
            if len(keep) == 0:
                return Settled(out, reached, moved, leading)
            at = at.only(keep)
            active, accuracy, last = active[keep], accuracy[keep], last[keep]
    out[:, active] = at.unknowns
    return Settled(out, reached, moved, leading)


@dataclass(eq=False)
class _At:
    """Where the models stand: unknowns and gradient `(d + 1, B, k)`, logits `(n, B, k)`."""

    problem: Problem
    rough: Problem
    leading: Curvature | None
    unknowns: Floats
    logits: Floats
    gradient: Floats
    curved: Floats
    before: Floats = field(init=False)  # the gradient before the last step, its sign changed

    @classmethod
    def begin(
        cls, problem: Problem, rough: Problem, start: Floats, leading: Curvature | None
    ) -> _At:
        unknowns = start.astype(problem.sample.dtype)
        logits = problem.logits(unknowns)
        return cls(problem, rough, leading, unknowns, logits, *problem.gradient(unknowns, logits))

    def only(self, models: NDArray[Any]) -> _At:
        """Keep some of the models."""
        problem = self.problem.only(models)
        rough = problem if self.rough is self.problem else self.rough.only(models)
        leading = None if self.leading is None else self.leading.only(models)
        places = (self.unknowns, self.logits, self.gradient, self.curved)
        return _At(problem, rough, leading, *(picked(a, models) for a in places))

    def step(self, accuracy: Floats) -> tuple[Floats, Bools]:
        """Take a Newton step: how far any logit moved `(B,)`, and whether that was a full step."""
        narrow = self.rough.sample.dtype
        right, curved = (-self.gradient).astype(narrow), self.curved.astype(narrow, copy=False)
        move, sound, self.leading = _solve(self.rough, curved, right, self.leading, accuracy)
        along = self.rough.logits(move)
        far = np.abs(along).max(axis=(0, 2)).astype(np.float64)
        slope = _dot(self.gradient, move)
        self.unknowns += move
        if self.rough is self.problem or far.max() < PRECISE:
            self.logits += along
        else:
            self.logits = self.problem.logits(self.unknowns)
        self.gradient, self.curved = self.problem.gradient(self.unknowns, self.logits)
        bend = far * (1 if self.problem.k == 1 else 2)
        most = np.where(bend < MILD, -slope / 2, 0)  # a loss that still falls fell all the way
        doubt = np.flatnonzero(~(_dot(self.gradient, move) <= most) & (bend > SAFE))
        if len(doubt):
            fall = np.minimum(slope[doubt], 0)
            far[doubt] *= self._shorten(doubt, picked(move, doubt), picked(along, doubt), fall)
            sound[doubt] = False
        self.before = right
        return far, sound

    def fallen(self) -> Floats:
        """Find to which share `(B,)` the last step brought the preconditioned gradient."""
        before, after = self._size(self.before), self._size(self.gradient)
        return np.sqrt(np.divide(after, before, out=np.zeros_like(after), where=before > 0))

    def _size(self, gradient: Floats) -> Floats:
        right = gradient.astype(self.rough.sample.dtype, copy=False)
        return np.maximum(_dot(right, self.leading.solve(right) if self.leading else right), 0)

    def _shorten(self, doubt: Ints, move: Floats, along: Floats, slope: Floats) -> Floats:
        """Halve the step of some models until their loss falls enough (Armijo), and say how far."""
        some = self.problem.only(doubt)
        unknowns, logits = picked(self.unknowns, doubt), picked(self.logits, doubt)
        now = some.loss(unknowns - move, logits - along)
        slack, part = 4 * np.finfo(now.dtype).eps * np.abs(now), np.ones(len(doubt))
        bad = np.ones(len(doubt), dtype=bool)
        for _ in range(HALVINGS):
            back = (1 - part)[:, None].astype(now.dtype)
            then = some.loss(unknowns - back * move, logits - back * along)
            bad = ~(then <= now + 1e-4 * part * slope + slack)
            if not bad.any():
                break
            part = np.where(bad, part / 2, part)
        part[bad] = 0
        back = (1 - part)[:, None].astype(now.dtype)
        unknowns, logits = unknowns - back * move, logits - back * along
        gradient, curved = some.gradient(unknowns, logits)
        self.unknowns[:, doubt], self.logits[:, doubt] = unknowns, logits
        self.gradient[:, doubt], self.curved[:, doubt] = gradient, curved
        return np.where(bad, np.nan, part)


def _solve(
    problem: Problem,
    curved: Floats,
    right: Floats,
    leading: Curvature | None,
    accuracy: Floats,
) -> tuple[Floats, Bools, Curvature | None]:
    """Solve the linear systems of all models, those that are hard with their own curvature.

    Returns the solutions, which models `(B,)` were solved, and the preconditioner to go on with:
    where many models were hard, it is their own.
    """
    room, own = problem.room, leading is None
    if leading is None:
        leading = problem.exact(curved)
    patience = max(PATIENCE, int(len(right) * PRODUCTS)) if room and not own else INNER
    out, sound = _conjugate(problem, curved, right, leading, accuracy, patience)
    hard = np.flatnonzero(~sound)
    if own or room == 0 or len(hard) == 0:
        return out, sound, None if own else leading
    if len(hard) > len(sound) * MANY and len(sound) <= room:
        leading = problem.exact(curved)
        return *_conjugate(problem, curved, right, leading, accuracy, INNER), leading
    for start in range(0, len(hard), room):
        some = hard[start : start + room]
        few, bent = problem.only(some), picked(curved, some)
        found = _conjugate(few, bent, picked(right, some), few.exact(bent), accuracy[some], INNER)
        out[:, some], sound[some] = found
    return out, sound, leading


def _conjugate(
    problem: Problem,
    curved: Floats,
    right: Floats,
    leading: Curvature,
    accuracy: Floats,
    steps: int,
) -> tuple[Floats, Bools]:
    """Preconditioned conjugate gradients for all models; a model that is done stands still.

    Returns the solutions, and which models `(B,)` were solved: others have a step that helps, but
    that says nothing of how far the optimum is (rounding can make curvature look negative).
    """
    out, rest = np.zeros_like(right), right.copy()
    helped = leading.solve(rest)
    direction, size = helped, _dot(rest, helped)
    aim = accuracy**2 * size
    sound = (size > 0) | ~rest.any(axis=(0, 2))
    for _ in range(steps):
        going = sound & (size > aim)
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
        new = np.where(going, _dot(rest, helped), size)
        turn = np.divide(new, size, out=np.zeros_like(size), where=going)[:, None]
        sound &= ~going | (new >= 0)
        direction *= turn.astype(direction.dtype)
        direction += helped
        size = new
    return out, sound & ~(size > aim)


def _dot(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.einsum("dbk,dbk->b", a, b), dtype=np.float64)
