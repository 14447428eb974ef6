"""Sign bits: the largest weights of early layers, chosen without a question."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.bit_flips.sign_flips import SignFlips
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.evidence import Proportion
from goalkeeper.core.power import Power, View
from goalkeeper.core.stored_numbers import BFLOAT16, Stored
from goalkeeper.games.bit_flips import BitFlipping, Flip, FlipAim, flip_bits
from goalkeeper.games.bit_flips.game import TASK
from goalkeeper.games.tallies import beats_baseline
from tests.attacks.bit_flips.test_bit_flips import PIXELS, digits, quantised, trained
from tests.contract.harness import build, enough


def choose(stored: Stored, most: int, layers: int = 10) -> list[Flip]:
    """Attack with nothing granted at all: whatever was asked would be refused."""
    terms = Terms(granted=Power(), rng=np.random.default_rng(0), victim=np.random.SeedSequence(0))
    access = Access(build(SignFlips, "table", "rigged", 0), terms)
    found = SignFlips(layers=layers).run(FlipAim(counts=(1, most), stored=stored), access)
    assert access.spent.forward == access.spent.queries == 0
    return list(found)


def test_the_largest_weights_of_the_first_layers_are_chosen() -> None:
    stored = {
        "first.weight": np.array([[0.1, -0.9], [0.3, 0.0]]),
        "first.bias": np.array([50.0, 0.0]),
        "second.weight": np.array([[0.5, 2.0]], dtype=np.float32),
        "last.weight": np.array([[9.0]]),
    }
    wanted = [
        Flip("second.weight", 1, 31),
        Flip("first.weight", 1, 63),
        Flip("second.weight", 0, 31),
    ]
    assert choose(stored, 3, layers=2) == wanted
    rest = choose(stored, 20, layers=2)
    assert rest[:3] == wanted
    assert rest[5:] == [Flip("first.bias", 0, 63), Flip("last.weight", 0, 63)]  # a zero has no sign
    assert choose(stored, 1, layers=3) == [Flip("last.weight", 0, 63)]


def test_the_sign_is_the_highest_bit_of_every_kind_of_number() -> None:
    stored: Stored = {
        "whole": np.array([[3, -100]], dtype=np.int8),
        "brain": np.array([[0x3F80, 0xC040]], dtype=np.uint16).view(BFLOAT16),  # 1 and -3
        "none": np.array([[200, 3]], dtype=np.uint8),
    }
    found = choose(stored, 4)
    assert found == [
        Flip("whole", 1, 7),
        Flip("whole", 0, 7),
        Flip("brain", 1, 15),
        Flip("brain", 0, 15),
    ]
    assert flip_bits(stored, found)["whole"].tolist() == [[3 - 128, -100 + 128]]


@pytest.mark.requirement("S24")
def test_few_signs_do_more_than_as_many_random_bits() -> None:
    """Measured: 20 signs of 4,736 bytes turn 5.5 % of the digits, 20 random bits 0.3 %."""
    pytest.importorskip("torch")
    app = digits(quantised(trained()), PIXELS)
    game = replace(BitFlipping(), counts=(20,), draws=10)
    run = AttackRun(attack=SignFlips(), game=game, task=TASK, granted=enough(SignFlips), seed=0)
    tally = evaluate(app, run).trials[-1].tally
    assert isinstance(tally, Proportion)
    assert beats_baseline(tally)
    assert tally.successes >= 5 * tally.baseline_successes


def test_what_it_flips_is_within_the_budget_of_the_search() -> None:
    app = build(SignFlips, "table", "rigged", 0)
    run = AttackRun(
        attack=SignFlips(), game=BitFlipping(), task=TASK, granted=enough(SignFlips), seed=0
    )
    result = evaluate(app, run)
    assert [trial.budget for trial in result.trials] == [1, 2, 5, 10, 18]  # there are 18 numbers
    assert app.target.offers is View.GRADIENTS
