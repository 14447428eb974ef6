"""Weights and design reproduce the model's own decisions, for each step and each final model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectKBest, VarianceThreshold, f_classif
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import (
    LogisticRegression,
    Perceptron,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import LinearSVC

from goalkeeper.core.power import View
from goalkeeper.targets import SklearnTarget
from tests.targets.reading.people import CLASSES, NUMBERS, PEOPLE, WORDS, draw, people

pytestmark = pytest.mark.filterwarnings(
    "ignore:Found unknown categories", "ignore:Bins whose width", "ignore:Feature"
)
ONE_HOT = OneHotEncoder(handle_unknown="ignore")
FILLED = make_pipeline(SimpleImputer(), StandardScaler())


def columns(words: Any = ONE_HOT, numbers: Any = FILLED, **given: Any) -> ColumnTransformer:
    return ColumnTransformer([("w", words, WORDS), ("n", numbers, NUMBERS)], **given)


def usual(final: Any, **given: Any) -> Any:
    return make_pipeline(columns(**given), final)


def onehot(**given: Any) -> OneHotEncoder:
    return OneHotEncoder(**{"handle_unknown": "ignore", **given})


def numbers(*steps: Any) -> Any:
    return make_pipeline(SimpleImputer(strategy="median"), *steps)


MASK = [False, True, False, True, False]
PREPROCESSING: dict[str, Any] = {
    "as documented": columns(),
    "remainder passes": columns(remainder="passthrough"),
    "remainder is scaled": columns(remainder=MinMaxScaler()),
    "frames inside": columns(ONE_HOT, FILLED, verbose_feature_names_out=False),
    "weighed": columns(transformer_weights={"w": 0.5, "n": 3.0}),
    "by index": ColumnTransformer([("w", ONE_HOT, [3, 1]), ("n", FILLED, [-3])]),
    "by slice": ColumnTransformer([("n", FILLED, slice(4, 5)), ("w", ONE_HOT, slice(0, 2))]),
    "by slice of names": ColumnTransformer([("w", ONE_HOT, slice("work", "work"))]),
    "by mask": ColumnTransformer([("w", ONE_HOT, MASK), ("drop", "drop", ["gain"])]),
    "by type": ColumnTransformer(
        [
            ("n", FILLED, make_column_selector(dtype_include="number")),
            ("w", ONE_HOT, make_column_selector(dtype_exclude="number")),
        ]
    ),
    "by function": ColumnTransformer([("w", ONE_HOT, lambda x: list(x.columns[:2]))]),
    "drop first": columns(onehot(drop="first")),
    "drop if binary": columns(onehot(drop="if_binary", sparse_output=False)),
    "rare words together": columns(onehot(handle_unknown="infrequent_if_exist", min_frequency=0.1)),
    "at most two words": columns(onehot(handle_unknown="infrequent_if_exist", max_categories=2)),
    "rare and first dropped": columns(
        onehot(handle_unknown="infrequent_if_exist", min_frequency=0.1, drop="first")
    ),
    "unknown words raise": columns(OneHotEncoder()),
    "words filled in": columns(
        make_pipeline(SimpleImputer(strategy="most_frequent"), onehot(sparse_output=False))
    ),
    "words filled with a word": columns(
        make_pipeline(SimpleImputer(strategy="constant", fill_value="none"), ONE_HOT)
    ),
    "codes": columns(
        OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
        )
    ),
    "codes raise": columns(OrdinalEncoder(encoded_missing_value=-2)),
    "target means": columns(TargetEncoder()),
    "scaled codes": make_pipeline(columns(onehot(sparse_output=False)), StandardScaler()),
    "sparse and scaled": make_pipeline(
        columns(sparse_threshold=1.0), StandardScaler(with_mean=False), MaxAbsScaler()
    ),
    "gaps marked": columns(
        numbers=make_pipeline(SimpleImputer(add_indicator=True), MinMaxScaler())
    ),
    "scaled, then filled": columns(numbers=make_pipeline(RobustScaler(), SimpleImputer())),
    "filled with a constant": columns(numbers=SimpleImputer(strategy="constant", fill_value=-7)),
    "gaps only": ColumnTransformer(
        [("g", MissingIndicator(), ["gain", "work"]), ("w", ONE_HOT, WORDS)]
    ),
    "logarithms": columns(numbers=numbers(FunctionTransformer(np.log1p), StandardScaler())),
    "two curves": columns(
        numbers=numbers(
            MinMaxScaler(),
            FunctionTransformer(np.sqrt),
            RobustScaler(),
            FunctionTransformer(np.tanh),
        )
    ),
    "bins": columns(
        numbers=numbers(KBinsDiscretizer(4, encode="onehot-dense", strategy="uniform"))
    ),
    "numbered bins": columns(
        numbers=numbers(KBinsDiscretizer(3, encode="ordinal", strategy="uniform"), StandardScaler())
    ),
    "bins, then one-hot": columns(
        numbers=numbers(KBinsDiscretizer(3, encode="ordinal", strategy="uniform"), ONE_HOT)
    ),
    "bins of scaled numbers": columns(
        numbers=numbers(StandardScaler(), KBinsDiscretizer(3, encode="onehot", strategy="uniform"))
    ),
    "above a threshold": columns(numbers=numbers(Binarizer(threshold=30.0))),
    "numbers one-hot": ColumnTransformer([("r", onehot(drop="first"), ["rooms", "grade"])]),
    "numbers as codes": ColumnTransformer([("r", OrdinalEncoder(), ["rooms", "grade"])]),
    "selected": make_pipeline(columns(), SelectKBest(f_classif, k=4)),
    "varying": make_pipeline(columns(), VarianceThreshold(0.1)),
    "components": make_pipeline(columns(onehot(sparse_output=False)), PCA(4, random_state=0)),
    "white components": make_pipeline(
        columns(onehot(sparse_output=False)), PCA(3, whiten=True, random_state=0), StandardScaler()
    ),
    "sparse components": make_pipeline(
        columns(sparse_threshold=1.0), TruncatedSVD(4, random_state=0)
    ),
    "components of some": ColumnTransformer(
        [("w", ONE_HOT, WORDS), ("n", make_pipeline(SimpleImputer(), PCA(2)), NUMBERS)]
    ),
    "a union": columns(
        numbers=make_pipeline(
            SimpleImputer(),
            FeatureUnion(
                [("s", StandardScaler()), ("p", "passthrough"), ("m", MinMaxScaler())],
                transformer_weights={"m": 2.0},
            ),
        )
    ),
    "nested": make_pipeline(
        ColumnTransformer([("inner", columns(), [*WORDS, *NUMBERS])], remainder="drop"),
        "passthrough",
    ),
    "frames between": make_pipeline(
        columns(onehot(sparse_output=False)).set_output(transform="pandas"), StandardScaler()
    ),
}  # fmt: skip
FINALS: dict[str, Any] = {
    "logistic": LogisticRegression(max_iter=2000),
    "ridge": RidgeClassifier(),
    "sgd": SGDClassifier(random_state=0),
    "svm": LinearSVC(max_iter=20_000),
    "perceptron": Perceptron(),
    "lda": LinearDiscriminantAnalysis(),
}  # fmt: skip


def expected(target: SklearnTarget, rows: Any) -> Any:
    """Ask the model itself for its decisions, in the order of the application's classes."""
    logits = target.answer(rows, View.LOGITS).logits
    return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits


