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
from goalkeeper.core.deadline import check_time
from goalkeeper.training.losses import LogisticProblem
from goalkeeper.training.preconditioner import Preconditioner
from goalkeeper.training.subsets import select_models

# Exact arithmetic needs one step of conjugate gradients for each unknown; whoever takes more than
# this is stopped by rounding, and is solved otherwise.
MAX_CG_STEPS = 500
# Products with the Hessian that are tried with the shared preconditioner before that of a model is
# computed: at least so many, and as many as take the time of computing it, D / 8 for D columns.
MIN_SHARED_CG_STEPS = 8
SHARED_CG_STEPS_PER_COLUMN = 1 / 8
# Share of hard models from which on the inverses of all are computed, and kept for later steps.
HARD_SHARE_FOR_ALL = 1 / 8
# After steps that move a logit by more, logits are computed anew. Float32 rounds a step of 0.1 by
# 6e-9, which may be added to logits that must be right to 1e-7; more may not.
MAX_ADDED_LOGIT_CHANGE = 0.1
SMALLEST_DIVISOR = 1e-300  # instead of 0: a quotient by it is as good as infinite
# Self-concordance (Bach, 2010): along a step that moves no logit by more than t, curvature changes
# by a factor of exp(t) at most. So a Newton step with t <= 1.5 ends below where it began: the loss
# falls by 1 - (exp(t) - t - 1) / t**2 = 0.12 of slope at least.
SAFE_LOGIT_CHANGE = 1.5
# With t <= 4 it does, too, if at its end the loss rises at most half as steeply as it fell at its
# beginning: the worst curvature within that bound lowers it by 0.07 of slope. Beyond, the loss must
# still fall at the end.
MILD_LOGIT_CHANGE = 4
MAX_HALVINGS = 60  # of a step; 2**-60 of it is below the rounding of float64
SUFFICIENT_DECREASE = 1e-4  # of what the slope promises (Armijo): Nocedal and Wright, chapter 3.1
LOSS_ROUNDINGS = 4  # of the loss by which a comparison of two values may be wrong


class NewtonResult(NamedTuple):
    """Unknowns `(d + 1, B, k)`, which models reached the goal, how far each moved last `(B,)`.

    `preconditioner` is the last one of all models.
    """

    unknowns: Floats
    reached: Bools
    last_change: Floats
    preconditioner: Preconditioner | None


@dataclass(frozen=True, eq=False)
class StoppingRule:
    """When a model is done, or given up.

    Parameters
    ----------
    logit_error
        No logit is farther from the optimum, to first order.
    max_steps
        Newton steps at most.
    rounding_change
        A step that moves no logit by more than this, yet half as far as the last, is rounding.
    first_accuracy
        To which the first linear system is solved, relative.
    loosest_accuracy, tightest_accuracy
        To which the others are solved at least, and at most.
    """

    logit_error: float
    max_steps: int
    rounding_change: float = 0.2
    first_accuracy: float = 0.1
    loosest_accuracy: float = 0.1
    tightest_accuracy: float = 0.01


def minimise(
    problem: LogisticProblem,
    low_precision: LogisticProblem,
    start: Floats,
    preconditioner: Preconditioner | None,
    rule: StoppingRule,
) -> NewtonResult:
    """Solve the B problems from `start (d + 1, B, k)`.

    Parameters
    ----------
    problem
        B strictly convex problems, in the precision of gradients.
    low_precision
        The same problems in the precision of linear systems; may be `problem` itself.
    start
        Where to begin; features outside a subset must be 0.
    preconditioner
        In the precision of `low_precision`; without it each step computes its own.
    rule
        When a model is done. A model that stands still before that is not waited for.
    """
    size = start.shape[1]
    state = _NewtonState.begin(problem, low_precision, start, preconditioner)
    out, reached, moved = state.unknowns.copy(), np.zeros(size, dtype=bool), np.full(size, np.inf)
    active, last = np.arange(size), np.full(size, np.inf)
    accuracy = np.full(size, rule.first_accuracy)
    for _ in range(rule.max_steps):
        check_time()
        change, sound = state.step(accuracy)
        # What an inexact Newton step leaves over: what the linear solve left, and a second order.
        error = (accuracy + change / 2) * change
        done = sound & (error <= rule.logit_error)
        if done.any():
            done &= state.gradient_reduction() * change <= rule.logit_error
        creeping = (change < rule.rounding_change) & (change > 0.5 * last)
        still = (change == 0) | creeping | ~np.isfinite(change)
        unfinished = ~(done | still)
        # The next step moves logits by about `error`. Solved to this accuracy, it leaves half of
        # what is allowed; but half of what it leaves of second order anyway, error**2 / 4, is
        # precise enough (forcing terms: Nocedal and Wright, chapter 7.1).
        wanted = np.maximum(rule.logit_error / (2 * error + SMALLEST_DIVISOR), error / 4)
        accuracy = np.clip(wanted, rule.tightest_accuracy, rule.loosest_accuracy)
        last = change
        reached[active[done]], moved[active] = True, np.where(sound, change, np.inf)
        preconditioner = state.preconditioner if len(active) == size else preconditioner
        if not unfinished.all():
            out[:, active[~unfinished]] = state.unknowns[:, ~unfinished]
            keep = np.flatnonzero(unfinished)
            if len(keep) == 0:
                return NewtonResult(out, reached, moved, preconditioner)
            state = state.select(keep)
            active, accuracy, last = active[keep], accuracy[keep], last[keep]
    out[:, active] = state.unknowns
    return NewtonResult(out, reached, moved, preconditioner)


