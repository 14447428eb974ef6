"""Networks trained together are the networks trained alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest

from goalkeeper.core.application import Ensemble
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.errors import DataError
from goalkeeper.core.power import View
from goalkeeper.training import TorchRecipe, TorchTrainer, fit_strategy
from goalkeeper.training.networks.blueprint import NetworkBlueprint
from goalkeeper.training.networks.stacked import StackedModules
from tests.training.networks.examples import (
    CLASSES,
    IMAGES,
    NETWORKS,
    TABLE,
    data_of,
    dropout,
    normal,
    relu,
    subsets,
)

torch = pytest.importorskip("torch")
nn = torch.nn
SAME = 5e-4  # of logits after a few epochs in float32: products are summed in another order
MODELS = 6


@pytest.fixture(autouse=True)
def stacking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Convolutions, too, are trained together, as they would be on a GPU."""
    monkeypatch.setattr(NetworkBlueprint, "gains_from_batching", lambda self, chain: True)


def compared(trainer: TorchTrainer) -> tuple[Ensemble, float]:
    """Train together and alone; return the models, and how far their logits are apart."""
    d, m = data_of(trainer.domain), subsets(MODELS)
    together = trainer.fit_many(d, m, list(range(MODELS)))
    assert isinstance(together, StackedModules)
    gap = 0.0
    for i in range(MODELS):
        alone = trainer.fit(d.take(m[i]), i).answer(d.x, View.LOGITS).logits
        found = together.target(i).answer(d.x, View.LOGITS).logits
        gap = max(gap, float(np.abs(found - alone).max()))
    return together, gap


# Three networks meet every recipe, and with it every optimiser; the others meet each optimiser. All
# networks with all optimisers and recipes are a validation.
RECIPES: dict[str, dict[str, Any]] = {
    "momentum and weight decay": {"optimiser": "sgd", "weight_decay": 0.01, "rate": 0.05},
    "adam with weight decay": {"weight_decay": 0.05},
    "adamw": {"optimiser": "adamw", "weight_decay": 0.05, "schedule": "cosine"},
    "plain sgd": {"optimiser": "sgd", "momentum": 0.0, "schedule": "cosine"},
    "early stopping": {"patience": 2, "validation": 0.3, "epochs": 25, "rate": 0.05},
    "early stopping, cosine": {"patience": 1, "epochs": 12, "schedule": "cosine", "rate": 0.05},
    "single records": {"batch": 1, "epochs": 1},
}
MEET_EVERY_RECIPE = ["relu", "dropout", "normal"]
NORMALISED = ["normal", "scaled", "own", "convolutions"]  # torch refuses a batch of one for them
OPTIMISERS: list[Literal["sgd", "adam", "adamw"]] = ["sgd", "adam", "adamw"]


def check_recipe(name: str, **changes: Any) -> None:
    """Compare a network that is trained by a recipe among others with the one trained alone."""
    build, domain = NETWORKS[name]
    given = {"epochs": 4, "batch": 16, "rate": 0.01} | changes
    _, gap = compared(TorchTrainer(build, CLASSES, domain, TorchRecipe(**given)))
    assert gap < SAME


@pytest.mark.parametrize("name", [n for n in NETWORKS if n not in MEET_EVERY_RECIPE])
@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_every_network_is_the_one_trained_alone(name: str, optimiser: str) -> None:
    check_recipe(name, epochs=3, optimiser=optimiser, schedule="cosine")


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", MEET_EVERY_RECIPE)
def test_every_recipe_is_kept_to(name: str, recipe: str) -> None:
    if RECIPES[recipe].get("batch") == 1 and name in NORMALISED:
        pytest.skip("torch refuses to normalise a batch of one")
    check_recipe(name, **RECIPES[recipe])


@pytest.mark.validation
@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_keeps_to_every_recipe(name: str, optimiser: str, recipe: str) -> None:
    if RECIPES[recipe].get("batch") == 1 and name in NORMALISED:
        pytest.skip("torch refuses to normalise a batch of one")
    check_recipe(name, **RECIPES[recipe] | {"optimiser": optimiser})


def test_images_are_changed_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    build, domain = NETWORKS["convolutions"]
    recipe = TorchRecipe(epochs=3, batch=16, rate=0.01, flip=True, shift=2)
    trainer = TorchTrainer(build, CLASSES, domain, recipe)
    _, gap = compared(trainer)
    assert gap < SAME
    d, m = data_of(domain), subsets(1)
    plain = TorchTrainer(build, CLASSES, domain, TorchRecipe(epochs=3, batch=16, rate=0.01))
    scores = [t.fit_many(d, m, [0]).scores(d.x) for t in (trainer, plain)]
    assert np.abs(scores[0] - scores[1]).max() > 0.01


def test_early_stopping_stops_and_keeps_the_best() -> None:
    y = np.random.default_rng(5).integers(0, 3, 60)
    d = replace(data_of(TABLE, 60), y=y)  # there is nothing to learn
    long = TorchRecipe(epochs=300, batch=16, rate=0.05, patience=3, validation=0.3)
    short = TorchRecipe(epochs=300, batch=16, rate=0.05)
    masks = np.ones((2, 60), dtype=bool)
    stopped, fitted = (
        TorchTrainer(relu, CLASSES, TABLE, recipe).fit_many(d, masks, [0, 1]).labels(d.x)
        for recipe in (long, short)
    )
    assert (stopped == d.y).mean() < 0.6 < (fitted == d.y).mean()


