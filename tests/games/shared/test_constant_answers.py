"""Nothing is to be had of what always answers alike, and only of that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from goalkeeper.core.application import Answers, Application
from goalkeeper.core.power import View
from goalkeeper.games.extraction import Extraction
from goalkeeper.games.extraction.game import TASK
from goalkeeper.games.shared import constant_answers
from goalkeeper.games.shared.base_targets import WrappedTarget
from goalkeeper.games.shared.constant_answers import unfit_constant
from goalkeeper.testing.worlds import extraction


class Same(WrappedTarget):
    """Class 1 with one score, but for a share of inputs, or with scores that differ."""

    def __init__(self, inner: Any, *, odd: float = 0.0, spread: float = 0.0) -> None:
        super().__init__(inner)
        self.odd, self.spread, self.asked = odd, spread, 0

    @property
    def offers(self) -> View:
        return View.SCORES

    def answer(self, x: Any, view: View) -> Answers:
        self.asked += len(x)
        drawn = np.random.default_rng(self.asked).random(len(x))
        yes = np.where(drawn < self.odd, 0.2, 0.9) + self.spread * drawn
        return Answers((yes > 0.5).astype(int), np.column_stack([1 - yes, yes]))


class Service(Same):
    service = "http://localhost"


def app_of(
    kind: str, target: type[Same] = Same, odd: float = 0.0, spread: float = 0.0
) -> tuple[Application, Same]:
    app = extraction.rigged(kind, np.random.default_rng(0))
    made = target(app.target, odd=odd, spread=spread)
    return replace(app, target=made), made


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constant_answers, "LEAST", 600)  # as small as the worlds are


@pytest.mark.parametrize("kind", ["text", "table", "image"])
def test_nothing_is_to_be_had_of_a_constant_answer(kind: str) -> None:
    app, target = app_of(kind)
    unfit = Extraction().unfit(app, TASK)
    assert unfit is not None
    assert unfit.proven
    assert "nothing is to be had" in unfit.reason
    (found,) = unfit.measured
    assert found.value == 1
    assert found.n == target.asked


@pytest.mark.parametrize(("odd", "spread"), [(0.02, 0.0), (0.0, 1e-6)])
def test_answers_or_scores_that_differ_are_something(odd: float, spread: float) -> None:
    assert unfit_constant(app_of("table", odd=odd, spread=spread)[0]) is None


def test_few_inputs_do_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constant_answers, "LEAST", 100_000)
    assert unfit_constant(app_of("table")[0]) is None


def test_what_differs_is_asked_little_and_a_service_nothing() -> None:
    (app, target), (served, service) = app_of("table", spread=0.05), app_of("table", Service)
    assert unfit_constant(app) is None
    assert target.asked == constant_answers.FIRST
    assert unfit_constant(served) is None
    assert service.asked == 0
