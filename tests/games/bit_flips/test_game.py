"""The bit flips game: flips whose effect can be worked out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from goalkeeper.attacks.bit_flips.bit_flips import BitFlips
from goalkeeper.core.application import Answers, Application
from goalkeeper.core.errors import ChangeRefused, TargetError
from goalkeeper.core.power import View
from goalkeeper.games.bit_flips import BitFlipping, Flip
from goalkeeper.games.bit_flips.game import TASK
from goalkeeper.games.shared.large_steps import RewritableTarget
from goalkeeper.games.tallies import beats_baseline
from goalkeeper.testing.worlds._tampering import COPIES
from tests.games.tampering import app_of, assert_controlled, result_of, tally

GAME = BitFlipping().smaller()


def fixed(app: Application, weights: list[float], bias: float) -> Application:
    """Give the application a rule of given numbers, and true classes by that rule."""
    rows = np.zeros((1, len(weights))), np.zeros(1)
    target = RewritableTarget(np.vstack([rows[0], np.array(weights)[None]]), np.array([0.0, bias]))
    holdout = app.data.holdout
    labelled = replace(holdout, y=target.answer(holdout.x, View.LABELS).labels)
    return replace(app, target=target, data=replace(app.data, holdout=labelled))


@pytest.mark.requirement("S24")
def test_one_flipped_sign_can_be_worked_out() -> None:
    """With x in [0, 1] and the rule x0 > 1/2, the sign of the bias makes every input class 1."""
    app = fixed(app_of(), [1.0] + [0.0] * 7, -0.5)
    harmless = int((app.data.holdout.y == 0).sum())
    game = replace(BitFlipping(), counts=(1,))
    result = result_of(lambda aim, access: [Flip("bias", 1, 63)], game, app=app)
    assert tally(result).successes == harmless
    assert tally(result).n == len(app.data.holdout)
    assert result.measurements[0].metric == "success_rate"
    assert "-0.5 becomes 0.5" in result.exhibits[0].after


def test_the_lowest_bit_changes_nothing() -> None:
    result = result_of(lambda aim, access: [Flip("weights", 0, 0)], GAME)
    assert tally(result).successes == 0
    assert "0 % with 1 chosen bit" in result.summary


@pytest.mark.parametrize(
    ("flips", "said"),
    [
        ([Flip("weights", 10**6, 0)], "there is no bit"),
        ([Flip("weights", 0, 64)], "there is no bit"),
        ([Flip("vocabulary", 0, 0)], "there is no bit"),
        ([Flip("bias", 0, 3)] * 2, "twice"),
    ],
)
def test_flips_of_bits_that_are_not_there_are_refused(flips: list[Flip], said: str) -> None:
    with pytest.raises(ChangeRefused, match=said):
        result_of(lambda aim, access: flips, GAME)


def test_no_flip_at_all_is_an_answer() -> None:
    result = result_of(lambda aim, access: [], GAME)
    assert tally(result).successes == 0
    assert not beats_baseline(tally(result))
    assert result.summary.startswith("None of the bit flips")


@pytest.mark.requirement("S24")
def test_what_is_not_a_number_is_reported_and_not_counted_where_the_model_fails() -> None:
    """The highest exponent bit of 1.5 makes it no number; this application notices."""

    class FailsVisibly(RewritableTarget):
        def answer(self, x: Any, view: View) -> Any:
            if not np.isfinite(self.weights).all():
                raise TargetError("a weight is no number")
            return super().answer(x, view)

        def with_parameters(self, parameters: Mapping[str, Any]) -> RewritableTarget:
            return FailsVisibly(parameters["weights"], parameters["bias"])

    app = fixed(app_of(), [1.5] + [0.0] * 7, -0.5)
    assert isinstance(app.target, RewritableTarget)
    flip = Flip("weights", 8, 62)
    silent = result_of(lambda aim, access: [flip], GAME, app=app)
    assert any("1 of the flipped numbers are infinite or not a number" in c for c in silent.caveats)
    strict = replace(app, target=FailsVisibly(app.target.weights, app.target.bias))
    noticed = result_of(lambda aim, access: [flip], GAME, app=strict)
    assert tally(noticed).successes == 0
    assert any("fails visibly" in c for c in noticed.caveats)


def test_as_many_random_flips_are_the_baseline() -> None:
    """Any three flipped bits turn every answer, so that chosen ones are worth no more."""
    app = fixed(app_of(), [1.0] + [0.0] * 7, -0.5)
    genuine = app.target
    assert isinstance(genuine, RewritableTarget)
    words = [values.view(np.uint64) for values in (genuine.weights, genuine.bias)]

    class TurnsAtThree(RewritableTarget):
        def answer(self, x: Any, view: View) -> Answers:
            now = [values.view(np.uint64) for values in (self.weights, self.bias)]
            pairs = zip(words, now, strict=True)
            flipped = sum(int(np.bitwise_count(a ^ b).sum()) for a, b in pairs)
            labels = genuine.answer(x, View.LABELS).labels
            return Answers(labels if flipped < 3 else 1 - labels)

    target = TurnsAtThree(genuine.weights, genuine.bias)
    game = replace(BitFlipping(), counts=(1, 3))
    flips = [Flip("weights", i, 0) for i in range(3)]
    result = result_of(lambda aim, access: flips, game, app=replace(app, target=target))
    counts = [(t.tally.successes, t.tally.baseline_successes) for t in result.trials]  # type: ignore[union-attr]
    n = tally(result).n
    assert counts == [(0, 0), (n, n)]
    assert not beats_baseline(tally(result))


def test_copies_outvote_any_twenty_flips() -> None:
    """The control that nobody can beat: even all twenty flips of one number leave the median."""
    app = app_of(kind="fair")
    assert isinstance(app.target, RewritableTarget)
    inner = app.target.weights[0].size
    flips = [Flip("weights", copy * inner, 62) for copy in range(20)]
    assert 2 * len(flips) < COPIES
    result = result_of(lambda aim, access: flips, BitFlipping(), app=app)
    assert [t.budget for t in result.trials] == [1, 2, 5, 10, 20]
    assert all(t.tally.successes == 0 for t in result.trials)  # type: ignore[union-attr]


def test_a_model_whose_numbers_cannot_be_rewritten_is_not_tested() -> None:
    app = app_of()
    trained = LogisticRegression().fit(app.data.train.x, app.data.train.y)

    class Closed:
        offers = View.LABELS

        def parameters(self) -> Any:
            return {"weights": trained.coef_}

    unfit = GAME.unfit(replace(app, target=Closed()), TASK)  # type: ignore[arg-type]
    assert unfit is not None
    assert not unfit.proven
    assert "cannot be rewritten" in unfit.reason


def test_what_nobody_wins_is_controlled_by_a_weakened_application() -> None:
    assert_controlled(BitFlips())