@dataclass(eq=False)
class _NewtonState:
    """Where the models stand: unknowns and gradient `(d + 1, B, k)`, logits `(n, B, k)`."""

    problem: LogisticProblem
    low_precision: LogisticProblem
    preconditioner: Preconditioner | None
    unknowns: Floats
    logits: Floats
    gradient: Floats
    curvature: Floats
    descent: Floats = field(init=False)  # the gradient before the last step, its sign changed

    @classmethod
    def begin(
        cls,
        problem: LogisticProblem,
        low_precision: LogisticProblem,
        start: Floats,
        preconditioner: Preconditioner | None,
    ) -> _NewtonState:
        unknowns = start.astype(problem.row_weights.dtype)
        logits = problem.logits(unknowns)
        gradient, curvature = problem.gradient(unknowns, logits)
        return cls(problem, low_precision, preconditioner, unknowns, logits, gradient, curvature)

    def select(self, models: NDArray[Any]) -> _NewtonState:
        """Keep some of the models."""
        problem, low = self.problem.select(models), self.low_precision
        low = problem if low is self.problem else low.select(models)
        preconditioner = self.preconditioner and self.preconditioner.select(models)
        arrays = (self.unknowns, self.logits, self.gradient, self.curvature)
        return _NewtonState(
            problem, low, preconditioner, *(select_models(a, models) for a in arrays)
        )

    def step(self, accuracy: Floats) -> tuple[Floats, Bools]:
        """Take a Newton step: how far any logit moved `(B,)`, and whether that was a full step."""
        dtype = self.low_precision.row_weights.dtype
        descent, curvature = (
            (-self.gradient).astype(dtype),
            self.curvature.astype(dtype, copy=False),
        )
        system = _LinearSystem(self.low_precision, curvature, descent, accuracy)
        move, sound, self.preconditioner = system.solve(self.preconditioner)
        logit_move = self.low_precision.logits(move)
        change = np.abs(logit_move).max(axis=(0, 2)).astype(np.float64)
        slope = _dot(self.gradient, move)
        self.unknowns += move
        if self.low_precision is self.problem or change.max() < MAX_ADDED_LOGIT_CHANGE:
            self.logits += logit_move
        else:
            self.logits = self.problem.logits(self.unknowns)
        self.gradient, self.curvature = self.problem.gradient(self.unknowns, self.logits)
        # With more than two classes, what counts is how far two logits move apart.
        apart = change * (1 if self.problem.k == 1 else 2)
        # The loss is convex: where it still falls at the end of a step, it fell all the way.
        steepest_end = np.where(apart < MILD_LOGIT_CHANGE, -slope / 2, 0)
        lowered = _dot(self.gradient, move) <= steepest_end
        doubtful = np.flatnonzero(~lowered & (apart > SAFE_LOGIT_CHANGE))
        if len(doubtful):
            fall = np.minimum(slope[doubtful], 0)
            moves = select_models(move, doubtful), select_models(logit_move, doubtful)
            change[doubtful] *= self._shorten(doubtful, *moves, fall)
            sound[doubtful] = False
        self.descent = descent
        return change, sound

    def gradient_reduction(self) -> Floats:
        """Find to which share `(B,)` the last step brought the preconditioned gradient."""
        before, after = self._gradient_size(self.descent), self._gradient_size(self.gradient)
        return np.sqrt(np.divide(after, before, out=np.zeros_like(after), where=before > 0))

    def _gradient_size(self, gradient: Floats) -> Floats:
        right = gradient.astype(self.low_precision.row_weights.dtype, copy=False)
        solved = self.preconditioner.solve(right) if self.preconditioner else right
        return np.maximum(_dot(right, solved), 0)

    def _shorten(self, models: Ints, move: Floats, logit_move: Floats, slope: Floats) -> Floats:
        """Halve the step of some models until their loss falls enough; return what is left of it.

        The step was already taken, so that a share is left by going back the rest.
        """
        problem = self.problem.select(models)
        unknowns = select_models(self.unknowns, models)
        logits = select_models(self.logits, models)
        before = problem.loss(unknowns - move, logits - logit_move)
        rounding = LOSS_ROUNDINGS * np.finfo(before.dtype).eps * np.abs(before)
        share, failed = np.ones(len(models)), np.ones(len(models), dtype=bool)
        for _ in range(MAX_HALVINGS):
            back = (1 - share)[:, None].astype(before.dtype)
            after = problem.loss(unknowns - back * move, logits - back * logit_move)
            failed = ~(after <= before + SUFFICIENT_DECREASE * share * slope + rounding)
            if not failed.any():
                break
            share = np.where(failed, share / 2, share)
        share[failed] = 0
        back = (1 - share)[:, None].astype(before.dtype)
        unknowns, logits = unknowns - back * move, logits - back * logit_move
        gradient, curvature = problem.gradient(unknowns, logits)
        self.unknowns[:, models], self.logits[:, models] = unknowns, logits
        self.gradient[:, models], self.curvature[:, models] = gradient, curvature
        return np.where(failed, np.nan, share)


