"""Which usual families are tried, and that classes and margins come from one preprocessing."""

from __future__ import annotations

import numpy as np
import pytest

from goalkeeper.attacks.extraction._learning import (
    MOST_SPLIT_COLUMNS,
    SPLIT_SHARE,
    AnsweredInputs,
    ScoreSubstitute,
    fit_kind,
    list_kinds,
)
from goalkeeper.core.data import Data
from goalkeeper.core.domain import Column, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.text import texts
from goalkeeper.training.families import MOST_BOOSTED, fit_family, list_families
from goalkeeper.training.own_models import OwnModels


@pytest.mark.parametrize(("side", "tried"), [(8, True), (22, True), (28, False)])
def test_boosting_is_tried_on_small_images_only(side: int, *, tried: bool) -> None:
    """On 784 pixels of ten classes it took most of an extraction."""
    domain = ImageDomain(shape=(1, side, side))
    models = OwnModels(domain)
    assert ("boosting" in list_families(domain, 1000)) is tried
    kinds = list_kinds(models, 1000, scored=True)
    assert ("boosting" in kinds) is tried
    assert ("boosting of scores" in kinds) is tried
    assert {"forest", "network of scores"} <= set(kinds)


def test_boosting_is_tried_on_tables_of_as_many_columns() -> None:
    """The limit counts columns, whatever the kind of input."""
    for width in (MOST_BOOSTED, MOST_BOOSTED + 1):
        columns = tuple(Column(name=f"c{i}", low=0.0, high=1.0) for i in range(width))
        tried = "boosting" in list_families(TableDomain(columns=columns), 1000)
        assert tried is (width <= MOST_BOOSTED)


@pytest.mark.parametrize("columns", [30, 784])
def test_splits_of_a_forest_of_scores_look_at_so_many_columns(columns: int) -> None:
    """At a third of 784 pixels the forest took longer than all other copies of an image model."""
    rng = np.random.default_rng(0)
    domain = TableDomain(
        columns=tuple(Column(name=f"c{i}", low=0.0, high=1.0) for i in range(columns))
    )
    answered = AnsweredInputs(
        rng.random((20, columns)), np.arange(20) % 3, rng.normal(size=(20, 3))
    )
    learnt = fit_kind("forest of scores", answered, OwnModels(domain), 0)
    assert isinstance(learnt, ScoreSubstitute)
    looked_at = learnt.model[-1].estimators_[0].max_features_
    assert looked_at == pytest.approx(min(SPLIT_SHARE * columns, MOST_SPLIT_COLUMNS), abs=1)


def test_classes_and_margins_come_from_one_look() -> None:
    """`judge` gives what `predict` and `margins` give."""
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(30)]
    x = texts([" ".join(rng.choice(words, 8)) for _ in range(90)])
    y = np.arange(90) % 3
    logs = rng.normal(size=(90, 3))
    own = fit_family("linear", Data(x=x, y=y), TextDomain(), 0)
    learnt = fit_kind("words of scores", AnsweredInputs(x, y, logs), OwnModels(TextDomain()), 0)
    assert isinstance(learnt, ScoreSubstitute)
    for copy in (own, learnt):
        classes, margins = copy.judge(x)
        np.testing.assert_array_equal(classes, copy.predict(x))
        np.testing.assert_array_equal(margins, copy.margins(x))
