"""Membership on Location-30, as measured with the usual network: AUC and power at 0.1 % and 1 %.

Reference figures, measured on the public data with the network 446-128-30 (tanh, Adam 1e-3, 40
epochs, half of the data each): with 8 shadow models a likelihood-ratio test with Student t laws
reaches AUC 0.955, TPR 0.501 at 1 % and 0.245 at 0.1 % false alarms, the loss alone AUC 0.829.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from goalkeeper.attacks.membership._signal import logit_confidence
from goalkeeper.attacks.membership._weighing import run_tests, weigh_tests
from goalkeeper.core.data import Bools, Data, Floats
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.reference import draw_balanced_masks
from goalkeeper.training import TorchRecipe, TorchTrainer
from tests.public_data import FOLDER

FILE = FOLDER / "location30.npz"
SHADOWS = 8
GROUPS = 3  # of shadow models; each record is in half of every group
MODELS = SHADOWS * GROUPS

pytestmark = pytest.mark.validation


@cache
def trained() -> tuple[Floats, Bools, Floats]:
    """Train models on halves: signals `(models, n)`, masks, and accuracy in and out."""
    torch = pytest.importorskip("torch")
    if not FILE.is_file():
        pytest.skip("location30.npz is not at hand; set GOALKEEPER_DATA to the folder it is in")
    with np.load(FILE, allow_pickle=False) as stored:
        data = Data(x=stored["x"].astype(np.float64), y=stored["y"].astype(np.int64))
    domain = TableDomain(columns=tuple(Column(name=f"p{i}") for i in range(446)))

    def build() -> Any:
        nn = torch.nn
        return nn.Sequential(nn.Linear(446, 128), nn.Tanh(), nn.Linear(128, 30))

    how = TorchRecipe(epochs=40, batch=64, rate=1e-3)
    trainer = TorchTrainer(build, [str(i) for i in range(30)], domain, how)
    rng = np.random.default_rng(0)
    masks = np.concatenate([draw_balanced_masks(SHADOWS, len(data), rng) for _ in range(GROUPS)])
    scores = trainer.fit_many(data, masks, range(MODELS)).scores(data.x)
    right = scores.argmax(axis=2) == data.y
    return (
        logit_confidence(scores, data.y),
        masks,
        np.array([right[masks].mean(), right[~masks].mean()]),
    )


def figures(score: Floats, member: Bools) -> tuple[float, float, float]:
    """Return AUC, and TPR at 1 % and 0.1 % false alarms."""
    order = np.argsort(-score, kind="stable")
    tpr = np.cumsum(member[order]) / member.sum()
    fpr = np.cumsum(~member[order]) / (~member).sum()
    area = float(np.trapezoid(tpr, fpr))
    at_1, at_01 = (float(tpr[np.searchsorted(fpr, a, side="right") - 1]) for a in (0.01, 0.001))
    return area, at_1, at_01


def measure_all() -> list[tuple[float, float, float]]:
    """Give the figures of each model as a target, with shadow models of the next group."""
    signals, masks, _ = trained()
    found = []
    for target in range(MODELS):
        group = (target // SHADOWS + 1) % GROUPS
        others = slice(group * SHADOWS, (group + 1) * SHADOWS)
        shadow, member = signals[others], masks[others]
        tests = run_tests(signals[target], shadow, member)
        found.append(figures(weigh_tests(shadow, member).decision_function(tests), masks[target]))
    return found


@pytest.mark.requirement("S48")
def test_the_network_memorises_as_it_should() -> None:
    inside, outside = trained()[2]
    assert inside > 0.99
    assert outside == pytest.approx(0.663, abs=0.02)


@pytest.mark.requirement("S48")
def test_eight_shadow_models_reach_the_reference() -> None:
    """Acceptance: AUC of 0.955 and more, TPR at 0.1 % of 0.225 and more, mean over all targets.

    A Student t law of the log odds alone has 0.957, 0.476 and 0.189 on the same models.
    """
    found = measure_all()
    area, _, power = np.mean(found, axis=0)  # 0.961, 0.523 and 0.271 on our machine
    assert area >= 0.955, found
    assert power >= 0.225, found
