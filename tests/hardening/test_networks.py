"""Hardening of an application whose model is a network: what it writes opens again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import goalkeeper as gk
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.power import View
from goalkeeper.defences import Chosen, catalogue
from goalkeeper.hardening.model_files import write_model
from goalkeeper.hardening.subject import Subject
from goalkeeper.hardening.writing import write_hardened
from tests.defences.applications import APPLICATIONS, build_network, pictures
from tests.defences.test_effects import defended, fragile_pictures

pytest.importorskip("torch")

MODEL = """
from torch import nn

def build():
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2))
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
system: {{validates: true}}
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
    """What is written of an accepted defence runs, and its parameters serve in another file."""
    file = write(tmp_path)
    shell = [sys.executable, "-m", "goalkeeper"]
    defence = catalogue()["adversarial_training"]()
    kept = Chosen("adversarial_training", defence, defence.settings(radius=0.1))
    subject = Subject(file, ComputeSettings())
    described, model = write_hardened(subject, tmp_path / "deep" / "h", [kept])
    hardened = Path(described)
    subprocess.run([*shell, "check", str(hardened)], check=True, capture_output=True)
    # The parameters are those that the hardened file trains, and an application may name them.
    served = tmp_path / "served.yaml"
    weights = Path(model).relative_to(tmp_path)
    text = FILE.format(model=f"build: model.py:build, weights: {weights}")
    rng = np.random.default_rng(1)  # a trained model must come with the records it was trained on
    np.savez(tmp_path / "more.npz", x=rng.random((400, 4, 4)), y=np.arange(400) % 2)
    served.write_text(text.replace("file: pictures.npz", "train: pictures.npz, test: more.npz"))
    one, other = gk.load(hardened), gk.load(served)
    x = one.data.holdout.x
    np.testing.assert_allclose(
        one.target.answer(x, View.SCORES).scores,
        other.target.answer(x, View.SCORES).scores,
        atol=1e-6,
    )


@pytest.mark.validation
@pytest.mark.timeout(600)
def test_a_network_that_is_hardened_on_the_command_line_is_accepted_and_runs(
    tmp_path: Path,
) -> None:
    file, folder = write(tmp_path), tmp_path / "h"
    text = file.read_text().replace("attackers: [insider]", "attackers: [device_holder]")
    file.write_text(text + "tolerances: {accuracy_drop: 0.1}\n")
    shell = [sys.executable, "-m", "goalkeeper"]
    options = ["--defence", "adversarial_training", "--store", str(tmp_path / "store"), "--json"]
    command = [*shell, "harden", str(file), "-o", str(folder), "--time", "9m", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["tried"][0]["accepted"]
    effect = found["tried"][0]["goals"]["integrity"]
    assert (effect["before"], effect["after"]) != ("not_met", "not_met")
    assert Path(found["model"]).name == "model.safetensors"
    check = [*shell, "check", found["hardened"]]
    subprocess.run(check, check=True, capture_output=True)
