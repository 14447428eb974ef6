"""Adversarial training: the radius grows, and the epoch is kept that withstood best."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from goalkeeper.core.data import Data
from goalkeeper.core.domain import ImageDomain
from goalkeeper.training import Perturbation, TorchRecipe, TorchTrainer
from goalkeeper.training.networks.recipe import MOST_GUARDS, step_share
from goalkeeper.training.networks.single_fit import SingleTraining

torch = pytest.importorskip("torch")

CHANGE = Perturbation(radius=0.2)
RECIPE = TorchRecipe(epochs=6, batch=16, rate=0.02, perturbation=CHANGE)


def build() -> Any:
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2))


def pictures(n: int = 200) -> Data:
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    x = np.clip(0.5 + 0.3 * (2 * y - 1)[:, None, None] + rng.normal(0, 0.1, (n, 2, 2)), 0, 1)
    return Data(x=x, y=y)


def trainer(recipe: TorchRecipe = RECIPE) -> TorchTrainer:
    return TorchTrainer(build, ("a", "b"), ImageDomain(shape=(1, 2, 2)), recipe)


def test_the_radius_grows_to_the_whole_one() -> None:
    assert CHANGE.radius_at(0) == 0
    assert CHANGE.radius_at(CHANGE.warm_up / 2) == pytest.approx(0.1)
    assert CHANGE.radius_at(1) == 0.2


def test_steps_together_go_a_little_further_than_the_radius() -> None:
    for steps in (1, 2, 3, 10, 40):
        assert 1.2 <= steps * step_share(steps) <= 1.6


@pytest.mark.parametrize(("records", "held"), [(1, 0), (100, 10), (60_000, MOST_GUARDS)])
def test_few_records_are_held_out_to_be_attacked(records: int, held: int) -> None:
    assert RECIPE.count_held_out(records) == held
    assert replace(RECIPE, perturbation=None).count_held_out(records) == 0
    assert replace(RECIPE, patience=2).count_held_out(60_000) == 6_000


def test_the_epoch_that_withstands_best_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a network learns to withstand few steps alone: its last epochs are the worst."""
    losses, seen = iter([2.0, 0.5, 1.0, 3.0, 9.0, 9.0]), []

    def held_out_loss(training: SingleTraining, rows: Any) -> float:
        seen.append(training.module.state_dict()["1.weight"].clone())
        return next(losses)

    monkeypatch.setattr(SingleTraining, "_held_out_loss", held_out_loss)
    made = trainer().fit(pictures(), 0)
    assert len(seen) == 6
    torch.testing.assert_close(made.module.state_dict()["1.weight"], seen[1])
    assert not torch.equal(seen[1], seen[5])


def test_what_is_held_out_is_attacked_with_the_whole_radius(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    climbs: list[tuple[float, int]] = []
    climb = SingleTraining._climb

    def spy(self: Any, change: Any, radius: float, steps: int, x: Any, y: Any) -> Any:
        climbs.append((radius, steps))
        found = climb(self, change, radius, steps, x, y)
        assert float((found - x).abs().max()) <= radius + 1e-6
        return found

    monkeypatch.setattr(SingleTraining, "_climb", spy)
    trainer(replace(RECIPE, epochs=1)).fit(pictures(), 0)
    guards = [c for c in climbs if c[1] == CHANGE.guard_steps]
    assert set(guards) == {(0.2, 10)}
    assert {steps for _, steps in climbs} == {CHANGE.steps, CHANGE.guard_steps}


def test_patience_waits_until_the_radius_has_grown(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def held_out_loss(training: SingleTraining, rows: Any) -> float:
        seen.append(training.progress)
        return 1.0 + len(seen)  # it becomes worse from the first epoch on, as the radius grows

    monkeypatch.setattr(SingleTraining, "_held_out_loss", held_out_loss)
    trainer(replace(RECIPE, epochs=20, patience=2)).fit(pictures(), 0)
    assert CHANGE.warm_up <= seen[-1] < 0.5
