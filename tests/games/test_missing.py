"""Missing values are part of what a table may hold: no game or trainer breaks on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from goalkeeper.attacks.extraction._learning import AnsweredInputs, learn_substitute
from goalkeeper.core.data import Data
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.numbers import spread
from goalkeeper.core.power import View
from goalkeeper.describe.labelling import honest
from goalkeeper.games.attribute.columns import NO_VALUE, Attribute
from goalkeeper.games.attribute.imputer import Imputer
from goalkeeper.games.evasion import EntryConstraint
from goalkeeper.training import SklearnTrainer, fit_strategy, lookalike
from goalkeeper.training.own_models import OwnModels

DOMAIN = TableDomain(
    columns=(
        Column(name="a", low=-4, high=4, missing=True),
        Column(name="n", kind="integer", low=0, high=9, missing=True),
        Column(name="w", kind="category", categories=("x", "y"), missing=True),
        Column(name="day", kind="date", low=0, high=1e9),
    )
)
NAN = float("nan")


def table(n: int = 300) -> Data:
    """Draw rows of which each column but the last lacks a tenth of its values."""
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(size=n).clip(-4, 4), rng.integers(0, 10, n),
                         rng.integers(0, 2, n), rng.uniform(0, 1e9, n)])  # fmt: skip
    y = (x[:, 0] > 0).astype(np.int64)
    x[:, :3][rng.random((n, 3)) < 0.1] = NAN
    return Data(x=x, y=y)


def test_a_row_may_lack_what_its_columns_may_lack() -> None:
    rows = np.array([[NAN, NAN, NAN, 0], [0, 0, 0, NAN], [9, 0, 0, 0], [NAN, 0.5, 0, 0]])
    assert DOMAIN.valid(rows).tolist() == [True, False, False, False]
    assert np.isnan(DOMAIN.project(rows)[0, :3]).all()
    assert np.isfinite(DOMAIN.filled(rows[:1])).all()
    assert DOMAIN.gaps(rows)[0].tolist() == [1, 1, 1]


def test_changes_leave_missing_numbers_alone_and_may_leave_a_word_out() -> None:
    constraint = EntryConstraint(domain=DOMAIN, step=np.ones(4), entries=1)
    row = np.array([NAN, 3.0, 0.0, 5.0])
    changed = constraint.list_changes(row).apply(row)
    assert np.isnan(changed[:, 0]).all()
    assert np.isnan(changed[:, 2]).any()
    before = np.repeat(row[None], len(changed), axis=0)
    assert constraint.allows(before, changed).all()
    assert constraint.size(before, changed).tolist() == [1.0] * len(changed)
    filled = np.array([[0.0, 3.0, 0.0, 5.0], [NAN, NAN, 0.0, 5.0]])
    assert not constraint.allows(before[:2], filled).any()


def test_the_spread_is_that_of_the_values_that_are_there() -> None:
    rows = np.array([[1.0, NAN], [3.0, NAN], [NAN, NAN]])
    assert spread(rows).tolist() == [1.0, 0.0]
    full = np.random.default_rng(0).normal(size=(50, 3))
    assert (spread(full) == full.std(axis=0)).all()


@pytest.mark.parametrize("final", [LogisticRegression(), GaussianNB(),
                                   HistGradientBoostingClassifier(max_iter=5)])  # fmt: skip
def test_generic_recipes_fill_the_gaps_in(final: object) -> None:
    plain = replace(DOMAIN, columns=tuple(replace(c, low=0) for c in DOMAIN.columns))
    data = table()
    positive = Data(x=np.abs(data.x), y=data.y)
    trainer = SklearnTrainer(final, ("no", "yes"), plain)
    assert fit_strategy(trainer).kind == "one_by_one"
    target = lookalike(trainer).fit(positive, 0)
    assert np.isfinite(target.answer(positive.x, View.SCORES).scores).all()


@pytest.mark.parametrize("place", [0, 2])
def test_a_missing_value_is_one_more_value_to_infer(place: int) -> None:
    from goalkeeper.games.attribute import columns

    attribute: Attribute = columns._describe_column(place, DOMAIN.columns[place], table())
    assert attribute.values[-1] == NO_VALUE
    codes = attribute.encode(table().x)
    assert (codes >= 0).all()
    assert (codes == len(attribute.values) - 1).sum() == np.isnan(table().x[:, place]).sum()
    chances = Imputer(table(), attribute, DOMAIN, 2).log_chances(
        Data(x=attribute.hide(table().x), y=table().y)
    )
    assert np.isfinite(chances).all()


def test_the_honest_labeller_takes_rows_with_gaps() -> None:
    data = table()
    labels = honest(data, DOMAIN, 2, None)(data.x, data)
    assert ((labels == 0) | (labels == 1)).all()


def test_substitutes_learn_from_rows_with_gaps() -> None:
    data = table()
    copy = learn_substitute(
        AnsweredInputs(data.x, data.y, None), OwnModels(DOMAIN), np.random.default_rng(0)
    )
    assert (copy.predict(data.x) == data.y).mean() > 0.9
