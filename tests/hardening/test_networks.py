"""Hardening of an application whose model is a network: what it writes opens again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import goalkeeper as gk
from goalkeeper.core.power import View
from goalkeeper.hardening.model_files import write_model
from tests.defences.applications import APPLICATIONS, build_network, pictures
from tests.defences.test_effects import defended, fragile_pictures

pytest.importorskip("torch")

MODEL = """
from torch import nn

def build():
    return nn.Sequential(nn.Flatten(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 2))
"""
FILE = """
goalkeeper: 1
name: reader
classes: ["0", "1"]
data: {{file: pictures.npz, range: [0, 1]}}
model: {{{model}}}
threats: {{images: [{{norm: linf, radius: 0.1}}]}}
needs:
  integrity: {{financial: {{level: normal, reason: a wrong answer costs money}}}}
  availability: {{none: not the point}}
  confidentiality: {{none: not the point}}
  privacy: {{none: not the point}}
attackers: [insider]
"""
BUILT = "build: model.py:build, training: {epochs: 40, rate: 0.02}"


def write(folder: Path) -> Path:
    x, y = fragile_pictures(800)
    np.savez(folder / "pictures.npz", x=x, y=y)
    (folder / "model.py").write_text(MODEL)
    (folder / "application.yaml").write_text(FILE.format(model=BUILT))
    return folder / "application.yaml"


@pytest.mark.parametrize("behind", ["", "rounding"])
def test_the_parameters_open_in_what_the_application_builds(tmp_path: Path, behind: str) -> None:
    from safetensors.torch import load_file

    app = APPLICATIONS["torch"]()
    made = defended(app, "adversarial_training", radius=0.05)
    shown = defended(made, behind) if behind else made
    file = write_model(shown.target, tmp_path)
    module = build_network()
    module.load_state_dict(load_file(file))
    import torch

    x = np.asarray(pictures()[0])
    with torch.no_grad():
        again = module.eval()(torch.tensor(x, dtype=torch.float32)).argmax(dim=1).numpy()
    np.testing.assert_array_equal(again, made.target.answer(x, View.LABELS).labels)


def test_parameters_that_layers_share_are_written(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    class Target:
        module = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.ReLU(), torch.nn.Linear(3, 3))

    Target.module[2].weight = Target.module[0].weight
    file = write_model(Target(), tmp_path)  # type: ignore[arg-type]
    kept = load_file(file)
    torch.testing.assert_close(kept["0.weight"], kept["2.weight"])


@pytest.mark.validation
def test_a_hardened_network_runs_by_itself_in_a_fresh_process(tmp_path: Path) -> None:
    """Adversarial training is accepted; its file runs, and its parameters serve in another one."""
    file = write(tmp_path)
    shell = [sys.executable, "-m", "goalkeeper"]
    found = subprocess.run(
        [*shell, "harden", str(file), "--defence", "adversarial_training", "--no-store",
         "-o", str(tmp_path / "h"), "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr
    said = json.loads(found.stdout)
    assert said["tried"][0]["accepted"]
    hardened = Path(said["hardened"])
    subprocess.run([*shell, "check", str(hardened)], check=True, capture_output=True)
    subprocess.run(
        [*shell, "run", str(hardened), "--no-store", "--effort", "0.2",
         "-o", str(tmp_path / "run")],
        check=False, capture_output=True,
    )  # fmt: skip
    assert (tmp_path / "run" / "assessment.json").is_file()
    # The parameters are those that the hardened file trains, and an application may name them.
    served = tmp_path / "served.yaml"
    weights = Path(said["model"]).relative_to(tmp_path)
    served.write_text(FILE.format(model=f"build: model.py:build, weights: {weights}"))
    one, other = gk.load(hardened), gk.load(served)
    x = one.data.holdout.x
    np.testing.assert_allclose(
        one.target.answer(x, View.SCORES).scores,
        other.target.answer(x, View.SCORES).scores,
        atol=1e-6,
    )
