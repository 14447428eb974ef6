"""Change images by the gradients of the attacker's own network, without seeing any answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, final

import numpy as np

from goalkeeper.attacks.base import Unfit
from goalkeeper.attacks.evasion._driver import (
    IN_NORMS,
    EvasionAttack,
    Proposal,
    QueryResults,
    State,
)
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.core.errors import MissingExtra
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.evasion import EvasionQuestion, NormBall
from goalkeeper.training import TorchTrainer, build_generic_network

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, eq=False, kw_only=True)
class PreparedImages(State):
    """The changed images `(a, ...)`, computed once and handed in."""

    x: Inputs


@final
@dataclass(frozen=True, kw_only=True)
class TransferredGradients(EvasionAttack[PreparedImages]):
    """Train a network on the attacker's own images, and ascend its loss with momentum.

    What misleads one network often misleads another that was trained for the same task. Momentum
    keeps the direction stable, so that the change fits less to peculiarities of this network. The
    whole radius is used, as no answer shows when to stop. Costs no query. An attacker who knows
    the family of the training algorithm trains that, where it has gradients; any other a network
    with one hidden layer.

    Parameters
    ----------
    steps
        Steps of the climb, each 1.5 / steps of the radius.
    momentum
        Of the gradient.
    """

    variant = "evasion.transfer"
    reference = "Dong et al. 2018, Boosting adversarial attacks with momentum, CVPR, Algorithm 1"
    domains = frozenset({"image"})
    tasks = IN_NORMS
    uses = Power(knowledge=Knowledge(algorithm=Grade.PARTIAL))
    most = Budget(queries=0, compute_h=1.0)
    steps: int = 20
    momentum: float = 1.0

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse where torch is not installed."""
        if find_spec("torch") is None:
            missing = MissingExtra("torch", "torch")
            return Unfit(f"the attack trains its own network: {missing}")
        return None

    def start(self, question: EvasionQuestion, streams: Inputs, access: Access) -> PreparedImages:
        """Train, climb, and round to what images may be."""
        constraint = question.constraint
        if not isinstance(constraint, NormBall):
            raise TypeError(f"this attack needs a norm ball, the constraint is {constraint!r}")
        network = self._train_network(access)
        before = np.asarray(question.x, dtype=np.float64)
        after = self._ascend(network, before, question.goal.wanted, constraint)
        return PreparedImages(
            done=np.zeros(len(before), dtype=bool), x=constraint.quantise(before, after)
        )

    def propose(self, state: PreparedImages) -> Proposal:
        """Hand in each image once."""
        return Proposal(state.x[:, None], np.ones((len(state.x), 1), dtype=bool))

    def update(self, state: PreparedImages, seen: QueryResults) -> PreparedImages:
        """Stop: there is nothing to learn from."""
        return PreparedImages(done=np.ones(len(state.x), dtype=bool), x=state.x)

    def _train_network(self, access: Access) -> nn.Module:
        """Train the own network."""
        data, seed = access.data(), int(access.rng.integers(2**31))
        if access.retrainable and access.granted.knowledge.algorithm >= Grade.PARTIAL:
            target = access.trainer().fit(data, seed)
            build = getattr(target, "network", None)
            if build is not None:
                target_network: nn.Module = build(lambda forward, backward: None)
                return target_network
        build = partial(build_generic_network, access.domain, len(access.classes))
        generic = TorchTrainer(build, access.classes, access.domain)
        trained: nn.Module = generic.fit(data, seed).network(lambda forward, backward: None)
        return trained

    def _ascend(
        self, network: nn.Module, before: Floats, wanted: Bools, constraint: NormBall
    ) -> Floats:
        import torch

        start = torch.as_tensor(before, dtype=torch.float32)
        mask = torch.as_tensor(wanted)
        x, speed = start.clone(), torch.zeros_like(start)
        for _ in range(self.steps):
            x.requires_grad_()
            logits = network(x)
            low = float("-inf")
            gain = logits.masked_fill(~mask, low).logsumexp(1)
            gain = gain - logits.masked_fill(mask, low).logsumexp(1)
            (slope,) = torch.autograd.grad(gain.sum(), x)
            size = slope.abs().flatten(1).mean(dim=1).clamp_min(1e-12)
            speed = self.momentum * speed + slope / _broadcast(size, slope)
            x = _project(start, x.detach() + self._step(speed, constraint), constraint)
        return np.asarray(x.double().numpy())

    def _step(self, speed: Tensor, constraint: NormBall) -> Tensor:
        # Half as far again as the radius, so that the boundary of the ball is surely reached.
        length = 1.5 * constraint.radius / self.steps
        if constraint.norm == "linf":
            return length * speed.sign()
        norm = speed.flatten(1).norm(dim=1).clamp_min(1e-12)
        return length * speed / _broadcast(norm, speed)


def _broadcast(values: Tensor, like: Tensor) -> Tensor:
    return values.reshape(-1, *[1] * (like.ndim - 1))


def _project(start: Tensor, x: Tensor, constraint: NormBall) -> Tensor:
    """Move back into the ball and the range of values."""
    change = x - start
    if constraint.norm == "linf":
        change = change.clamp(-constraint.radius, constraint.radius)
    else:
        norm = change.flatten(1).norm(dim=1).clamp_min(1e-12)
        change = change * _broadcast((constraint.radius / norm).clamp_max(1.0), change)
    return (start + change).clamp(constraint.grid.low, constraint.grid.high)
