"""Own networks of an attacker, and the climb with momentum over what they answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from goalkeeper.attacks.evasion._gradients import broadcast, project
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Data, Floats
from goalkeeper.core.power import Grade
from goalkeeper.games.evasion import NormBall
from goalkeeper.training import TorchTrainer, build_generic_network

if TYPE_CHECKING:
    from torch import Tensor, nn


def train_network(access: Access, data: Data, seed: int) -> nn.Module:
    """Train a network of the application's family where it is known and has gradients.

    Any other attacker trains a network with one hidden layer.
    """
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


@dataclass(frozen=True, kw_only=True)
class Momentum:
    """A climb of `steps` steps, each 1.5 / steps of the radius, along gradients with momentum.

    Source: Dong et al. 2018, Boosting adversarial attacks with momentum, CVPR, algorithm 1; of
    several networks the gains are added (the same, section 3.3).
    """

    steps: int = 20
    momentum: float = 1.0

    def ascend(
        self, networks: Sequence[nn.Module], before: Floats, wanted: Bools, constraint: NormBall
    ) -> Floats:
        """Change images `(n, ...)` within the ball towards wanted classes `(n, classes)`."""
        import torch

        start = torch.as_tensor(before, dtype=torch.float32)
        mask = torch.as_tensor(wanted)
        x, speed = start.clone(), torch.zeros_like(start)
        for _ in range(self.steps):
            x.requires_grad_()
            gain = torch.stack([measure_gain(network(x), mask) for network in networks]).sum()
            (slope,) = torch.autograd.grad(gain, x)
            size = slope.abs().flatten(1).mean(dim=1).clamp_min(1e-12)
            speed = self.momentum * speed + slope / broadcast(size, slope)
            x = project(start, x.detach() + self._step(speed, constraint), constraint)
        return np.asarray(x.double().numpy())

    def _step(self, speed: Tensor, constraint: NormBall) -> Tensor:
        # Half as far again as the radius, so that the boundary of the ball is surely reached.
        length = 1.5 * constraint.radius / self.steps
        if constraint.norm == "linf":
            return length * speed.sign()
        norm = speed.flatten(1).norm(dim=1).clamp_min(1e-12)
        return length * speed / broadcast(norm, speed)


def measure_gain(logits: Tensor, mask: Tensor) -> Tensor:
    """Measure how far wanted classes `(n, classes)` are ahead of the others, summed over inputs."""
    low = float("-inf")
    gain = logits.masked_fill(~mask, low).logsumexp(1) - logits.masked_fill(mask, low).logsumexp(1)
    return gain.sum()
