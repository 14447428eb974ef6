"""Gradients of an own network: exact on a linear one, and never an answer asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.evasion._momentum import Momentum
from goalkeeper.attacks.evasion.transferred_gradients import TransferredGradients
from goalkeeper.core.data import Floats
from goalkeeper.core.threats import ImageThreat, Threats
from goalkeeper.games.evasion import Evasion, Grid, NormBall
from tests.contract.harness import enough

torch = pytest.importorskip("torch")
FINE = Grid(low=0.0, high=1.0, quantum=1e-6)


def ascend(norm: str, radius: float) -> tuple[Floats, Floats]:
    """Climb towards class 1 of a linear network, and return the weights and the change."""
    layer = torch.nn.Linear(16, 2)
    network = torch.nn.Sequential(torch.nn.Flatten(), layer)
    before = np.full((3, 1, 4, 4), 0.5)
    wanted = np.tile([False, True], (3, 1))
    constraint = NormBall(norm=norm, radius=radius, grid=FINE)  # type: ignore[arg-type]
    after = Momentum().ascend([network], before, wanted, constraint)
    way = (layer.weight[1] - layer.weight[0]).detach().numpy()
    return way, (after - before).reshape(3, -1)


@pytest.mark.requirement("S23", "S54")
def test_linf_on_a_linear_network_is_the_sign_of_the_weights() -> None:
    way, change = ascend("linf", 0.1)
    np.testing.assert_allclose(change, np.tile(0.1 * np.sign(way), (3, 1)), atol=1e-6)


def test_l2_on_a_linear_network_is_the_direction_of_the_weights() -> None:
    way, change = ascend("l2", 0.2)
    want = 0.2 * way / np.linalg.norm(way)
    np.testing.assert_allclose(change, np.tile(want, (3, 1)), atol=1e-5)


@pytest.mark.parametrize(("norm", "radius"), [("linf", 0.2), ("l2", 2.0)])
def test_it_misleads_another_network_in_either_norm(norm: Any, radius: float) -> None:
    """Corners of these images hardly vary, and must not swallow a Euclidean change."""
    from tests.attacks.evasion.masked_networks import application, base

    threats = Threats(images=[ImageThreat(norm=norm, radius=radius)])
    app, game = replace(application(base()), threats=threats), Evasion(n=30)
    attack = TransferredGradients()
    (task,) = game.tasks(app)
    granted = enough(TransferredGradients)
    run = AttackRun(attack=attack, game=game, task=task, granted=granted, seed=0)
    tally: Any = evaluate(app, run).trials[-1].tally
    assert tally.successes >= 0.6 * tally.n
