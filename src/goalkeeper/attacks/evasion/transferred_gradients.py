"""Change images by the gradients of a network of one's own, without any answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, final

import numpy as np

from goalkeeper.attacks.base import Unfit
from goalkeeper.attacks.evasion._driver import EvasionAttack, Proposal, Seen, State
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.core.errors import MissingExtra
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.evasion import Ball, Question
from goalkeeper.training import TorchTrainer, build_generic_network

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, eq=False, kw_only=True)
class Ready(State):
    """The changed images `(a, ...)`, computed once and handed in."""

    x: Inputs


@final
@dataclass(frozen=True, kw_only=True)
class TransferredGradients(EvasionAttack[Ready]):
    """Train a network on images of one's own, and climb its loss with momentum.

    What misleads one network often misleads another that learnt the same task. Momentum keeps the
    direction stable, so that the change fits less to the peculiarities of the own network. The
    whole radius is used, as no answer tells when to stop. Costs no query. Who knows the family of
    the training algorithm trains that, where it has gradients; everybody else a network with one
    hidden layer.

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
    tasks = ("*-linf", "*-l2")
    uses = Power(knowledge=Knowledge(algorithm=Grade.PARTIAL))
    most = Budget(queries=0, compute_h=1.0)
    steps: int = 20
    momentum: float = 1.0

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse where torch is not installed."""
        if find_spec("torch") is None:
            missing = MissingExtra("torch", "torch")
            return Unfit(f"the attack trains a network of its own: {missing}")
        return None

    def start(self, question: Question, streams: Inputs, access: Access) -> Ready:
        """Train, climb, and round to what images may be."""
        limits = question.limits
        if not isinstance(limits, Ball):
            raise TypeError(f"gradients are followed in norm balls only, the limits are {limits!r}")
        network = self._own(access)
        before = np.asarray(question.x, dtype=np.float64)
        after = self._climbed(network, before, question.aim.wanted, limits)
        return Ready(done=np.zeros(len(before), dtype=bool), x=limits.settled(before, after))

    def propose(self, state: Ready) -> Proposal:
        """Hand in each image once."""
        return Proposal(state.x[:, None], np.ones((len(state.x), 1), dtype=bool))

    def update(self, state: Ready, seen: Seen) -> Ready:
        """Stop: there is nothing to learn from."""
        return Ready(done=np.ones(len(state.x), dtype=bool), x=state.x)

    def _own(self, access: Access) -> nn.Module:
        """Train the own network."""
        data, seed = access.data(), int(access.rng.integers(2**31))
        if access.granted.knowledge.algorithm >= Grade.PARTIAL:
            target = access.trainer().fit(data, seed)
            build = getattr(target, "network", None)
            if build is not None:
                known: nn.Module = build(lambda forward, backward: None)
                return known
        build = partial(build_generic_network, access.domain, len(access.classes))
        generic = TorchTrainer(build, access.classes, access.domain)
        own: nn.Module = generic.fit(data, seed).network(lambda forward, backward: None)
        return own

    def _climbed(self, network: nn.Module, before: Floats, wanted: Bools, limits: Ball) -> Floats:
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
            speed = self.momentum * speed + slope / _wide(size, slope)
            x = _inside(start, x.detach() + self._step(speed, limits), limits)
        return np.asarray(x.double().numpy())

    def _step(self, speed: Tensor, limits: Ball) -> Tensor:
        length = 1.5 * limits.radius / self.steps
        if limits.norm == "linf":
            return length * speed.sign()
        norm = speed.flatten(1).norm(dim=1).clamp_min(1e-12)
        return length * speed / _wide(norm, speed)


def _wide(values: Tensor, like: Tensor) -> Tensor:
    return values.reshape(-1, *[1] * (like.ndim - 1))


def _inside(start: Tensor, x: Tensor, limits: Ball) -> Tensor:
    """Move back into the ball and the range of values."""
    change = x - start
    if limits.norm == "linf":
        change = change.clamp(-limits.radius, limits.radius)
    else:
        norm = change.flatten(1).norm(dim=1).clamp_min(1e-12)
        change = change * _wide((limits.radius / norm).clamp_max(1.0), change)
    return (start + change).clamp(limits.grid.low, limits.grid.high)
