"""Inversion is ruled out where own data answer everything, and only there."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Splits
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.standing import StandingKind
from goalkeeper.games.inversion import Inversion, questions
from goalkeeper.games.inversion.game import TASK
from goalkeeper.games.inversion.questions import (
    ClassDifferences,
    FeatureMatrix,
    find_separate_columns,
)
from goalkeeper.policy import default_policy
from goalkeeper.testing.worlds import inversion

KINDS = ("text", "table", "image")


@pytest.mark.parametrize("kind", KINDS)
def test_similar_data_of_the_same_origin_leave_nothing_to_find(kind: str) -> None:
    app = inversion.rigged(kind, np.random.default_rng(0))
    same = replace(app, data=replace(app.data, similar=app.data.holdout, holdout=app.data.similar))
    refused = Inversion().unfit(same, TASK)
    assert refused is not None
    assert refused.proven


@pytest.mark.parametrize("kind", KINDS)
def test_unrelated_data_leave_the_game_open(kind: str) -> None:
    app = inversion.rigged(kind, np.random.default_rng(1))
    rng, similar = np.random.default_rng(2), app.data.similar
    mixed = Data(x=similar.x, y=rng.permutation(similar.y))
    parts = {p: getattr(app.data, p) for p in ("train", "holdout", "calibration")}
    unrelated = replace(app, data=Splits(**parts, similar=mixed))
    assert Inversion().unfit(app, TASK) is None  # differs the other way round
    assert Inversion().unfit(unrelated, TASK) is None


@pytest.mark.parametrize(("columns", "reversed_"), [(40, 3), (200, 16), (200, 4)])
def test_what_a_model_can_add_to_similar_data_is_not_ruled_out(
    columns: int, reversed_: int
) -> None:
    """In few columns the similar data say the opposite: the gain of a model is all of these."""
    app = _mostly_similar(columns, reversed_)
    assert Inversion().unfit(app, TASK) is None
    assert Inversion().unfit(_mostly_similar(columns, 0), TASK) is not None


def _mostly_similar(columns: int, reversed_: int) -> Application:
    """Rows of two classes; similar ones differ the other way round in some of the columns."""
    rng = np.random.default_rng(columns)
    app = inversion.rigged("table", rng)

    def draw(n: int, turned: int) -> Data:
        y = rng.integers(0, 2, n)
        gap = np.where(np.arange(columns) < turned, -0.4, 0.4)
        return Data(x=rng.normal(size=(n, columns)) + np.outer(y, gap), y=y)

    parts = {part: draw(1000, 0) for part in ("train", "holdout", "calibration")}
    domain = TableDomain(columns=tuple(Column(name=f"c{j}") for j in range(columns)))
    data = Splits(**parts, similar=draw(500, reversed_))
    return replace(app, domain=domain, data=data, classes=("no", "yes"))


def test_classes_that_do_not_differ_have_nothing_to_reconstruct() -> None:
    app = inversion.rigged("table", np.random.default_rng(3))
    rng = np.random.default_rng(4)
    parts = {p: Data(x=getattr(app.data, p).x, y=rng.permutation(getattr(app.data, p).y))
             for p in ("train", "holdout", "calibration", "similar")}  # fmt: skip
    refused = Inversion().unfit(replace(app, data=Splits(**parts)), TASK)
    assert refused is not None
    assert refused.proven


def test_whoever_has_the_training_data_decides_nothing() -> None:
    app = inversion.rigged("table", np.random.default_rng(0))
    who = default_policy().attackers
    kinds = [Inversion().standing(app, TASK, who[n]).kind for n in ("customer", "insider")]
    assert kinds == [StandingKind.DECIDES, StandingKind.NO_HARM]


def test_many_classes_do_not_take_the_square_of_them_in_memory() -> None:
    """All pairs of 300 classes in 100 columns are 70 MB, and several such arrays were made."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(300), 5)
    names = tuple(f"c{i}" for i in range(100))
    truth = FeatureMatrix(rng.normal(size=(len(y), 100)) + y[:, None] % 7, y, names)
    tracemalloc.start()
    try:
        differences = ClassDifferences.of(truth, 300)
        columns = find_separate_columns(truth, differences)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(columns)
    assert peak < 70e6


def test_parts_of_the_columns_show_the_same_as_all(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    y = np.repeat(np.arange(6), 20)
    x = rng.normal(size=(len(y), 9)) + rng.normal(size=(6, 9))[y]
    truth = FeatureMatrix(x, y, tuple(f"c{i}" for i in range(9)))
    differences = ClassDifferences.of(truth, 6)
    whole = find_separate_columns(truth, differences)
    monkeypatch.setattr(questions, "AT_A_TIME", 20)
    np.testing.assert_array_equal(find_separate_columns(truth, differences), whole)
    first, second = differences.list_pairs()
    strength = np.abs(differences.z(first, second, np.arange(9))).max(axis=0)
    assert whole[0] == strength.argmax()
