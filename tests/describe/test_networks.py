"""A PyTorch module in an application file: trained here, or with stored parameters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.power import View
from goalkeeper.describe import check, load
from goalkeeper.targets import TorchTarget
from goalkeeper.training import TorchTrainer
from tests.describe.writing import TABLE, table_lines, write_table_app

torch = pytest.importorskip("torch")

NET = """\
from torch import nn

def build():
    return nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2))

def build_wide():
    return nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 7))

def build_trained(x, y, seed):
    return build()

class Detached(nn.Sequential):
    def forward(self, x):
        return super().forward(x).detach()

def build_detached():
    return Detached(nn.BatchNorm1d(2), nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2))
"""


def app(folder: Path, model: str, data: str = "") -> Path:
    """Write a table application whose model is described by the lines of `model`."""
    text = TABLE.replace("  build: filter.py:build\n", model)
    text = text.replace("  label: label\n", "  label: label\n  drop: [job]\n" + data)
    path = write_table_app(folder, text)
    (folder / "net.py").write_text(NET, encoding="utf-8")
    return path


def stored(folder: Path, model: str) -> Path:
    """Write one whose records are already cut, as a trained model needs them."""
    lines = table_lines(400)
    path = app(folder, model)
    for name, part in (("train", lines[:200]), ("test", [lines[0], *lines[200:]])):
        (folder / f"{name}.csv").write_text("\n".join(part) + "\n", encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("  file: table.csv\n", "  train: train.csv\n  test: test.csv\n"))
    return path


def test_a_module_is_trained_by_its_recipe(tmp_path: Path) -> None:
    found = load(
        app(tmp_path, "  build: net.py:build\n  training: {epochs: 40, rate: 0.02, batch: 16}\n")
    )
    assert isinstance(found.target, TorchTarget)
    assert isinstance(found.trainer, TorchTrainer)
    assert "epochs=40" in found.trainer.recipe
    labels = found.target.answer(found.data.holdout.x, View.LABELS).labels
    assert (labels == found.data.holdout.y).mean() > 0.85


def test_a_function_may_return_a_trained_module(tmp_path: Path) -> None:
    found = load(app(tmp_path, "  build: net.py:build_trained\n"))
    assert isinstance(found.target, TorchTarget)


@pytest.mark.parametrize("name", ["net.pt", "net.safetensors"])
def test_stored_parameters_are_loaded_without_running_anything(tmp_path: Path, name: str) -> None:
    from torch import nn

    path = stored(tmp_path, f"  build: net.py:build\n  weights: {name}\n")
    last = nn.Linear(8, 2)
    module = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 8), nn.ReLU(), last)
    if name.endswith("pt"):
        torch.save(module.state_dict(), tmp_path / name)
    else:
        pytest.importorskip("safetensors.torch").save_file(module.state_dict(), tmp_path / name)
    found = load(path)
    want = last.weight.detach().numpy()
    np.testing.assert_array_equal(found.target.parameters()["3.weight"], want)
    assert name in found.hashes
    assert any("default recipe" in caveat for caveat in found.caveats)


def test_a_module_without_gradients_is_not_trained(tmp_path: Path) -> None:
    path = stored(tmp_path, "  build: net.py:build_detached\n  weights: net.pt\n")
    layers = [
        torch.nn.BatchNorm1d(2),
        torch.nn.Linear(2, 8),
        torch.nn.ReLU(),
        torch.nn.Linear(8, 2),
    ]
    torch.save(torch.nn.Sequential(*layers).state_dict(), tmp_path / "net.pt")
    found = load(path)
    assert (found.trainer, found.target.offers) == (None, View.GRADIENTS)
    assert any("no gradients lead from" in caveat for caveat in found.caveats)
    with pytest.raises(DescriptionError, match=r"no gradients lead back .* cannot be trained"):
        load(app(tmp_path, "  build: net.py:build_detached\n"))


def test_parameters_of_another_module_are_refused(tmp_path: Path) -> None:
    path = stored(tmp_path, "  build: net.py:build\n  weights: net.pt\n")
    torch.save({"weight": torch.zeros(3)}, tmp_path / "net.pt")
    with pytest.raises(DescriptionError, match="does not hold the parameters") as told:
        load(path)
    assert told.value.key == "model.weights"


def test_a_pickled_module_is_refused_and_not_run(tmp_path: Path) -> None:
    from tests.describe.test_stored_models import Bomb

    path = stored(tmp_path, "  build: net.py:build\n  weights: net.pt\n")
    torch.save(Bomb(tmp_path / "exploded"), tmp_path / "net.pt")
    with pytest.raises(DescriptionError, match="holds Python objects"):
        load(path)
    assert not (tmp_path / "exploded").exists()


def test_a_module_with_too_few_logits_is_told(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match="one column for each of the 2 classes") as told:
        load(app(tmp_path, "  build: net.py:build_wide\n"))
    assert told.value.key == "model.build"


def test_weights_need_the_module_and_the_records(tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(b"")
    found = check(app(tmp_path, "  function: filter.py:build\n  weights: net.pt\n"))
    assert any("weights belongs to `model.build`" in str(e) for e in found)
    found = check(app(tmp_path, "  build: net.py:build\n  weights: net.pt\n"))
    assert any("training records are not named" in str(e) for e in found)


def test_a_recipe_is_for_modules_only(tmp_path: Path) -> None:
    path = app(tmp_path, "  build: filter.py:build_plain\n  training: {epochs: 3}\n")
    with pytest.raises(DescriptionError, match="training is for a torch module") as told:
        load(path)
    assert told.value.key == "model.training"
