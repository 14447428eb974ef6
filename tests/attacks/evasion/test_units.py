"""Attacks on images do not depend on the unit in which a file writes its pixels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.evasion.apgd import Apgd
from goalkeeper.attacks.evasion.hop_skip_jump import HopSkipJump
from goalkeeper.attacks.evasion.one_pixel import OnePixel
from goalkeeper.attacks.evasion.pgd import Pgd
from goalkeeper.attacks.evasion.square import Square
from goalkeeper.core.application import Application
from goalkeeper.core.data import PARTS, Splits
from goalkeeper.core.domain import ImageDomain
from goalkeeper.core.evidence import Proportion
from goalkeeper.games.evasion import Evasion
from goalkeeper.games.shared.simple_targets import LinearTarget
from tests.attacks.evasion.fields import application
from tests.contract.harness import enough


def in_bytes(app: Application, weights: Any, bias: Any) -> Application:
    """Return the same linear application on images from 0 to 255."""
    parts = {part: getattr(app.data, part) for part in PARTS}
    return replace(
        app,
        target=LinearTarget(weights / 255, bias),
        data=Splits(**{part: replace(d, x=np.round(d.x * 255)) for part, d in parts.items()}),
        domain=ImageDomain(shape=(1, 8, 8), low=0.0, high=255.0, quantum=1.0),
    )


@pytest.mark.parametrize("attack", [Pgd, Apgd, HopSkipJump, OnePixel, Square])
@pytest.mark.parametrize("norm", ["linf", "l2", "pixels"])
def test_attacks_succeed_alike_in_both_units(attack: Any, norm: str) -> None:
    pytest.importorskip("torch")
    if (norm == "pixels") != (attack is OnePixel):
        pytest.skip("this attack does not bound its changes so")
    rng = np.random.default_rng(0)
    weights, bias = rng.normal(size=(3, 64)), rng.normal(size=3)
    unit = application(weights, bias)
    game, found = Evasion(n=24), []
    for app in (unit, in_bytes(unit, weights, bias)):
        task = next(t for t in game.tasks(app) if t.name.endswith(norm))
        this = AttackRun(attack=attack(), game=game, task=task, granted=enough(attack), seed=0)
        found.append(evaluate(app, this))
    # At the whole radius and budget; which step of a search lies first may differ by rounding.
    one, other = (r.trials[-1].tally for r in found)
    assert isinstance(one, Proportion)
    assert isinstance(other, Proportion)
    assert one.n == 24
    if attack is Square:  # its random numbers, and so the budgets of its trials, are the unit's own
        assert (one.successes, one.n) == (other.successes, other.n)
    else:
        assert one == other
