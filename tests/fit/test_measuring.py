"""The rule of fit on models that are as they should be, and on models that are fed wrongly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from goalkeeper.core.data import Data, Floats
from goalkeeper.core.fit import Expectation
from goalkeeper.fit import contradiction_of, measure_fit
from tests.fit.apps import SIZES, application, rows

TOTAL = sum(SIZES.values())


def right(x: Floats) -> Any:
    return (x[:, 1] > x[:, 0]).astype(np.int64)


def causes(function: Callable[[Floats], Any], **more: Any) -> list[str]:
    return [cause.cause for cause in measure_fit(application(function, **more)).causes]


def test_a_good_model_fits_and_its_figures_are_given() -> None:
    found = measure_fit(application(right))
    assert found.fit == "fit"
    assert (found.train.value, found.train.n) == (1, 300)
    assert (found.holdout.value, found.holdout.n) == (1, 210)  # holdout and calibration
    assert found.reference is not None
    assert found.reference > 0.9
    assert 0.4 < found.majority < 0.6
    assert np.trace(found.confusion) == np.sum(found.confusion) == 210
    assert [(r.name, r.accuracy and r.accuracy.value) for r in found.recall] == [
        ("c0", 1), ("c1", 1)]  # fmt: skip
    assert len(found.examples) == 3
    assert not found.reasons
    assert len(found.causes) == 0
    assert contradiction_of(found) is None


def test_swapped_classes_are_a_contradiction_that_names_the_order() -> None:
    found = measure_fit(application(lambda x: 1 - right(x)))
    assert found.fit == "contradiction"
    error = contradiction_of(found, where="app.yaml")
    assert error is not None
    assert "c0 stands for c1" in str(error)
    assert "classes: [c1, c0]" in error.advice
    assert error.where == "app.yaml"


@pytest.mark.parametrize("order", [[1, 2, 0], [2, 1, 0]])
def test_three_classes_in_another_order(order: list[int]) -> None:
    """The remedy lists the classes so that the answer i is that at place i."""
    said = lambda x: np.asarray(order)[x[:, :3].argmax(axis=1)]  # noqa: E731
    found = measure_fit(application(said, classes=3))
    assert found.fit == "contradiction"
    listed = ", ".join(f"c{order.index(i)}" for i in range(3))
    assert f"classes: [{listed}]" in found.causes[0].remedy


def test_constant_answers_are_in_doubt_and_recall_0_is_said() -> None:
    found = measure_fit(application(lambda x: np.zeros(len(x))))
    assert found.fit == "doubt"
    assert "all 210 unseen records get the answer c0" in found.reasons
    assert any("recall 0" in note and "c1" in note for note in found.notes)


def test_a_memoriser_of_noise_is_in_doubt() -> None:
    x, _ = rows(1, TOTAL)
    y = np.random.default_rng(2).integers(0, 2, size=TOTAL)
    known = {row.tobytes(): int(c) for row, c in zip(x[:300], y[:300], strict=True)}
    found = measure_fit(
        application(lambda z: np.array([known.get(r.tobytes(), 0) for r in z]), x=x, y=y)
    )
    assert found.train.value == 1
    assert found.fit == "doubt"


def test_a_model_far_below_the_reference_is_in_doubt() -> None:
    half = lambda x: np.where(np.abs(x[:, 2]) < 0.5, 0, right(x))  # noqa: E731
    found = measure_fit(application(half))
    assert found.fit == "doubt"
    assert any("far below" in reason for reason in found.reasons)


def test_a_weak_model_where_nothing_better_is_known_fits() -> None:
    """The classes follow from a product, which no linear model knows."""
    x, _ = rows(1, TOTAL)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    weak = lambda z: np.where(z[:, 2] < 0.3, z[:, 0] * z[:, 1] > 0, z[:, 3] > 0)  # noqa: E731
    assert measure_fit(application(weak, x=x, y=y)).fit == "fit"


def test_few_records_are_enough_for_a_good_model_and_accuse_nobody() -> None:
    sizes = {"train": 24, "holdout": 15, "calibration": 6, "similar": 15}
    assert measure_fit(application(right, sizes=sizes)).fit == "fit"
    assert measure_fit(application(lambda x: x[:, 2] > 0, sizes=sizes)).fit == "doubt"


def test_many_classes() -> None:
    sizes = {"train": 1500, "holdout": 600, "calibration": 100, "similar": 10}
    best = lambda x: x[:, :30].argmax(axis=1)  # noqa: E731
    assert measure_fit(application(best, classes=30, sizes=sizes)).fit == "fit"


# ---- likely causes -------------------------------------------------------------------------------


def test_a_sigmoid_that_is_read_as_a_logit() -> None:
    """Scores are those of the logits -p/2 and p/2, so that every answer is c1."""

    def scores(x: Floats) -> Floats:
        p = 1 / (1 + np.exp(4 * (x[:, 0] - x[:, 1])))
        high = 1 / (1 + np.exp(-p))
        return np.stack([1 - high, high], axis=1)

    found = measure_fit(application(scores, scored=True))
    assert found.fit == "doubt"
    assert "probabilities, which are read as logits" in found.causes[0].cause
    assert found.causes[0].accuracy == 1


def test_a_scaler_that_was_left_out() -> None:
    x, y = rows(1, TOTAL)
    units = np.array([1000.0, 1.0, 30.0, 1.0])
    wants = lambda z: (z[:, 1] > z[:, 0]).astype(np.int64)  # noqa: E731
    found = causes(wants, x=x * units + 5000 * (units > 100), y=y)
    assert any("its scaler was left out" in cause for cause in found)


def test_columns_that_the_model_wants_sorted_by_name() -> None:
    found = causes(lambda x: (x[:, ::-1][:, 1] > x[:, ::-1][:, 0]).astype(np.int64))
    assert any("sorted by name" in cause for cause in found)


def test_a_model_that_refuses_changed_inputs_has_no_cause() -> None:
    from goalkeeper.core.errors import TargetError

    def strict(x: Floats) -> Any:
        if np.abs(x).max() > 9 or len(x) < 200:
            raise TargetError("refused")
        return np.zeros(len(x))

    assert causes(strict) == []


# ---- what the user expects -----------------------------------------------------------------------


@pytest.mark.parametrize(("accuracy", "fit"), [(0.99, "fit"), (0.9, "contradiction")])
def test_an_expected_accuracy_confirms_or_contradicts(accuracy: float, fit: str) -> None:
    app = replace(application(right), expects=Expectation(accuracy=accuracy))
    found = measure_fit(app)
    assert (found.fit, found.confirmed) == (fit, fit == "fit")


def test_what_is_expected_settles_a_doubt_but_not_that_of_constant_answers() -> None:
    noise = application(lambda x: (x[:, 2] > 0).astype(np.int64))
    zeros = application(lambda x: np.zeros(len(x)))
    assert measure_fit(noise).fit == measure_fit(zeros).fit == "doubt"
    expects = Expectation(accuracy=0.5)
    settled = measure_fit(replace(noise, expects=expects))
    assert settled.fit == "fit"
    assert any("confirmed by you" in note for note in settled.notes)
    assert measure_fit(replace(zeros, expects=expects)).fit == "doubt"


def test_known_answers_confirm_or_name_the_first_that_differs() -> None:
    x, _ = rows(9, 50)
    known = Data(x=x, y=right(x))
    app = application(right)
    agreed = measure_fit(replace(app, expects=Expectation(known=known, source="known.csv")))
    assert (agreed.fit, agreed.confirmed) == ("fit", True)
    shifted = Data(x=x, y=np.roll(known.y, 1))  # answers of other records
    error = contradiction_of(
        measure_fit(replace(app, expects=Expectation(known=shifted, source="known.csv")))
    )
    assert error is not None
    assert error.key == "model.expects"
    first = int(np.flatnonzero(shifted.y != known.y)[0])
    assert f"first record {first + 1} " in str(error)
