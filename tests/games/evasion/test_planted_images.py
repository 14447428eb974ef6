"""Weakened applications of images: sound attacks break them at any radius, broken ones at none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks import catalogue
from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.power import Grade, Knowledge, Power, View
from goalkeeper.core.threats import ImageThreat, Threats
from goalkeeper.games.evasion import Ending, Evasion, EvasionQuestion, NormBall, Submission
from goalkeeper.games.evasion.planted_images import PlantedImagesTarget
from goalkeeper.games.tallies import beats_baseline
from tests.attacks.evasion import masked_networks
from tests.contract.harness import enough

GAME = Evasion(n=24)
RADII = [("linf", 0.01), ("linf", 0.02), ("linf", 0.05), ("linf", 0.1), ("linf", 0.3)]
RADII += [("l2", 0.05), ("l2", 0.5), ("l2", 2.5)]
PIXELS = [("l0", 1.0), ("l0", 4.0)]
OWN = Power(knowledge=Knowledge(model=Grade.FULL), view=View.GRADIENTS)


@cache
def digits() -> Application:
    return masked_networks.application(masked_networks.base())


def weakened(norm: Any, radius: float, target: str = "other") -> Application:
    images = [ImageThreat(norm=norm, radius=radius, target=target)]
    app = replace(digits(), threats=Threats(images=images))
    return GAME.weakened(app, GAME.tasks(app)[0], np.random.default_rng(0))


def breaks(app: Application, attack: Attack[Any, Any], granted: Power) -> bool:
    (task,) = GAME.tasks(app)
    run = AttackRun(attack=attack, game=GAME, task=task, granted=granted, seed=0)
    result = evaluate(app, run)
    assert result.trials, result.reason
    return any(beats_baseline(trial.tally) for trial in result.trials)


@dataclass(frozen=True, kw_only=True)
class SingleStep(Attack[EvasionQuestion, Submission]):
    """One step along the gradient; or, as the settings say, what a broken attack does instead."""

    game = Evasion
    variant = "evasion.gradient"
    reference = "none"
    share: float = 1.0
    sign: float = 1.0
    blind: bool = False

    def run(self, question: EvasionQuestion, access: Access) -> Submission:
        x, limits = np.asarray(question.x, dtype=np.float64), question.constraint
        if self.blind:
            way = access.rng.standard_normal(x.shape)
        else:
            inputs = torch.tensor(x, dtype=torch.float32, requires_grad=True)
            logits, wanted = access.network()(inputs), torch.tensor(question.goal.wanted)
            lead = logits.masked_fill(~wanted, -torch.inf).amax(1) - logits[~wanted]
            (slope,) = torch.autograd.grad(lead.sum(), inputs)
            way = self.sign * slope.double().numpy()
        after = self._step(x, way, limits) if self.share else x
        return Submission(x=after, endings=np.full(len(x), Ending.SURVIVED, dtype=object))

    def _step(self, x: Any, way: Any, limits: Any) -> Any:
        low, high = limits.grid.low, limits.grid.high
        if not isinstance(limits, NormBall):
            pixels = max(1, round(self.share * limits.pixels))
            ends = np.where(way > 0, high, low)
            gain = (way * (ends - x)).reshape(len(x), -1)
            chosen = np.argsort(-gain, axis=1)[:, :pixels]
            after = x.reshape(len(x), -1).copy()
            np.put_along_axis(
                after, chosen, np.take_along_axis(ends.reshape(after.shape), chosen, 1), 1
            )
            return after.reshape(x.shape)
        room = np.where(way > 0, x < high, x > low)
        way = np.where(room, np.sign(way) if limits.norm == "linf" else way, 0.0)
        length = np.sqrt((way**2).sum(axis=(1, 2, 3), keepdims=True))
        way = way if limits.norm == "linf" else way / np.maximum(length, 1e-12)
        return np.clip(x + self.share * limits.radius * way, low, high)


@pytest.mark.parametrize(("norm", "radius"), RADII + PIXELS)
def test_one_step_along_the_gradient_breaks_it_and_no_broken_attack_does(
    norm: str, radius: float
) -> None:
    app = weakened(norm, radius)
    assert breaks(app, SingleStep(), OWN)
    broken = {
        "never moves": SingleStep(share=0.0),
        "wrong sign": SingleStep(sign=-1.0),
        "ignores the answers": SingleStep(blind=True),
        "too far": SingleStep(share=4.0),
    }
    if norm != "l0":  # one pixel is enough
        broken["not far enough"] = SingleStep(share=0.5 if norm == "linf" else 0.25)
    assert [name for name, attack in broken.items() if breaks(app, attack, OWN)] == []


@pytest.mark.parametrize(("norm", "radius"), [RADII[0], RADII[1], RADII[4], RADII[5], RADII[7]])
@pytest.mark.parametrize("name", ["square", "hop_skip_jump", "transferred_gradients"])
def test_attacks_without_gradients_break_it_at_any_radius(
    name: str, norm: str, radius: float
) -> None:
    attack = catalogue()[name]
    granted = enough(attack, queries=1000)
    granted = replace(granted.joined(attack.uses), budget=granted.budget)
    assert breaks(weakened(norm, radius), attack(), granted)


@pytest.mark.parametrize(("norm", "radius"), PIXELS)
def test_single_pixels_break_it(norm: str, radius: float) -> None:
    attack = catalogue()["one_pixel"]
    assert breaks(weakened(norm, radius), attack(), enough(attack, queries=1000))


@pytest.mark.parametrize("target", ["least-likely", "digit 3"])
def test_it_gives_way_to_the_answer_that_is_wanted(target: str) -> None:
    attack = catalogue()["square"]
    app = weakened("linf", 0.02, target)
    assert breaks(app, attack(), enough(attack, queries=1000))


def test_scores_and_network_of_the_planted_target_agree() -> None:
    app = weakened("linf", 0.1)
    assert isinstance(app.target, PlantedImagesTarget)
    x = np.asarray(app.data.similar.x[:50])
    logits = app.target.answer(x, View.GRADIENTS).logits
    assert logits is not None
    network = app.target.network(lambda forward, backward: None)
    found = network(torch.tensor(x, dtype=torch.float32)).numpy()
    assert np.abs(found - logits).max() < 1e-3 * np.abs(logits).max()
    known = app.data.holdout
    assert (app.target.answer(known.x, View.LABELS).labels == known.y).all()
