"""Columns that are treated differently are fitted inside every subset, as scikit-learn does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)

from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.data import Data
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.power import View
from goalkeeper.targets.inputs import prepared
from goalkeeper.training import SklearnTrainer, fit_strategy
from tests.training.pairs import pairwise
from tests.training.samples import rows, subsets, table

PEOPLE = TableDomain(
    columns=(
        Column(name="age", kind="integer"),
        Column(name="work", kind="category", categories=("state", "private", "none", "rare")),
        Column(name="gain"),
        Column(name="land", kind="category", categories=tuple(f"l{i}" for i in range(12))),
    ),
    named=True,
)
CODES = OneHotEncoder(handle_unknown="ignore")
CATEGORIES = make_column_selector(dtype_include="category")
TREATMENTS: dict[str, Any] = {
    "codes_and_scaler": ColumnTransformer([("c", CODES, CATEGORIES)], remainder=StandardScaler()),
    "by_name": ColumnTransformer(
        [("n", MinMaxScaler((-1, 3)), ["gain"]), ("c", CODES, ["land", "work"])]
    ),
    "by_number": ColumnTransformer(
        [("c", CODES, [3]), ("drop", "drop", [1]), ("m", MaxAbsScaler(), [2])],
        remainder="passthrough",
    ),
    "only_codes": OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    "spread_only": ColumnTransformer(
        [("c", CODES, CATEGORIES)], remainder=StandardScaler(with_mean=False)
    ),
}


def people(n: int = 200, classes: int = 2, seed: int = 0) -> Data:
    """Categories of which some are so rare that most subsets have never seen them."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    land = np.minimum(rng.geometric(0.35, n) - 1, 11)
    work = np.where(np.arange(n) < 2, 3, rng.integers(0, 3, n))
    gain = np.exp(rng.normal(size=n) * 2) * (rng.random(n) < 0.4)
    x = np.stack([rng.integers(17, 90, n) + 5 * y, work, gain, land], axis=1)
    return Data(x=x.astype(np.float64), y=y.astype(np.int64))


def compare(treatment: Any, data: Data, new: Any, domain: TableDomain, **params: Any) -> None:
    masks = subsets(data)
    classes = [f"k{c}" for c in range(int(data.y.max()) + 1)]
    trainer = SklearnTrainer(
        make_pipeline(treatment, LogisticRegression(**params)), classes, domain
    )
    assert fit_strategy(trainer).reason.startswith("together")
    ensemble = trainer.fit_many(data, masks, range(len(masks)))
    tight = LogisticRegression(solver="newton-cg", tol=1e-10, max_iter=10_000, **params)
    loop = [
        clone(make_pipeline(treatment, tight)).fit(prepared(data.x[m], domain), data.y[m])
        for m in masks
    ]
    for x in (data.x, new):
        expected = [model.predict_proba(prepared(x, domain)) for model in loop]
        np.testing.assert_allclose(ensemble.scores(x), expected, atol=1e-6, rtol=0)
    for i in (0, len(masks) - 1):
        answer = ensemble.target(i).answer(new, View.LOGITS)
        np.testing.assert_allclose(answer.scores, ensemble.scores(new)[i], atol=1e-9)


@pytest.mark.parametrize(
    ("treatment", "intercept", "classes"),
    pairwise([t for t in TREATMENTS if t != "by_number"], [True, False], [2, 3]),
)
def test_named_columns_equal_the_loop(treatment: str, intercept: bool, classes: int) -> None:  # noqa: FBT001
    data, new = people(classes=classes), people(60, classes, seed=3).x
    compare(TREATMENTS[treatment], data, new, PEOPLE, fit_intercept=intercept)


def test_a_weak_penalty_and_balanced_classes_equal_the_loop() -> None:
    data, new = people(), people(60, seed=3).x
    compare(TREATMENTS["codes_and_scaler"], data, new, PEOPLE, C=50.0, class_weight="balanced")


@pytest.mark.parametrize("treatment", ["by_number", "only_codes"])
def test_bare_columns_equal_the_loop(treatment: str) -> None:
    data, new = people(), people(60, seed=3).x
    compare(TREATMENTS[treatment], data, new, table(4), C=0.1)


@pytest.mark.parametrize("scaler", [MinMaxScaler(), MaxAbsScaler(), MinMaxScaler((2, 3))])
def test_other_scalers_equal_the_loop(scaler: Any) -> None:
    data, new = rows(), rows(50, seed=3).x
    compare(scaler, data, new, table(6))


def test_float32_is_near() -> None:
    data, pipeline = people(), make_pipeline(TREATMENTS["codes_and_scaler"], LogisticRegression())
    masks = subsets(data)
    full, fast = (
        SklearnTrainer(pipeline, ("a", "b"), PEOPLE, compute=ComputeSettings(precision=precision))
        .fit_many(data, masks, range(len(masks)))
        .scores(data.x)
        for precision in ("full", "fast")
    )
    assert fast.dtype == np.float32
    np.testing.assert_allclose(fast, full, atol=1e-4)


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([RobustScaler()], "rows go through a RobustScaler"),
        ([MinMaxScaler(clip=True)], "MinMaxScaler with clip=True"),
        ([OneHotEncoder()], "OneHotEncoder with handle_unknown='error'"),
        ([StandardScaler(), MaxAbsScaler()], "StandardScaler > MaxAbsScaler, not just one step"),
        ([ColumnTransformer([("c", CODES, slice(0, 2))])], "no list or selector"),
        (
            [ColumnTransformer([("f", FunctionTransformer(np.log1p), [0])])],
            "rows go through a FunctionTransformer",
        ),
    ],
)
def test_what_cannot_be_shared_is_named(steps: list[Any], reason: str) -> None:
    trainer = SklearnTrainer(make_pipeline(*steps, LogisticRegression()), ("a", "b"), table(4))
    assert reason in fit_strategy(trainer).reason


