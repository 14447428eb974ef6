"""The attack around a climb: verify what the network takes for a success, then shrink it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Unfit
from goalkeeper.attacks.evasion._driver import (
    IN_NORMS,
    EvasionAttack,
    Proposal,
    QueryResults,
    State,
)
from goalkeeper.attacks.evasion._gradient_checks import Inspection, inspect
from goalkeeper.attacks.evasion._gradients import Ascent, AscentState, prepare_ascent
from goalkeeper.attacks.evasion._unmasking import guard_rows
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.errors import MissingExtra, NotOffered
from goalkeeper.core.evidence import Control
from goalkeeper.core.power import UNLIMITED, Budget
from goalkeeper.games.evasion import EvasionQuestion, NormBall

UNLIMITED_INPUTS = 20  # that withstood, and are tried without a limit
MOST_FAILURES = 10  # steps of an input at which the network may fail before it is given up
SHRINK_STEPS = 16  # lengths of the change that are tried after a success
SHRINK_ROUNDS = 2  # of trying lengths, each between those that the last left open


@dataclass(frozen=True, eq=False, kw_only=True)
class GradientSearch(State):
    """The climb of each input, what was verified, and the inputs in float64.

    solved `(a,)`: a success was verified; top `(a, ...)`: that success, to be shrunk; low, high
    `(a,)`: the shares of its change between which the boundary lies; rounds `(a,)`: of shrinking;
    failures `(a,)`: steps at which the network gave no answer.
    """

    climb: AscentState
    ascent: Ascent[Any]
    constraint: NormBall
    before: Floats
    top: Floats
    solved: Bools
    low: Floats
    high: Floats
    rounds: Ints
    failures: Ints


@dataclass(frozen=True, kw_only=True)
class GradientAttack(EvasionAttack[GradientSearch]):
    """An attack that climbs. Subclasses are final and say how, by an `Ascent`.

    What the network takes for a success is rounded to the steps of an image and asked again
    before it counts. Then shorter changes along the same line are tried, so that the curve shows
    smaller radii too.
    """

    domains = frozenset({"image"})
    tasks = IN_NORMS
    most = Budget(compute_h=UNLIMITED)
    refines: ClassVar[bool] = True
    averages: ClassVar[bool] = True  # expectation over transformation, in `_gradient_checks`

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse a target that has no differentiable form."""
        build = getattr(app.target, "network", None)
        if build is None:
            return Unfit("the attack follows gradients, and this target has no differentiable form")
        try:
            build(lambda forward, backward: None)
        except (NotOffered, MissingExtra) as error:
            return Unfit(f"the attack follows gradients: {error}")
        return None

    @abstractmethod
    def ascent(self, constraint: NormBall) -> Ascent[Any]:
        """Return the algorithm for these limits."""

    @final
    def start(self, question: EvasionQuestion, streams: Inputs, access: Access) -> GradientSearch:
        """Hand the inputs to the network, and begin the first attempt."""
        constraint = _need_ball(question)
        before = np.asarray(question.x, dtype=np.float64)
        found, x, wanted = _inspect(question, access)
        ascent, climb = self.ascent(constraint), prepare_ascent(found.network, x, wanted, streams)
        return GradientSearch(
            done=np.zeros(len(x), dtype=bool),
            climb=ascent.open_attempt(climb) if len(x) else climb,
            ascent=ascent,
            constraint=constraint,
            before=before,
            top=before.copy(),
            solved=np.zeros(len(x), dtype=bool),
            low=np.zeros(len(x)),
            high=np.ones(len(x)),
            rounds=np.zeros(len(x), dtype=np.int64),
            failures=np.zeros(len(x), dtype=np.int64),
        )

    @final
    def check(
        self, question: EvasionQuestion, solved: Bools, access: Access
    ) -> tuple[Control, ...]:
        """Check the gradient, and that no input withstands where there is no limit."""
        if not len(question.x):
            return ()
        found, *_ = _inspect(question, access)
        left = np.flatnonzero(~solved)[:UNLIMITED_INPUTS]
        if found.constant or not len(left):
            return (found.report(),)
        tried = question.take(left)
        wide = replace(tried, constraint=_unlimited(_need_ball(question), tried.x[0].size))
        reached = int(self.try_again(wide, access).sum())
        return (
            found.report(),
            Control(
                name="without a limit, every input is broken",
                passed=reached == len(left),
                proves=True,
                detail=f"{reached} of {len(left)} inputs that withstood were broken when their "
                "values could change without a limit, where a sound attack breaks every one",
            ),
        )

    @final
    def propose(self, state: GradientSearch) -> Proposal:
        """Ask about the point reached where the network gives way, or about shorter changes."""
        hit = state.climb.hit.cpu().numpy() & ~state.solved
        width = SHRINK_STEPS if state.solved.any() else 1
        x = np.empty((len(hit), width, *state.before.shape[1:]))
        wanted = np.zeros((len(hit), width), dtype=bool)
        # Where the network fails, the application is asked, too, so that it is known to fail.
        hit |= _is_failing(state) & ~state.solved
        wanted[hit, 0] = wanted[state.solved] = True
        reached = state.climb.x.double().cpu().numpy()
        x[hit, 0] = state.constraint.quantise(state.before[hit], reached[hit])
        before, top = state.before[state.solved], state.top[state.solved]
        shares = _interpolate_shares(state.low, state.high)[state.solved]
        for k in range(width if state.solved.any() else 0):
            way = shares[:, k].reshape(-1, *[1] * (top.ndim - 1)) * (top - before)
            x[state.solved, k] = state.constraint.quantise(before, before + way)
        return Proposal(x, wanted, working=~state.solved)

    @final
    def update(self, state: GradientSearch, seen: QueryResults) -> GradientSearch:
        """Note what was verified, and climb on with the rest."""
        fresh = seen.reached[:, 0] & ~state.solved
        top = state.top.copy()
        top[fresh] = state.climb.x.double().cpu().numpy()[fresh]
        state = _narrow_boundary(state, seen.reached) if state.solved.any() else state
        done, solved = state.done | (state.rounds == SHRINK_ROUNDS), state.solved | fresh
        failures = state.failures + _is_failing(state)
        done = done | (~solved & (failures >= MOST_FAILURES))
        climb = state.climb
        if not state.ascent.is_over(climb):
            climb = state.ascent.advance(climb)
        if state.ascent.is_over(climb):
            done = done | ~solved
        return replace(state, done=done, climb=climb, top=top, solved=solved, failures=failures)


