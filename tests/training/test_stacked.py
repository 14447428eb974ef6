"""Networks trained together are the networks trained alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest

from goalkeeper.core.application import Ensemble
from goalkeeper.core.data import Data
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import DataError
from goalkeeper.core.power import View
from goalkeeper.training import TorchRecipe, TorchTrainer, how
from goalkeeper.training.stacked import StackedModules, layers_of

torch = pytest.importorskip("torch")
nn = torch.nn
TABLE = TableDomain(columns=tuple(Column(name=f"c{i}") for i in range(6)))
CLASSES = ("a", "b", "c")
SAME = 2e-4  # of logits after 5 epochs in float32: products are summed in another order


def relu() -> Any:
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


def deep() -> Any:
    inner = nn.Sequential(nn.Linear(8, 8), nn.Sigmoid())
    return nn.Sequential(nn.Flatten(), nn.Linear(6, 8), nn.Tanh(), inner, nn.Linear(8, 3))


def data(n: int = 150) -> Data:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 6))
    return Data(x=x, y=np.argmax(x[:, :3] + rng.normal(scale=0.3, size=(n, 3)), axis=1))


def masks(models: int, n: int = 150) -> Any:
    """Masks of quite different sizes, so that some trainings end earlier."""
    rng = np.random.default_rng(1)
    return rng.random((models, n)) < rng.uniform(0.1, 0.9, (models, 1))


def compared(trainer: TorchTrainer) -> tuple[Ensemble, float]:
    d, m = data(), masks(7)
    together = trainer.fit_many(d, m, list(range(7)))
    assert isinstance(together, StackedModules)
    gap = 0.0
    for i in range(7):
        alone = trainer.fit(d.take(m[i]), i).answer(d.x, View.LOGITS).logits
        gap = max(
            gap, float(np.abs(together.target(i).answer(d.x, View.LOGITS).logits - alone).max())
        )
    return together, gap


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize("optimiser", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("build", [relu, deep])
def test_together_is_alone(
    build: Callable[[], Any],
    optimiser: Literal["sgd", "adam", "adamw"],
    schedule: Literal["constant", "cosine"],
) -> None:
    how = TorchRecipe(
        epochs=5, batch=16, rate=0.01, optimiser=optimiser, schedule=schedule, weight_decay=0.01
    )
    _, gap = compared(TorchTrainer(build, CLASSES, TABLE, how))
    assert gap < SAME


def test_scores_and_labels_are_those_of_the_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goalkeeper.training.stacked.SCORED", 4 * 14 * 7 * 40)  # several blocks
    ensemble, _ = compared(TorchTrainer(relu, CLASSES, TABLE, TorchRecipe(epochs=2)))
    x = data().x
    scores, labels = ensemble.scores(x), ensemble.labels(x)
    for i in range(7):
        said = ensemble.target(i).answer(x, View.SCORES)
        np.testing.assert_allclose(scores[i], said.scores, atol=1e-6)
        np.testing.assert_array_equal(labels[i], said.labels)
    with pytest.raises(IndexError, match="7 models"):
        ensemble.target(7)


def test_results_do_not_depend_on_how_models_are_grouped(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = TorchTrainer(relu, CLASSES, TABLE, TorchRecipe(epochs=3))
    d, m = data(), masks(7)
    whole = trainer.fit_many(d, m, list(range(7))).scores(d.x)
    monkeypatch.setattr("goalkeeper.training.stacked.GROUP", 1)
    single = trainer.fit_many(d, m, list(range(7))).scores(d.x)
    np.testing.assert_allclose(whole, single, atol=1e-5)


@pytest.mark.parametrize(
    "module",
    [
        nn.Sequential(nn.Linear(6, 4), nn.Dropout(0.5), nn.Linear(4, 3)),
        nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 3)),
        nn.Sequential(nn.Linear(6, 3), nn.ReLU()),
        nn.Sequential(nn.Linear(6, 3, bias=False)),
        nn.Conv2d(1, 2, 3),
    ],
)
def test_anything_else_is_trained_alone(module: Any) -> None:
    assert layers_of(module) is None


def test_a_module_with_dropout_still_trains_many() -> None:
    def build() -> Any:
        return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))

    trainer = TorchTrainer(build, CLASSES, TABLE, TorchRecipe(epochs=2))
    d, m = data(), masks(2)
    together = trainer.fit_many(d, m, [4, 5]).scores(d.x)
    alone = trainer.fit(d.take(m[1]), 5).answer(d.x, View.SCORES).scores
    np.testing.assert_array_equal(together[1], alone)


def test_an_empty_mask_is_an_error() -> None:
    trainer = TorchTrainer(relu, CLASSES, TABLE)
    with pytest.raises(DataError, match="model 1 of 2 has no records"):
        trainer.fit_many(data(), np.array([[True] * 150, [False] * 150]), [0, 1])


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)], "together: layers stacked"),
        ([nn.Linear(6, 8), nn.Dropout(), nn.Linear(8, 3)], "other: Dropout keeps"),
        ([nn.BatchNorm1d(6), nn.Linear(6, 3)], "other: BatchNorm1d keeps"),
        ([nn.Linear(6, 3, bias=False)], "other: a Linear layer without bias keeps"),
        ([nn.ReLU(), nn.Linear(6, 3)], "other: the order of its layers keeps"),
        ([nn.Linear(6, 1)], "other: the network has one output"),
    ],
)
def test_how_says_what_keeps_networks_from_stacking(layers: list[Any], said: str) -> None:
    trainer = TorchTrainer(lambda: nn.Sequential(*layers), CLASSES, TABLE)
    assert said in how(trainer)
    together = trainer.fit_many(data(), masks(2), [0, 1]) if "together" in said else None
    assert isinstance(together, StackedModules | None)
