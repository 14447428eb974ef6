"""Learn a substitute network from an application's labels, and change images by its gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from goalkeeper.attacks._mixtures import split_rounds
from goalkeeper.attacks.base import Unfit
from goalkeeper.attacks.evasion._driver import IN_NORMS
from goalkeeper.attacks.evasion._momentum import Momentum, train_network
from goalkeeper.attacks.evasion._query_plans import PlanAttack, QueryPlan
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Floats, Inputs
from goalkeeper.core.errors import MissingExtra
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.evasion import EvasionQuestion, Grid, NormBall

if TYPE_CHECKING:
    from torch import nn

FIRST = 100  # questions of the first round
NARROW = 2.0**-6  # of the change found, at which bisection stops


@final
@dataclass(frozen=True, kw_only=True)
class GradientsFromSubstitute(PlanAttack[int]):
    """Train a substitute first, then evade it: a chain of two attacks.

    Half of the budget is spent on the attacker's own images and the images under attack, then, in
    rounds, on images moved by the substitute's gradient towards another answer. Several networks
    learn from the labels; their gains are added and climbed with momentum, then each one's alone,
    and what misleads the application is made smaller by bisection. What is learnt serves every
    image, and each image's campaign pays for all of it: that is what a single one would cost.

    Deviations: Papernot et al. climb once by the sign of the gradient; here with momentum.

    Parameters
    ----------
    questions
        Images asked to learn from, at most.
    networks
        Substitutes.
    stride
        By which images are moved to learn from, as a part of the range of values; 0.1 in the paper.
    """

    variant = "evasion.substitute"
    reference = (
        "Papernot, McDaniel, Goodfellow, Jha, Celik, Swami 2017, Practical black-box attacks "
        "against machine learning, ASIA CCS; Dong et al. 2018, CVPR"
    )
    domains = frozenset({"image"})
    tasks = IN_NORMS
    uses = Power(knowledge=Knowledge(data=Grade.PARTIAL, algorithm=Grade.PARTIAL))
    most = Budget(queries=2000, compute_h=1.0)
    refines: ClassVar[bool] = True
    questions: int = 1000
    networks: int = 3
    stride: float = 0.1

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse where torch is not installed."""
        if find_spec("torch") is None:
            missing = MissingExtra("torch", "torch")
            return Unfit(f"the attack trains its own network: {missing}")
        return None

    @final
    def items(self, question: EvasionQuestion, streams: Inputs) -> list[int]:
        """Return the place of each image."""
        _ball(question)
        return list(range(len(question.x)))

    def planner(self, question: EvasionQuestion, access: Access) -> Callable[[int], QueryPlan]:
        """Learn the substitutes once, and climb for all images together."""
        constraint, before = _ball(question), np.asarray(question.x, dtype=np.float64)
        networks = self._learn(question, access)
        sets = [networks, *([network] for network in networks)] if len(networks) > 1 else [networks]
        found = [
            constraint.quantise(
                before, Momentum().ascend(chosen, before, question.goal.wanted, constraint)
            )
            for chosen in sets
            if chosen
        ]

        def plan(i: int) -> QueryPlan:
            for after in found:
                reply = yield after[i][None]
                if reply.reached[0]:
                    yield from _shrink(constraint, before[i], after[i])
                    return

        return plan

    def _learn(self, question: EvasionQuestion, access: Access) -> list[nn.Module]:
        """Ask in rounds; no network where every answer was the same."""
        rng, grid = access.rng, _ball(question).grid
        own = np.asarray(question.x, dtype=np.float64)
        if access.granted.knowledge.data is not Grade.NONE:
            own = np.concatenate([own, np.asarray(access.data().x, dtype=np.float64)])
        own = own[rng.permutation(len(own))]
        seen = Data(x=own[:0], y=np.zeros(0, dtype=np.int64))
        network: nn.Module | None = None
        for size in split_rounds(min(self.questions, int(access.left().min()) // 2), FIRST):
            cut = size // 2 if network is not None else size
            known, own = own[:cut], own[cut:]
            if network is None:  # every answer so far was the same: look farther away
                more = blend(question.x, size - len(known), grid, rng)
            else:
                stride = self.stride * (grid.high - grid.low)
                drawn = seen.take(rng.integers(0, len(seen), size - len(known)))
                more = np.clip(move(network, drawn, stride), grid.low, grid.high)
            rows = np.concatenate([known, more])
            answers, answered = access.query_each(rows)
            seen = Data(
                x=np.concatenate([seen.x, rows[answered]]),
                y=np.concatenate([seen.y, answers.labels]),
            )
            if len(np.unique(seen.y)) > 1:
                network = train_network(access, seen, int(rng.integers(2**31)))
        if network is None:
            return []
        seeds = rng.integers(2**31, size=self.networks - 1)
        return [network, *(train_network(access, seen, int(seed)) for seed in seeds)]


def blend(x: Inputs, n: int, grid: Grid, rng: np.random.Generator) -> Floats:
    """Blend `n` of the images `(m, ...)` with flat ones and with noise, each to another part."""
    start = np.asarray(x, dtype=np.float64)[rng.integers(0, len(x), n)]
    flat = rng.uniform(grid.low, grid.high, (n, *[1] * (start.ndim - 1)))
    noise = np.where(
        rng.random(flat.shape) < 0.5, flat, rng.uniform(grid.low, grid.high, start.shape)
    )
    part = rng.random(flat.shape)
    return start + part * (noise - start)


def move(network: nn.Module, data: Data, stride: float) -> Floats:
    """Move images `(n, ...)` along the sign of the gradient of what was answered `(n,)`."""
    import torch

    x = torch.tensor(np.array(data.x), dtype=torch.float32, requires_grad=True)
    answered = torch.tensor(np.array(data.y, dtype=np.int64))
    (slope,) = torch.autograd.grad(network(x).gather(1, answered[:, None]).sum(), x)
    return np.asarray((x.detach() + stride * slope.sign()).double().numpy())


def _ball(question: EvasionQuestion) -> NormBall:
    if not isinstance(question.constraint, NormBall):
        raise TypeError(f"this attack needs a norm ball, the constraint is {question.constraint!r}")
    return question.constraint


def _shrink(constraint: NormBall, before: Floats, after: Floats) -> QueryPlan:
    """Bisect for the smallest part of a change that still misleads."""
    low, high = 0.0, 1.0
    while high - low > NARROW:
        middle = (low + high) / 2
        reply = yield constraint.quantise(before[None], (before + middle * (after - before))[None])
        low, high = (low, middle) if reply.reached[0] else (middle, high)