def _is_failing(state: GradientSearch) -> Bools:
    """Return for which inputs `(a,)` the network gives no answer at the point reached."""
    return np.isneginf(state.climb.loss.cpu().numpy())


def _need_ball(question: EvasionQuestion) -> NormBall:
    constraint = question.constraint
    if not isinstance(constraint, NormBall):
        raise TypeError(f"this attack needs a norm ball, the constraint is {constraint!r}")
    return constraint


def _inspect(question: EvasionQuestion, access: Access) -> tuple[Inspection, Any, Any]:
    """Return the network to climb on, and tensors of the inputs and the wanted answers."""
    import torch

    network, grid = access.network(), _need_ball(question).grid
    held = next(network.buffers(), next(network.parameters(), torch.zeros(0)))
    before = np.array(question.x, dtype=np.float32)  # a copy: tensors can be written to
    x = torch.as_tensor(before, device=held.device)
    wanted = torch.as_tensor(np.array(question.goal.wanted), device=held.device)
    guarded = guard_rows(network, wanted.shape[1])
    return inspect(guarded, x, wanted, grid.low, grid.high), x, wanted


def _unlimited(constraint: NormBall, values: int) -> NormBall:
    """Return the ball that holds every input of the domain."""
    span = constraint.grid.high - constraint.grid.low
    return replace(constraint, radius=span * (1 if constraint.norm == "linf" else values**0.5))


def _interpolate_shares(low: Floats, high: Floats) -> Floats:
    """Return shares of the change between two others, `(a, SHRINKS)`."""
    steps = np.arange(1, SHRINK_STEPS + 1) / (SHRINK_STEPS + 1)
    return np.asarray(low[:, None] + (high - low)[:, None] * steps)


def _narrow_boundary(state: GradientSearch, reached: Bools) -> GradientSearch:
    """Narrow down where the boundary lies, from the lengths `(a, SHRINKS)` that were tried."""
    shares = np.concatenate(
        [_interpolate_shares(state.low, state.high), state.high[:, None]], axis=1
    )
    least = np.where(reached.any(axis=1), reached.argmax(axis=1), SHRINK_STEPS)
    rows = np.arange(len(least))
    below = np.where(least == 0, state.low, shares[rows, np.maximum(least - 1, 0)])
    return replace(
        state,
        low=np.where(state.solved, below, state.low),
        high=np.where(state.solved, shares[rows, least], state.high),
        rounds=state.rounds + state.solved,
    )
