"""PyTorch modules as targets: answers, parameters, metered gradients, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Splits
from goalkeeper.core.domain import Column, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.errors import NotGranted, TargetError
from goalkeeper.core.power import Grade, Knowledge, Power, View
from goalkeeper.core.steering import Steering
from goalkeeper.targets import TorchTarget
from goalkeeper.targets.checks import preflight
from goalkeeper.training import TorchRecipe, TorchTrainer, lookalike

torch = pytest.importorskip("torch")
nn = torch.nn

TABLE = TableDomain(columns=tuple(Column(name=f"c{i}") for i in range(3)))
IMAGES = ImageDomain(shape=(1, 4, 4))


def linear(weights: list[list[float]], bias: list[float]) -> Any:
    layer = nn.Linear(len(weights[0]), len(weights))
    layer.load_state_dict({"weight": torch.tensor(weights), "bias": torch.tensor(bias)})
    return layer


def rows(n: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(n, 3))


def blobs(n: int = 200, seed: int = 0) -> Data:
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    return Data(x=rng.normal(size=(n, 3)) + 3 * y[:, None], y=y)


def small() -> Any:
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))


def images() -> Any:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2))


def test_answers_are_those_of_the_module() -> None:
    target = TorchTarget(linear([[1, 0, 0], [0, 2, 0]], [0.5, -0.5]), ["a", "b"], TABLE)
    x = rows(1200)  # more than one batch
    want = np.stack([x[:, 0] + 0.5, 2 * x[:, 1] - 0.5], axis=1)
    got = target.answer(x, View.GRADIENTS)
    np.testing.assert_allclose(got.logits, want, atol=1e-5)
    np.testing.assert_array_equal(got.labels, got.logits.argmax(axis=1))
    np.testing.assert_allclose(got.scores.sum(axis=1), 1)
    assert preflight(target, x) == ()


def test_one_logit_is_towards_class_1() -> None:
    target = TorchTarget(linear([[1, 0, 0]], [0.0]), ["a", "b"], TABLE)
    x = rows(50)
    scores = target.answer(x, View.SCORES).scores
    np.testing.assert_allclose(scores[:, 1], 1 / (1 + np.exp(-x[:, 0])), atol=1e-6)


def test_is_a_copy_in_evaluation_mode() -> None:
    module = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5))
    target = TorchTarget(module, ["a", "b"], TABLE)
    before = target.answer(rows(5), View.LOGITS).logits
    with torch.no_grad():
        module[0].weight.zero_()
    np.testing.assert_array_equal(target.answer(rows(5), View.LOGITS).logits, before)


def test_a_linear_layer_is_read_as_a_linear_model() -> None:
    known = TorchTarget(
        nn.Sequential(nn.Flatten(), linear([[1, 2, 3]], [4])), ["a", "b"], TABLE
    ).parameters()
    np.testing.assert_allclose(known["weights"], [[1, 2, 3]])
    np.testing.assert_allclose(known["bias"], [4])
    assert "weights" not in TorchTarget(small(), ["a", "b"], TABLE).parameters()


def test_parameters_can_be_rewritten() -> None:
    target = TorchTarget(small(), ["a", "b"], TABLE)
    zeros = {k: np.zeros_like(v) for k, v in target.parameters().items()}
    changed = target.with_parameters(zeros)
    assert not changed.answer(rows(4), View.LOGITS).logits.any()
    assert target.answer(rows(4), View.LOGITS).logits.any()


def gradient_access(target: TorchTarget, power: Power) -> Access:
    y = np.array([0, 1, 0, 1])
    parts = ("train", "holdout", "calibration", "similar")
    data = {part: Data(x=rows(4, seed), y=y) for seed, part in enumerate(parts)}
    app = Application(
        name="net",
        target=target,
        data=Splits(**data),
        domain=TABLE,
        classes=("a", "b"),
    )
    terms = Terms(granted=power, rng=np.random.default_rng(0), victim=np.random.SeedSequence(0))
    return Access(app, terms)


def test_every_row_that_passes_is_counted() -> None:
    target = TorchTarget(linear([[1, 0, 0], [0, 2, 0]], [0.5, -0.5]), ["a", "b"], TABLE)
    power = Power(knowledge=Knowledge(model=Grade.FULL), view=View.GRADIENTS)
    access = gradient_access(target, power)
    network = access.network()
    x = torch.tensor(rows(7), dtype=torch.float32, requires_grad=True)
    network(x)[:, 1].sum().backward()
    np.testing.assert_allclose(x.grad, np.tile([0, 2, 0], (7, 1)))
    assert (access.spent.forward, access.spent.backward) == (7, 7)
    with torch.no_grad():
        network(x)
    assert (access.spent.forward, access.spent.backward) == (14, 7)


def test_gradients_need_the_model_and_the_view() -> None:
    target = TorchTarget(small(), ["a", "b"], TABLE)
    for power in (
        Power(view=View.GRADIENTS),
        Power(knowledge=Knowledge(model=Grade.FULL), view=View.LOGITS),
    ):
        with pytest.raises(NotGranted):
            gradient_access(target, power).network()


def test_what_is_no_answer_is_told() -> None:
    with pytest.raises(TargetError, match="texts"):
        TorchTarget(small(), ["a", "b"], TextDomain())
    wide = TorchTarget(nn.Linear(3, 5), ["a", "b"], TABLE)
    with pytest.raises(TargetError, match="shape"):
        wide.answer(rows(2), View.LABELS)
    with pytest.raises(TargetError, match="raised"):
        TorchTarget(nn.Linear(9, 2), ["a", "b"], TABLE).answer(rows(2), View.LABELS)


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "sgd"])
def test_training_learns_and_repeats(optimiser: Any) -> None:
    how = TorchRecipe(epochs=30, rate=0.02, optimiser=optimiser, schedule="cosine")
    trainer = TorchTrainer(small, ["a", "b"], TABLE, how)
    data = blobs()
    first, second, other = (trainer.fit(data, seed) for seed in (1, 1, 2))
    x = rows(20)
    logits = [t.answer(x, View.LOGITS).logits for t in (first, second, other)]
    np.testing.assert_array_equal(logits[0], logits[1])
    assert np.abs(logits[0] - logits[2]).max() > 1e-3
    assert (first.answer(data.x, View.LABELS).labels == data.y).mean() > 0.95


def test_images_keep_their_shape() -> None:
    x = np.random.default_rng(0).random((20, 1, 4, 4))
    data = Data(x=x, y=(x.mean(axis=(1, 2, 3)) > 0.5).astype(np.int64))
    target = TorchTrainer(images, ["a", "b"], IMAGES, TorchRecipe(epochs=2)).fit(data, 0)
    assert target.answer(x, View.SCORES).scores.shape == (20, 2)


def test_training_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    want = torch.rand(3)
    torch.manual_seed(5)
    TorchTrainer(small, ["a", "b"], TABLE, TorchRecipe(epochs=1)).fit(blobs(20), 0)
    np.testing.assert_array_equal(torch.rand(3), want)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_stored_parameters_come_back(tmp_path: Path, suffix: str) -> None:
    trainer = TorchTrainer(small, ["a", "b"], TABLE, TorchRecipe(epochs=1))
    module = small()
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pt":
        torch.save(module.state_dict(), path)
    else:
        pytest.importorskip("safetensors.torch").save_file(module.state_dict(), path)
    loaded = trainer.load_parameters(path)
    x = rows(5)
    want = TorchTarget(module, ["a", "b"], TABLE).answer(x, View.LOGITS).logits
    np.testing.assert_array_equal(loaded.answer(x, View.LOGITS).logits, want)
    assert loaded.artefact() == path


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    trainer = TorchTrainer(small, ["a", "b"], TABLE)
    path = tmp_path / "weights.pt"
    torch.save({"weight": torch.zeros(3)}, path)
    with pytest.raises(TargetError, match="does not hold the parameters"):
        trainer.load_parameters(path)


def test_the_lookalike_is_a_network_too() -> None:
    trainer = lookalike(TorchTrainer(small, ["a", "b"], TABLE))
    assert isinstance(trainer, TorchTrainer)
    target = trainer.fit(blobs(), 0)
    assert (target.answer(blobs().x, View.LABELS).labels == blobs().y).mean() > 0.9


def test_steering_nothing_is_ordinary_training_and_the_rest_is_not() -> None:
    trainer = TorchTrainer(small, ["a", "b"], TABLE, TorchRecipe(epochs=3, batch=16))
    data, x = blobs(), rows(10)

    def logits(steering: Steering) -> Any:
        return trainer.fit_steered(data, 1, steering).answer(x, View.LOGITS).logits

    plain = trainer.fit(data, 1).answer(x, View.LOGITS).logits
    np.testing.assert_array_equal(logits(Steering()), plain)
    same = Steering(order=lambda honest, labels, epoch: honest)
    np.testing.assert_array_equal(logits(same), plain)
    ones = Steering(weights=np.ones(len(data)))
    np.testing.assert_allclose(logits(ones), plain, atol=1e-5)
    other = trainer.fit(data, 2).answer(x, View.LOGITS).logits
    np.testing.assert_array_equal(logits(Steering(seed=2)), other)
    last = Steering(order=lambda honest, labels, epoch: honest[np.argsort(labels[honest])])
    assert np.abs(logits(last) - plain).max() > 1e-3


def test_records_that_do_not_count_are_not_learnt() -> None:
    how = TorchRecipe(epochs=30, rate=0.02)
    data = blobs()
    weights = (data.y == 1).astype(float)
    target = TorchTrainer(small, ["a", "b"], TABLE, how).fit_steered(
        data, 0, Steering(weights=weights)
    )
    assert (target.answer(data.x, View.LABELS).labels == 1).mean() > 0.95