def test_a_training_that_diverges_looks_the_same_alone() -> None:
    recipe = TorchRecipe(epochs=3, batch=16, optimiser="sgd", rate=1e30, patience=2)
    trainer = TorchTrainer(relu, CLASSES, TABLE, recipe)
    d, m = data_of(TABLE), np.ones((2, 150), dtype=bool)
    together = trainer.fit_many(d, m, [0, 1]).target(1).parameters()
    alone = trainer.fit(d, 1).parameters()
    for name, values in alone.items():
        assert not np.isfinite(values).all()
        np.testing.assert_array_equal(np.isnan(together[name]), np.isnan(values))


def test_one_logit_for_two_classes() -> None:
    def build() -> Any:
        return nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 1))

    trainer = TorchTrainer(build, ("no", "yes"), TABLE, TorchRecipe(epochs=4, rate=0.02))
    d, m = data_of(TABLE), subsets(3)
    d = replace(d, y=np.minimum(d.y, 1))
    together = trainer.fit_many(d, m, [0, 1, 2])
    assert isinstance(together, StackedModules)
    alone = trainer.fit(d.take(m[2]), 2).answer(d.x, View.SCORES).scores
    np.testing.assert_allclose(together.scores(d.x)[2], alone, atol=1e-4)


def test_scores_and_labels_are_those_of_the_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goalkeeper.training.networks.stacked.ANSWER_BYTES", 4 * 8 * MODELS * 40)
    for build in (relu, normal, dropout):
        recipe = TorchRecipe(epochs=2)
        ensemble, _ = compared(TorchTrainer(build, CLASSES, TABLE, recipe))
        x = data_of(TABLE).x
        scores, labels = ensemble.scores(x), ensemble.labels(x)
        for i in range(MODELS):
            said = ensemble.target(i).answer(x, View.SCORES)
            np.testing.assert_allclose(scores[i], said.scores, atol=1e-6)
            np.testing.assert_array_equal(labels[i], said.labels)
        with pytest.raises(IndexError, match="6 models"):
            ensemble.target(6)


def test_results_do_not_depend_on_how_models_are_grouped(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = TorchTrainer(dropout, CLASSES, TABLE, TorchRecipe(epochs=3))
    d, m = data_of(TABLE), subsets(7)
    whole = trainer.fit_many(d, m, list(range(7))).scores(d.x)
    monkeypatch.setattr("goalkeeper.training.networks.batched_fit.GROUP_BYTES", 1)
    single = trainer.fit_many(d, m, list(range(7))).scores(d.x)
    np.testing.assert_allclose(whole, single, atol=1e-5)


def test_an_empty_mask_is_an_error() -> None:
    trainer = TorchTrainer(relu, CLASSES, TABLE)
    with pytest.raises(DataError, match="model 1 of 2 has no records"):
        trainer.fit_many(data_of(TABLE), np.array([[True] * 150, [False] * 150]), [0, 1])


class Residual(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x: Any) -> Any:
        return self.last(x + torch.relu(self.first(x)))


class Branching(Residual):
    def forward(self, x: Any) -> Any:
        return self.last(self.first(x)) if x.sum() > 0 else self.last(x)


class Scaled(Residual):
    def forward(self, x: Any) -> Any:
        return self.last(self.first(x) * 2.0)


class Shared(Residual):
    def forward(self, x: Any) -> Any:
        return self.last(self.first(self.first(x)))


class Folded(nn.Module):  # type: ignore[misc, name-defined]
    """What looks like flattening, but is not."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(3, 3), nn.Linear(6, 3)

    def forward(self, x: Any) -> Any:
        return self.last(self.first(x.view(x.size(0), 2, 3)).flatten(1))


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (relu, "together: layers stacked"),
        (normal, "together: layers stacked"),
        (Residual, "other: its layers are not one chain"),
        (Branching, "other: what its forward() does depends on the input"),
        (Scaled, "other: mul() in its forward() has no form"),
        (Shared, "other: its layers share parameters"),
        (Folded, "other: its forward() does more than its layers say"),
        (lambda: nn.Sequential(nn.LayerNorm(6), nn.Linear(6, 3)), "LayerNorm has no form"),
        (lambda: nn.Sequential(nn.BatchNorm1d(6, affine=False), relu()), "without weights"),
    ],
)
def test_how_says_what_keeps_networks_from_stacking(build: Any, said: str) -> None:
    trainer = TorchTrainer(build, CLASSES, TABLE, TorchRecipe(epochs=1))
    assert said in fit_strategy(trainer).reason
    d, m = data_of(TABLE), subsets(2)
    models = trainer.fit_many(d, m, [0, 1])
    assert isinstance(models, StackedModules) == ("together" in said)
    alone = trainer.fit(d.take(m[1]), 1).answer(d.x, View.SCORES).scores
    np.testing.assert_allclose(models.scores(d.x)[1], alone, atol=1e-4)


def test_convolutions_are_trained_one_after_the_other_on_a_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    trainer = TorchTrainer(NETWORKS["convolutions"][0], CLASSES, IMAGES, TorchRecipe(epochs=1))
    assert "on a CPU, convolutions" in fit_strategy(trainer).reason
    d, m = data_of(IMAGES), subsets(2)
    models = trainer.fit_many(d, m, [0, 1])
    alone = trainer.fit(d.take(m[1]), 1).answer(d.x, View.SCORES).scores
    np.testing.assert_array_equal(models.scores(d.x)[1], alone)


def test_texts_need_an_encode_method() -> None:
    from goalkeeper.core.errors import TargetError

    trainer = TorchTrainer(relu, CLASSES, TextDomain())
    with pytest.raises(TargetError, match="needs a method encode"):
        trainer.fit(data_of(TextDomain()), 0)