def test_other_models_behind_columns_go_one_by_one() -> None:
    pipeline = make_pipeline(TREATMENTS["codes_and_scaler"], GaussianNB())
    trainer = SklearnTrainer(pipeline, ("a", "b"), PEOPLE)
    assert "GaussianNB behind a ColumnTransformer has no fast path" in fit_strategy(trainer).reason


# ---- missing values -----------------------------------------------------------------------------

GAPPY = replace(PEOPLE, columns=tuple(replace(c, missing=c.name != "age") for c in PEOPLE.columns))
WORDS, NUMBERS = ["work", "land"], ["age", "gain"]


def filled(words: str = "most_frequent", numbers: Any = "median", scaler: Any = None) -> Any:
    """Fill in, then encode or scale."""
    steps = [SimpleImputer(strategy=numbers), *([scaler] if scaler is not None else [])]
    return ColumnTransformer(
        [
            ("w", make_pipeline(SimpleImputer(strategy=words, fill_value="none"), CODES), WORDS),
            ("n", make_pipeline(*steps), NUMBERS),
        ]
    )


FILLED: dict[str, Any] = {
    "median": filled(scaler=StandardScaler()),
    "mean": filled(numbers="mean", scaler=StandardScaler(with_mean=False)),
    "most_frequent": filled(numbers="most_frequent", scaler=StandardScaler()),
    "unscaled": filled(numbers="median", scaler=None),
    "constants": filled("constant", "constant", MinMaxScaler()),
    "native": ColumnTransformer(
        [("w", CODES, WORDS), ("n", make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS)]
    ),
}


def gappy(n: int = 200, classes: int = 2, seed: int = 0) -> Data:
    """Missing words and numbers, more of them in class 0; one column nearly always."""
    data = people(n, classes, seed)
    rng, x = np.random.default_rng(seed + 100), data.x.copy()  # not that of the subsets
    x[rng.random(n) < np.where(data.y == 0, 0.4, 0.1), 1] = np.nan
    x[rng.random(n) < np.where(data.y == 0, 0.5, 0.1), 2] = np.nan
    x[rng.random(n) < 0.6, 3] = np.nan
    x[:, 2] = np.clip(x[:, 2], None, 20)
    return Data(x=x, y=data.y)


@pytest.mark.parametrize(("name", "classes"), pairwise(FILLED, [2, 3]))
def test_missing_values_that_each_subset_fills_in_equal_the_loop(name: str, classes: int) -> None:
    data, new = gappy(classes=classes), gappy(60, classes, seed=3).x
    compare(FILLED[name], data, new, GAPPY)


@pytest.mark.parametrize("words", ["object", "str[python]"])
def test_words_and_gaps_as_pandas_reads_them_equal_the_loop(words: str) -> None:
    types = {"age": "int64", "gain": "float64"}
    own = tuple(replace(c, dtype=types.get(c.name, words)) for c in GAPPY.columns)
    compare(FILLED["median"], gappy(), gappy(60, seed=3).x, replace(GAPPY, columns=own))


@pytest.mark.parametrize("name", ["median", "unscaled"])
def test_without_a_bias_missing_values_equal_the_loop(name: str) -> None:
    compare(FILLED[name], gappy(), gappy(60, seed=3).x, GAPPY, fit_intercept=False)


def test_tables_of_numbers_alone_are_filled_in_and_scaled() -> None:
    data, new = rows(), rows(50, seed=3)
    domain = table(6)
    domain = replace(domain, columns=tuple(replace(c, missing=True) for c in domain.columns))
    x, other = (
        np.where(np.random.default_rng(1).random(v.shape) < 0.2, np.nan, v) for v in (data.x, new.x)
    )
    compare(make_pipeline(SimpleImputer(), StandardScaler()), Data(x=x, y=data.y), other, domain)


def test_imputers_do_nothing_where_nothing_is_missing() -> None:
    fill = filled(numbers="mean", scaler=MinMaxScaler())
    compare(fill, people(), people(60, seed=3).x, PEOPLE)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (filled(scaler=MinMaxScaler()), "filled in by median before a MinMaxScaler"),
        (
            ColumnTransformer([("n", SimpleImputer(add_indicator=True), NUMBERS)]),
            "other parameters than a strategy",
        ),
        (CODES, "the table has missing values, and no SimpleImputer"),
    ],
)
def test_what_fills_in_otherwise_is_named(columns: Any, reason: str) -> None:
    trainer = SklearnTrainer(make_pipeline(columns, LogisticRegression()), ("a", "b"), GAPPY)
    assert reason in fit_strategy(trainer).reason