@dataclass(frozen=True, eq=False)
class _LinearSystem:
    """Hessians of B models and the right sides `(d + 1, B, k)` to divide by them.

    `curvature (n, B, k)` is what the problem's Hessian takes, `accuracy (B,)` relative.
    """

    problem: LogisticProblem
    curvature: Floats
    right: Floats
    accuracy: Floats

    def solve(
        self, preconditioner: Preconditioner | None
    ) -> tuple[Floats, Bools, Preconditioner | None]:
        """Solve the systems of all models, those that are hard with their own curvature.

        Returns the solutions, which models `(B,)` were solved, and the preconditioner to go on
        with: where many models were hard, it is their own.
        """
        room = self.problem.max_inverses
        if preconditioner is None:
            exact = self.problem.build_preconditioner(self.curvature)
            return *self.conjugate_gradients(exact, MAX_CG_STEPS), None
        by_width = int(len(self.right) * SHARED_CG_STEPS_PER_COLUMN)
        steps = max(MIN_SHARED_CG_STEPS, by_width) if room else MAX_CG_STEPS
        out, sound = self.conjugate_gradients(preconditioner, steps)
        hard = np.flatnonzero(~sound)
        if room == 0 or len(hard) == 0:
            return out, sound, preconditioner
        if len(hard) > len(sound) * HARD_SHARE_FOR_ALL and len(sound) <= room:
            exact = self.problem.build_preconditioner(self.curvature)
            return *self.conjugate_gradients(exact, MAX_CG_STEPS), exact
        for start in range(0, len(hard), room):
            models = hard[start : start + room]
            part = self.select(models)
            exact = part.problem.build_preconditioner(part.curvature)
            out[:, models], sound[models] = part.conjugate_gradients(exact, MAX_CG_STEPS)
        return out, sound, preconditioner

    def select(self, models: Ints) -> _LinearSystem:
        """Keep some of the models."""
        return _LinearSystem(
            self.problem.select(models),
            select_models(self.curvature, models),
            select_models(self.right, models),
            self.accuracy[models],
        )

    def conjugate_gradients(
        self, preconditioner: Preconditioner, steps: int
    ) -> tuple[Floats, Bools]:
        """Take steps of preconditioned conjugate gradients; a model that is done stands still.

        Returns the solutions, and which models `(B,)` were solved: others have a step that helps,
        but that says nothing of how far the optimum is (rounding can make curvature look
        negative). Reference: Nocedal and Wright, algorithm 5.3.
        """
        out, residual = np.zeros_like(self.right), self.right.copy()
        preconditioned = preconditioner.solve(residual)
        direction, size = preconditioned, _dot(residual, preconditioned)
        target = self.accuracy**2 * size  # sizes are squared norms
        sound = (size > 0) | ~residual.any(axis=(0, 2))
        for _ in range(steps):
            going = sound & (size > target)
            if not going.any():
                break
            product = self.problem.hessian(direction, self.curvature)
            curvature = _dot(direction, product)
            sound &= ~going | (curvature > 0)
            going &= sound
            pace = np.divide(size, curvature, out=np.zeros_like(size), where=going)[:, None]
            product *= pace.astype(product.dtype)
            residual -= product
            np.multiply(direction, pace, out=product, casting="same_kind")
            out += product
            preconditioned = preconditioner.solve(residual)
            new_size = np.where(going, _dot(residual, preconditioned), size)
            beta = np.divide(new_size, size, out=np.zeros_like(size), where=going)[:, None]
            sound &= ~going | (new_size >= 0)
            direction *= beta.astype(direction.dtype)
            direction += preconditioned
            size = new_size
        return out, sound & ~(size > target)


def _dot(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.einsum("dbk,dbk->b", a, b), dtype=np.float64)
