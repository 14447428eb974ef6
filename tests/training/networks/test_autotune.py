"""What suits this machine is measured once, and changes nothing but speed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goalkeeper.compute.stopwatch import fastest
from goalkeeper.compute.store import Store
from goalkeeper.core.compute_settings import ComputeSettings, Networks
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.power import View
from goalkeeper.training import TorchRecipe, TorchTrainer
from goalkeeper.training.networks import cache, single_fit, stacked
from goalkeeper.training.networks.autotune import resolve_device
from tests.training.networks.examples import (
    CLASSES,
    IMAGES,
    NETWORKS,
    TABLE,
    Convolutions,
    data_of,
    normal,
    relu,
    subsets,
)

torch = pytest.importorskip("torch")
HOW = TorchRecipe(epochs=3, batch=16, rate=0.02)


def trainer(build: Any = relu, domain: Any = TABLE, **compute: Any) -> TorchTrainer:
    return TorchTrainer(build, CLASSES, domain, HOW, compute=ComputeSettings(**compute))


# ---- measuring -----------------------------------------------------------------------------------


def test_the_usual_way_is_kept_unless_another_is_clearly_faster() -> None:
    import time

    waits = {"usual": 0.02, "little faster": 0.019, "slower": 0.03}
    assert fastest({k: lambda s=s: time.sleep(s) for k, s in waits.items()}) == "usual"  # type: ignore[misc]
    waits["faster"] = 0.002
    assert fastest({k: lambda s=s: time.sleep(s) for k, s in waits.items()}) == "faster"  # type: ignore[misc]


def test_on_a_busy_machine_the_same_way_is_chosen_as_on_an_idle_one() -> None:
    """What it waits for others is not counted, unless the work is done elsewhere."""
    import time

    ways = {"computes": lambda: sum(range(300_000)), "waits": lambda: time.sleep(0.05)}
    assert fastest(ways, here=True) == "waits"
    assert fastest(ways) == "computes"


def test_what_was_chosen_is_not_chosen_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goalkeeper.training.networks.autotune.MEASURED_MODELS", 1)
    monkeypatch.setattr("goalkeeper.training.networks.autotune.MEASURED_BATCHES", 1)
    d = data_of(IMAGES)
    chosen = trainer(Convolutions, IMAGES, precision="fast").tune(d)
    assert chosen.compute.networks is not None
    monkeypatch.setattr("goalkeeper.training.networks.autotune.fastest", None)
    assert chosen.tune(d).compute == chosen.compute


def test_tables_in_full_precision_need_no_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goalkeeper.training.networks.autotune.fastest", None)
    assert trainer(device="auto").tune(data_of(TABLE)).compute.networks == Networks()


@pytest.mark.parametrize(
    ("precision", "best", "expected"),
    [
        ("full", "channels_last", Networks(channels_last=True)),
        ("fast", "half", Networks(half=True)),
        ("fast", "both", Networks(channels_last=True, half=True)),
    ],
)
def test_the_fastest_way_is_taken(
    precision: Any, best: str, expected: Networks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("goalkeeper.training.networks.autotune.fastest", lambda ways, here: best)
    found = trainer(Convolutions, IMAGES, precision=precision).tune(data_of(IMAGES))
    assert found.compute.networks == expected


def test_measuring_trains_a_single_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    epochs, real = [], TorchTrainer.fit_many

    def noted(self: TorchTrainer, *args: Any) -> Any:
        epochs.append((self.torch_recipe.epochs, self.torch_recipe.patience))
        return real(self, *args)

    monkeypatch.setattr(TorchTrainer, "fit_many", noted)
    recipe = TorchRecipe(epochs=500, batch=16, patience=5)
    chosen = TorchTrainer(Convolutions, CLASSES, IMAGES, recipe).tune(data_of(IMAGES))
    assert set(epochs) == {(1, 0)}
    assert chosen.torch_recipe == recipe


def test_a_module_that_fails_is_told_while_measuring() -> None:
    from goalkeeper.core.errors import TargetError

    def build() -> Any:
        return torch.nn.Sequential(
            torch.nn.Conv2d(2, 3, 3), torch.nn.Flatten(), torch.nn.Linear(7, 3)
        )

    with pytest.raises(
        TargetError, match="the module Sequential raised RuntimeError: mat1 and mat2 shapes"
    ):
        trainer(build, IMAGES).tune(data_of(IMAGES))

    class Broken(Convolutions):
        def forward(self, x: Any) -> Any:
            raise KeyError("no such part")

    with pytest.raises(TargetError, match="the module Broken raised KeyError: 'no such part'"):
        trainer(Broken, IMAGES).tune(data_of(IMAGES))


@pytest.mark.parametrize("name", ["relu", "normal", "dropout", "convolutions", "bag"])
def test_bfloat16_learns_as_well_and_answers_in_float32(name: str) -> None:
    build, domain = NETWORKS[name]
    d, m = data_of(domain, 400), np.ones((2, 400), dtype=bool)
    recipe = TorchRecipe(epochs=15, batch=32, rate=0.02)
    scores = {}
    for half in (False, True):
        compute = ComputeSettings(networks=Networks(half=half))
        ensemble = TorchTrainer(build, CLASSES, domain, recipe, compute=compute).fit_many(
            d, m, [0, 1]
        )
        scores[half] = ensemble.scores(d.x)
        again = ensemble.target(1).answer(d.x, View.SCORES).scores
        np.testing.assert_allclose(scores[half][1], again, atol=1e-5)
    right = {half: (s.argmax(axis=2) == d.y).mean() for half, s in scores.items()}
    assert right[True] > right[False] - 0.05
    assert right[True] > 0.5


def test_channels_last_gives_the_same_network() -> None:
    d, m = data_of(IMAGES), subsets(2)
    plain, last = (
        trainer(Convolutions, IMAGES, networks=Networks(channels_last=on)).fit_many(d, m, [0, 1])
        for on in (False, True)
    )
    np.testing.assert_allclose(plain.scores(d.x), last.scores(d.x), atol=1e-4)


# ---- devices -------------------------------------------------------------------------------------


def test_a_gpu_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == resolve_device("cpu") == "cpu"
    with pytest.raises(DescriptionError, match="does not see this GPU") as told:
        trainer(device="cuda").tune(data_of(TABLE))
    assert told.value.key == "--device"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert (resolve_device("auto"), resolve_device("cuda"), resolve_device("cuda:1")) == (
        "cuda:0",
        "cuda:0",
        "cuda:1",
    )
    with pytest.raises(DescriptionError, match="one of 2 GPUs"):
        resolve_device("cuda:2")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")
@pytest.mark.parametrize("name", [n for n in NETWORKS if n not in ("dropout", "own")])
def test_a_gpu_trains_the_same_networks(name: str) -> None:
    build, domain = NETWORKS[name]
    d, m = data_of(domain), subsets(4)
    cpu, gpu = (
        trainer(build, domain, device=device, networks=Networks()).fit_many(d, m, range(4))
        for device in ("cpu", "cuda:0")
    )
    np.testing.assert_allclose(cpu.scores(d.x), gpu.scores(d.x), atol=2e-3)
    alone = trainer(build, domain, device="cuda:0", networks=Networks()).fit(d.take(m[2]), 2)
    np.testing.assert_allclose(alone.answer(d.x, View.SCORES).scores, gpu.scores(d.x)[2], atol=2e-3)


# ---- what is kept --------------------------------------------------------------------------------


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every training counts as a long one."""
    monkeypatch.setattr(cache, "MIN_MULTIPLICATIONS", 0.0)


