"""An application that answers at random is not attacked by asking it until it errs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from goalkeeper.core.application import Answers, Application, Target
from goalkeeper.core.data import Data, Inputs
from goalkeeper.core.errors import TargetError
from goalkeeper.core.evidence import AttackResult, Proportion
from goalkeeper.core.power import View
from goalkeeper.games.shared.base_targets import BareTarget
from goalkeeper.games.tallies import beats_baseline
from tests.attacks.evasion.arena import ruled, weak
from tests.games.evasion.test_game import evaluate, words_added


@dataclass(frozen=True, eq=False)
class Noisy(BareTarget):
    """Flips the answer of another target with a probability, drawn at every question."""

    target: Target
    flips: float
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    @property
    def offers(self) -> View:
        return View.LABELS

    def answer(self, x: Inputs, view: View) -> Answers:
        labels = self.target.answer(x, View.LABELS).labels
        flipped = self.rng.random(len(x)) < self.flips
        return Answers(np.where(flipped, 1 - labels, labels))


def noisy(app: Application, flips: float) -> Application:
    return replace(app, target=Noisy(app.target, flips))


def last(result: AttackResult) -> Proportion:
    tally = result.trials[-1].tally
    assert isinstance(tally, Proportion)
    return tally


def enough_records(app: Application, times: int = 10) -> Application:
    """Repeat the holdout: of a coin's answers only half are correct."""
    holdout = app.data.holdout
    rows = np.tile(np.arange(len(holdout)), times)
    more = Data(x=holdout.x[rows], y=holdout.y[rows])
    return replace(app, data=replace(app.data, holdout=more))


def test_a_coin_is_not_attacked_however_often_it_is_asked() -> None:
    app = noisy(enough_records(ruled(lambda text: 0)), 0.5)
    result = evaluate([words_added(*["x"] * i) for i in range(1, 13)], app=app)
    tally = last(result)
    assert tally.n >= 20
    # by one answer each, twelve attempts would succeed on all but one of 4,096 inputs
    assert tally.successes < 0.85 * tally.n
    assert not beats_baseline(tally)
    assert any("differently from time to time" in caveat for caveat in result.caveats)


def test_a_weakness_shows_through_noise() -> None:
    app = noisy(weak(), 0.1)
    tally = last(evaluate([words_added("zebra", "yonder"), words_added(*good_words())], app=app))
    assert tally.successes >= 0.9 * tally.n
    assert beats_baseline(tally)


def test_an_application_that_always_answers_alike_is_asked_once() -> None:
    app = weak()
    result = evaluate([words_added(*good_words())], app=app)
    assert last(result).successes == last(result).n
    assert not any("differently" in caveat for caveat in result.caveats)


def good_words() -> tuple[str, ...]:
    from goalkeeper.testing.worlds.word_filters import GOOD

    return tuple(GOOD)


@dataclass(frozen=True, eq=False)
class Gone(BareTarget):
    """Answers nothing any more."""

    @property
    def offers(self) -> View:
        return View.LABELS

    def answer(self, x: Inputs, view: View) -> Answers:
        if len(x):
            raise TargetError("the service has been shut down")
        return Answers(np.empty(0, dtype=np.int64))


def test_an_application_that_answers_nothing_has_not_withstood_or_erred() -> None:
    app = replace(ruled(lambda text: 0), target=Gone())
    with pytest.raises(TargetError, match="has been shut down"):
        evaluate([words_added("x")], app=app)