def read(target: SklearnTarget, rows: Any) -> Any:
    """Compute decisions from nothing but the parameters."""
    known = target.parameters()
    features = known["design"].expand(rows) if "design" in known else rows
    values = features @ known["weights"].T + known["bias"]
    return values[:, 0] if values.shape[1] == 1 else values


def agree(model: Any, classes: int = 2, *, unseen: bool = True, gaps: bool = True) -> SklearnTarget:
    x, y = people(classes, gaps=gaps)
    target = SklearnTarget(model.fit(x, y), CLASSES[:classes], PEOPLE)
    assert target.offers is View.GRADIENTS
    rows = draw(300, seed=1, unseen=unseen, gaps=gaps)
    own, ours = expected(target, rows), read(target, rows)
    if classes > 2:
        own, ours = (v - v.mean(axis=1, keepdims=True) for v in (own, ours))
    np.testing.assert_allclose(ours, own, rtol=0, atol=1e-9)
    return target


TAKES_ALL = {"unknown words raise", "codes raise", "numbers as codes"}


@pytest.mark.parametrize("name", PREPROCESSING)
def test_every_preprocessing_is_read(name: str) -> None:
    agree(
        make_pipeline(PREPROCESSING[name], LogisticRegression(max_iter=2000)),
        unseen=name not in TAKES_ALL,
    )


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("final", FINALS)
@pytest.mark.filterwarnings("ignore:.*deprecated")
def test_every_linear_model_is_read(final: str, classes: int) -> None:
    agree(usual(FINALS[final], words=onehot(drop="first")), classes)


@pytest.mark.parametrize("classes", [2, 3])
def test_bayes_is_read_behind_words(classes: int) -> None:
    words = ColumnTransformer([("w", ONE_HOT, WORDS)])
    for final in (MultinomialNB(), BernoulliNB()):
        agree(make_pipeline(words, final), classes)
    agree(usual(ComplementNB(), numbers=numbers(MinMaxScaler())), classes)
