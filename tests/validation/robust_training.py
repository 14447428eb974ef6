"""Adversarial training of a network for MNIST, as it was published, attacked by all that is here.

MNIST is the file mnist.npz of the folder that GOALKEEPER_DATA names; else nothing is measured.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import goalkeeper as gk
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.power import View
from goalkeeper.stats import clopper_pearson
from tests.defences.test_effects import defended
from tests.public_data import FOLDER
from tests.validation.rows import Finding, Row

SECTION = "Adversarial training of a network"
RADIUS = 0.3  # Linf, of values from 0 to 1
LEAST, CLEAN = 0.8, 0.97  # of inputs recognised after the attacks, and without one
TARGETS, QUERIES = 9, 5000  # of APGD and Square: as many as in AutoAttack


def build_network() -> Any:
    """Build the network of Wong, Rice, Kolter 2020, Fast is better than free."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 16, 4, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(16, 32, 4, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(1568, 100), nn.ReLU(), nn.Linear(100, 10),
    )  # fmt: skip


def digits() -> gk.Application:
    """Describe the network as it is usually trained, on all training images."""
    kept = np.load(FOLDER / "mnist.npz")
    x, x_test = (kept[f"x_{part}"] / 255.0 for part in ("train", "test"))
    return gk.Application.from_model(
        build_network, x, kept["y_train"].astype(int), x_test, kept["y_test"].astype(int),
        needs="normal", attackers=["insider"], training={"epochs": 2},
        threats={"images": [{"norm": "linf", "radius": RADIUS}]},
    )  # fmt: skip


def withstood(target: Any, data: Data) -> Bools:
    """Return which inputs `(n,)` are recognised, and stay so under every attack."""
    import torch

    right = np.asarray(target.answer(data.x, View.LABELS).labels == data.y)
    rows = np.flatnonzero(right)
    x = torch.tensor(data.x[rows].reshape(len(rows), 1, 28, 28), dtype=torch.float32)
    y = torch.tensor(data.y[rows])
    found = gk.attacks.evasion.apgd(target.module, x, y, "linf", RADIUS, targets=TARGETS)
    right[rows[found.success]] = False
    rows = np.flatnonzero(right)
    images = data.x[rows].reshape(len(rows), 1, 28, 28)

    def scores(changed: Any) -> Any:
        return target.answer(changed.reshape(-1, *data.x.shape[1:]), View.SCORES).scores

    found = gk.attacks.evasion.square(scores, images, data.y[rows], "linf", RADIUS, steps=QUERIES)
    right[rows[found.success]] = False
    return right


def measure(cases: int, rng: np.random.Generator) -> Finding:
    """Train without and with the defence, and attack both on the same inputs."""
    app = digits()
    begun = time.process_time()
    made = defended(app, "adversarial_training", radius=RADIUS, epochs=4)
    seconds = time.process_time() - begun
    held = app.data.holdout
    data = held.take(rng.permutation(len(held))[:cases])
    clean = [float((a.target.answer(held.x, View.LABELS).labels == held.y).mean())
             for a in (app, made)]  # fmt: skip
    before, after = (int(withstood(a.target, data).sum()) for a in (app, made))
    low, high = clopper_pearson(after, cases)
    words = (
        f"{after / cases:.1%} ({low:.1%} to {high:.1%}) withstand, {before / cases:.1%} without "
        f"it; recognised unchanged: {clean[1]:.1%}, {clean[0]:.1%} without it (n = {len(held):,}); "
        f"trained in {seconds:.0f} CPU seconds"
    )
    return Finding(
        measured=words,
        cases=cases,
        passed=after / cases > LEAST and clean[1] > CLEAN and before / cases < 1 - LEAST,
    )


ROWS = (
    Row(
        section=SECTION,
        name="MNIST, Linf 0.3, APGD with 9 targets, then Square with 5,000 queries",
        claim=f"more than {LEAST:.0%} withstand, more than {CLEAN:.0%} recognised unchanged",
        measure=measure,
        full=300,
        about=(
            "src/goalkeeper/attacks/evasion",
            "src/goalkeeper/defences/adversarial_training.py",
            "src/goalkeeper/training/networks",
        ),
        needs=("mnist.npz",),
    ),
)
