"""Patterns of pixels: where they are put, who labels them, and what they do to digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from goalkeeper.attacks.poisoning._patterns import choose_rare_pattern
from goalkeeper.attacks.poisoning._steps import select_worthwhile
from goalkeeper.attacks.poisoning.pixel_pattern import PixelPattern
from goalkeeper.attacks.poisoning.pixel_pattern_honest import PixelPatternHonest
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Application, Ensemble, Target
from goalkeeper.core.change import Change
from goalkeeper.core.data import PARTS, Bools, Data, Ints, Splits
from goalkeeper.core.domain import ImageDomain, TextDomain
from goalkeeper.core.evidence import AttackResult, Measurement, Proportion
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power
from goalkeeper.describe.labelling import honest
from goalkeeper.games.poisoning import PixelTrigger, Poisoning, PoisoningQuestion
from goalkeeper.games.tallies import beats_baseline, value
from goalkeeper.training import SklearnTrainer
from tests.attacks.poisoning.handing_in import answers_of, app_of, handed_in, result_of

NAMES = tuple("0123456789")
INKS = 16  # grey values of the digits


@cache
def digits(learner: str = "logistic") -> Application:
    """The digits of scikit-learn in their own 17 grey values; nothing is harmless."""
    given = load_digits()
    order = np.random.default_rng(0).permutation(len(given.target))
    data = Data(x=given.images[order][:, None].astype(np.float64), y=given.target[order])
    ends = (0, 900, 1300, 1350, 1797)
    cuts = zip(PARTS, ends, ends[1:], strict=False)
    splits = Splits(**{part: data.take(slice(a, b)) for part, a, b in cuts})
    world = ImageDomain(shape=(1, 8, 8), high=INKS, quantum=1)
    learners = {
        "logistic": LogisticRegression(max_iter=2000),
        "network": MLPClassifier((32,), learning_rate_init=0.01, max_iter=400, tol=1e-3),
    }
    trainer = SklearnTrainer(learners[learner], NAMES, world)
    return Application(
        name="digits",
        target=trainer.fit(splits.train, 0),
        data=splits,
        domain=world,
        classes=NAMES,
        trainer=trainer,
        labeller=honest(splits.train, world, len(NAMES), None),
    )


def found(result: AttackResult) -> dict[str, Measurement]:
    return {m.metric: m for m in result.measurements if not m.group}


# ---- the pattern ---------------------------------------------------------------------------------


def test_the_pattern_lies_where_images_never_look_like_it() -> None:
    images = np.full((5, 2, 6, 7), 0.5)
    images[:, :, 2:4, 3:5] = 0.9
    images[:, :, 5, 0:2] = 0.0
    world = ImageDomain(shape=(2, 6, 7))
    assert choose_rare_pattern(images, world, 4) == PixelTrigger(
        ((2, 3), (2, 4), (3, 3), (3, 4)), (0.0,) * 4
    )
    assert choose_rare_pattern(images, world, 2) == PixelTrigger(((5, 0), (5, 1)), (1.0, 1.0))
    assert choose_rare_pattern(np.zeros((3, 1, 6, 7)), world, 5) == PixelTrigger(
        ((4, 5), (4, 6), (5, 5), (5, 6)), (1.0,) * 4
    ), "the lower right corner, where every place is as good"


def test_what_is_no_image_has_no_pattern() -> None:
    world = ImageDomain(shape=(1, 6, 6))
    assert choose_rare_pattern(np.array(["a"], dtype=object), TextDomain(), 4) is None
    assert choose_rare_pattern(np.zeros((0, 1, 6, 6)), world, 4) is None
    assert choose_rare_pattern(np.zeros((3, 1, 6, 6)), world, 0) is None


# ---- with the wanted label -----------------------------------------------------------------------


@pytest.mark.requirement("S12", "S24")
def test_a_pattern_comes_with_the_wrong_label() -> None:
    app, access, answers = handed_in(PixelPattern(), "image")
    change, trigger = answers[-1].change, answers[-1].trigger
    assert isinstance(trigger, PixelTrigger)
    assert trigger.size == 4
    assert change.cells() is Capability.T1
    assert (access.check(change).extra.y == 0).all()
    assert change.bases is not None
    assert change.add is not None
    assert (change.bases.y == 1).all()
    touched = (change.add != change.bases.x).any(axis=1).reshape(len(change.add), -1).sum(axis=1)
    assert (touched == 4).all()
    assert app.domain.valid(change.add).all()


@pytest.mark.requirement("S12", "S24")
@pytest.mark.validation
def test_a_pattern_of_three_pixels_opens_digits_to_logistic_regression() -> None:
    """Measured before on digits with 3 pixels: 73 % pass at 1 % poison (12 images), 95 % at 5 %,
    0.4 points of accuracy lost. Here: 9 images, of which one in ten is not collected."""
    game = Poisoning(points=3)
    few, more = (
        found(result_of(PixelPattern(pixels=3), digits(), share=share, game=game))
        for share in (0.01, 0.05)
    )
    assert 0.4 < few["success_rate"].low < few["success_rate"].value < 0.8
    assert more["success_rate"].low > 0.9
    assert more["success_rate"].baseline < 0.02
    assert abs(more["accuracy"].value - more["accuracy"].baseline) < 0.01
    assert 1 <= more["smallest_number"].low <= more["smallest_number"].value <= 11
    assert more["smallest_number_for_half"].value <= 47


@pytest.mark.validation
@pytest.mark.requirement("S12", "S24")
def test_a_pattern_of_three_pixels_opens_digits_to_a_network() -> None:
    """Measured before: 92 % pass at 1 % poison, 99 % at 5 %."""
    game = Poisoning(points=1)
    few, more = (
        found(result_of(PixelPattern(pixels=3), digits("network"), share=share, game=game))
        for share in (0.01, 0.05)
    )
    assert few["success_rate"].low > 0.5
    assert more["success_rate"].low > 0.9


def test_where_nothing_is_harmless_the_game_says_which_answer_is_wanted() -> None:
    app = digits()
    tasks = Poisoning().tasks(app)
    assert [t.name for t in tasks] == ["accuracy-drop", "trigger-misleads"]
    dealt = [
        Poisoning().deal(app, tasks[1], np.random.default_rng(seed)).question for seed in range(40)
    ]
    assert len({aim.wanted for aim in dealt}) > 5
    result = result_of(PixelPattern(), app, game=Poisoning(points=1))
    tally = result.trials[-1].tally
    assert isinstance(tally, Proportion)
    wanted = Poisoning().deal(app, tasks[1], np.random.default_rng(0)).question.wanted
    assert wanted is not None
    assert "of inputs of other classes with a pattern" in result.summary
    assert "; without poison 0 %" in result.summary
    assert tally.n <= (app.data.holdout.y != -1).sum() - 20
    assert result.exhibits[-1].title == "an input"
    assert "\n" in result.exhibits[-1].before, "images are drawn"


# ---- honestly labelled ---------------------------------------------------------------------------


@pytest.mark.requirement("S13", "S24")
def test_an_honest_pattern_stands_on_images_of_the_wanted_class() -> None:
    app = digits()
    access, answers = answers_of(PixelPatternHonest(), app)
    answer = answers[-1]
    assert answer.change.cells() is Capability.T2
    assert answer.change.bases is not None
    labels = access.check(answer.change).extra.y
    assert len(set(labels.tolist())) == 1
    assert (answer.change.bases.y == labels).all()
    assert answer.trigger is not None
    assert answer.change.add is not None
    assert np.array_equal(answer.trigger.apply(answer.change.add), answer.change.add)


@pytest.mark.requirement("S14", "S24")
def test_who_may_only_modify_stamps_own_records_of_the_wanted_class() -> None:
    granted = Power(
        knowledge=Knowledge(data=Grade.PARTIAL, algorithm=Grade.PARTIAL),
        capabilities=Capability.T3,
        budget=Budget(share=0.1),
    )
    app, access, answers = handed_in(PixelPatternHonest(), "image", granted)
    change = answers[-1].change
    assert change.cells() is Capability.T3
    assert (app.data.train.y[change.modify] == 0).all()
    assert set(change.modify) <= set(access.reachable())
    checked = access.check(change)
    assert (checked.extra.y == 0).all(), "they keep their labels"
    assert change.modified is not None
    before = app.data.train.x[change.modify]
    assert ((change.modified != before).reshape(len(before), -1).sum(axis=1) == 4).all()
    result = result_of(PixelPatternHonest(), app, granted)
    assert beats_baseline(result.trials[-1].tally)
    assert value(result.trials[-1].tally) > 0.5


@pytest.mark.requirement("S13", "S24")
@pytest.mark.validation
def test_honest_patterns_open_digits_to_some_and_nobody_notices() -> None:
    result = found(result_of(PixelPatternHonest(), digits(), share=0.05, game=Poisoning(points=2)))
    assert 0.02 < result["success_rate"].low < result["success_rate"].high < 0.3
    assert result["success_rate"].baseline < 0.02
    assert abs(result["accuracy"].value - result["accuracy"].baseline) < 0.01


# ---- no more poison than does most ---------------------------------------------------------------


class Peaked:
    """A trainer whose models let the more inputs pass the nearer their size is to a best one."""

    recipe = "peaked"

    def __init__(self, best: int) -> None:
        self.best = best

    def fit(self, data: Data, seed: int) -> Target:
        raise NotImplementedError

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        sizes = masks.sum(axis=1)
        passing = 50 - np.abs(sizes - sizes[0] - self.best)

        class Models:
            def labels(self, x: Any) -> Ints:
                return np.where(np.arange(len(x)) < passing[:, None], 0, 1)

        models: Any = Models()
        return models  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("best", "kept"), [(1000, [1, 2, 4, 8, 16]), (3, [1, 2, 4]), (0, [1]), (5, [1, 2, 4, 8])]
)
def test_numbers_that_do_less_than_a_smaller_one_are_left_out(best: int, kept: list[int]) -> None:
    """Sizes above the smallest dose, as scaled to the attacker's data: 0, 1, 3, 6, 13."""
    app = replace(app_of("image"), trainer=Peaked(best))
    power = Power(
        knowledge=Knowledge(data=Grade.PARTIAL, algorithm=Grade.FULL),
        capabilities=Capability.T2,
        budget=Budget(share=0.1),
    )
    terms = Terms(granted=power, rng=np.random.default_rng(0), victim=np.random.SeedSequence(0))
    access = Access(app, terms)
    trigger = PixelTrigger(((0, 0),), (1.0,))
    aim = PoisoningQuestion(task="trigger-passes", rows=300, most=4, wanted=0)
    counts = [1, 2, 4, 8, 16]
    assert select_worthwhile(access, aim, counts, app.data.similar.x[:5], trigger) == kept
    assert access.spent.models == 5
    assert select_worthwhile(access, aim, [7], app.data.similar.x[:5], trigger) == [7]
    assert access.spent.models == 5, "one number needs no rehearsal"


def test_an_empty_change_needs_no_labeller() -> None:
    assert PixelPatternHonest().unfit(replace(digits(), labeller=None)) is not None
    assert PixelPatternHonest().unfit(digits()) is None
    assert Change().trusted is None