@pytest.mark.usefixtures("long")
@pytest.mark.parametrize(("build", "domain"), [(normal, TABLE), (Convolutions, IMAGES)])
def test_long_trainings_are_not_repeated(
    build: Any, domain: Any, own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    d, m = data_of(domain), subsets(3)
    first = trainer(build, domain, store=str(own_store)).fit_many(d, m, [0, 1, 2])
    plain = trainer(build, domain).fit_many(d, m, [0, 1, 2])
    np.testing.assert_array_equal(first.scores(d.x), plain.scores(d.x))
    with monkeypatch.context() as patch:
        patch.setattr(stacked.StackedTraining, "run", None)
        patch.setattr(single_fit.SingleTraining, "run", None)
        again = trainer(build, domain, store=str(own_store)).fit_many(d, m, [0, 1, 2])
        np.testing.assert_array_equal(again.scores(d.x), first.scores(d.x))
        with pytest.raises(TypeError):  # another seed is another training
            trainer(build, domain, store=str(own_store)).fit_many(d, m, [0, 1, 3])
    assert {entry.attack for entry in Store(own_store).entries()} == {"trained networks"}


@pytest.mark.usefixtures("long")
def test_damaged_and_unwritable_trainings_are_done_again(
    own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    d, m = data_of(TABLE), subsets(3)
    expected = trainer(store=str(own_store)).fit_many(d, m, [0, 1, 2]).scores(d.x)
    for path in (own_store / "arrays").glob("*/*"):
        path.write_bytes(path.read_bytes()[:-9])
    found = trainer(store=str(own_store)).fit_many(d, m, [0, 1, 2]).scores(d.x)
    np.testing.assert_array_equal(found, expected)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("goalkeeper.compute.store.write_whole", full)
    with pytest.warns(UserWarning, match="trained networks are not kept: .*could not|not kept"):
        trainer(store=str(own_store)).fit_many(d, m, [3, 4, 5])


def test_short_trainings_are_not_kept(own_store: Path) -> None:
    trainer(store=str(own_store)).fit_many(data_of(TABLE), subsets(3), [0, 1, 2])
    assert not own_store.exists()
