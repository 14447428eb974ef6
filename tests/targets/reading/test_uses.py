"""What attacks and games make of weights behind a design."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from goalkeeper.attacks.bit_flips._copies import LinearModelCopy
from goalkeeper.attacks.extraction.artefact_copy import rebuild_model
from goalkeeper.attacks.inversion.class_average_linear import measure_slopes
from goalkeeper.core.data import Data
from goalkeeper.core.power import View
from goalkeeper.core.readonly import private_copy
from goalkeeper.core.stored_numbers import read_numbers, rewrite_numbers
from goalkeeper.games.bit_flips.bits import Flip, flip_bits
from goalkeeper.games.extraction.substitutes import measure_parameter_error
from goalkeeper.games.indicator_columns.influence import measure_influence
from goalkeeper.targets import SklearnTarget
from tests.attacks.bit_flips.test_bit_flips import access_to
from tests.attacks.evasion.test_encoded_columns import application
from tests.targets.reading.people import CLASSES, PEOPLE, draw, people
from tests.targets.reading.test_agreement import ONE_HOT, agree, columns

ROWS = draw(200, seed=11, unseen=True)


def target() -> SklearnTarget:
    return agree(make_pipeline(columns(), LogisticRegression()))


def test_a_copy_from_the_parameters_answers_as_the_model() -> None:
    app = application("scaled")
    copy: Any = rebuild_model(private_copy(app.target.parameters()), text=False)
    labels = app.target.answer(ROWS, View.LABELS).labels
    np.testing.assert_array_equal(copy.predict(ROWS), labels)
    assert measure_parameter_error(app, copy) == (0.0, 2 * (copy.weights.size + 1))  # a row a class
    wrong = rebuild_model({**copy.parameters, "bias": copy.bias + 1}, text=False)
    error = measure_parameter_error(app, wrong)
    assert error is not None
    assert error[0] > 0


def test_weights_of_features_and_of_columns_are_not_compared() -> None:
    app = application("scaled")
    known = dict(app.target.parameters())
    del known["design"]
    assert measure_parameter_error(app, rebuild_model(known, text=False)) is None


def test_every_stored_number_can_be_flipped_and_the_copy_knows_what_it_does() -> None:
    app = application("scaled")
    found = read_numbers(app.target)
    assert {name for name in found if name.startswith("logistic")} == {
        "logisticregression.coef_",
        "logisticregression.intercept_",
    }
    y = app.target.answer(ROWS, View.LABELS).labels
    copy = LinearModelCopy(found, access_to(app), Data(x=ROWS, y=y))
    for name, values in found.items():
        for index in {0, values.size - 1}:
            flipped = flip_bits(found, [Flip(name, index, 63)])
            changed = rewrite_numbers(app.target, {name: flipped[name]})
            logits = changed.answer(ROWS, View.LOGITS).logits
            guessed = copy.logits(name, index, flipped[name].reshape(-1)[index])
            np.testing.assert_allclose(guessed, logits, atol=1e-9)


def test_the_influence_of_a_column_is_what_it_adds() -> None:
    model = target()
    measured, how = measure_influence(model, Data(x=ROWS, y=np.zeros(len(ROWS), dtype=np.int64)))
    assert how == "the spread of what it adds"
    base, expected = ROWS[0], np.zeros(5)
    for j in range(5):
        rows = np.repeat(base[None], len(ROWS), axis=0)
        rows[:, j] = ROWS[:, j]
        logits = model.answer(rows, View.LOGITS).logits
        expected[j] = (logits[:, 1] - logits[:, 0]).std() / 2
    np.testing.assert_allclose(measured, expected, atol=1e-9)
    assert measured[4] == 0  # rooms reach no weight


def test_as_many_features_as_columns_are_not_taken_for_columns() -> None:
    """Two columns of three and two words: five features, as there are columns."""
    words = ColumnTransformer([("w", ONE_HOT, ["grade"]), ("n", "passthrough", ["age", "rooms"])])
    x, y = people(gaps=False)
    model = SklearnTarget(
        make_pipeline(words, LogisticRegression(max_iter=5000)).fit(x, y), CLASSES[:2], PEOPLE
    )
    assert model.parameters()["weights"].shape == (1, 5)
    rows = Data(x=draw(100, gaps=False), y=np.zeros(100, dtype=np.int64))
    measured, _ = measure_influence(model, rows)
    assert measured[1] == measured[2] == 0


def test_the_slope_of_a_number_is_its_weight() -> None:
    known = target().parameters()
    slopes = measure_slopes(PEOPLE, known["design"], known["weights"])
    assert slopes.shape == (1, 5)
    np.testing.assert_allclose(slopes[0, [0, 2]], known["weights"][0, -2:], rtol=1e-9)
    assert slopes[0, 4] == 0
    assert slopes[0, 3] != 0
