"""Parameters reproduce the logits, through preprocessing, and can be written back."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC

from goalkeeper.core.domain import Column, TableDomain, TextDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View
from goalkeeper.targets import SklearnTarget

CLASSES = ("zeta", "alpha", "mid")
WORDS = [a + b for a in "bcdfg" for b in ("ala", "obo", "iri")]
TABLE = TableDomain(columns=tuple(Column(name=f"c{j}") for j in range(5)))
BITS = TableDomain(
    columns=tuple(Column(name=f"c{j}", kind="integer", low=0, high=1) for j in range(5))
)


def table_data(classes: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    y = np.arange(90) % classes
    x = np.abs(rng.normal(size=(90, 5)) + rng.normal(size=(classes, 5))[y]) * np.arange(1, 6)
    return x, np.array(CLASSES)[y]


def text_data(classes: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    y = np.arange(90) % classes
    chance = rng.dirichlet(np.ones(len(WORDS)) * 0.5, size=classes)
    x = np.empty(90, dtype=object)
    x[:] = [" ".join(rng.choice(WORDS, 8, p=chance[c])) for c in y]
    return x, np.array(CLASSES)[y]


def from_parameters(parameters: Any, features: Any) -> Any:
    """Logits up to a constant an input: a difference for two classes, else centred."""
    values = features @ parameters["weights"].T + parameters["bias"]
    return values[:, 0] if values.shape[1] == 1 else values - values.mean(axis=1, keepdims=True)


def centred(logits: Any) -> Any:
    if logits.shape[1] == 2:
        return logits[:, 1] - logits[:, 0]
    return logits - logits.mean(axis=1, keepdims=True)


def counted(x: Any, parameters: Any) -> Any:
    """Features of texts, built from nothing but what parameters() tells."""
    words = list(parameters["vocabulary"])
    tf = np.array([[str(t).split().count(w) for w in words] for t in x], dtype=float)
    tf = (tf > 0).astype(float) if parameters["binary"] else tf
    if "idf" not in parameters:
        return tf
    if parameters["sublinear_tf"]:
        tf = np.where(tf > 0, 1 + np.log(np.maximum(tf, 1)), 0)
    tf = tf * parameters["idf"]
    norm = np.linalg.norm(tf, axis=1, keepdims=True)
    return tf / np.where(norm > 0, norm, 1) if parameters["norm"] == "l2" else tf


TABLE_MODELS = [
    LogisticRegression(),
    LinearSVC(max_iter=20_000),
    RidgeClassifier(),
    SGDClassifier(random_state=0),
    LinearDiscriminantAnalysis(),
    MultinomialNB(),
    ComplementNB(),
    make_pipeline(StandardScaler(), LogisticRegression()),
    make_pipeline(MinMaxScaler((-1, 2)), StandardScaler(with_mean=False), LogisticRegression()),
    make_pipeline(RobustScaler(), LogisticRegression()),
    make_pipeline(MaxAbsScaler(), make_pipeline(StandardScaler(with_std=False), LinearSVC())),
]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("model", TABLE_MODELS, ids=repr)
def test_table_parameters_reproduce_the_logits(model: Any, classes: int) -> None:
    x, y = table_data(classes)
    target = SklearnTarget(model.fit(x, y), CLASSES[:classes], TABLE)
    assert target.offers is View.GRADIENTS
    parameters = target.parameters()
    k = 1 if classes == 2 else classes
    assert parameters["weights"].shape == (k, 5)
    assert parameters["bias"].shape == (k,)
    logits = target.answer(x, View.LOGITS).logits
    np.testing.assert_allclose(from_parameters(parameters, x), centred(logits), atol=1e-9)


TEXT_FRONTS = [
    [CountVectorizer()],
    [CountVectorizer(binary=True)],
    [TfidfVectorizer()],
    [TfidfVectorizer(sublinear_tf=True, use_idf=False)],
    [CountVectorizer(), TfidfTransformer(norm=None)],
    [TfidfVectorizer(), MaxAbsScaler()],
    [TfidfVectorizer(), VarianceThreshold(1e-3)],
    [TfidfVectorizer(), VarianceThreshold(1e-3), TruncatedSVD(4, random_state=0), StandardScaler()],
    [CountVectorizer(), StandardScaler(with_mean=False)],
]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    ("front", "final"),
    [
        (front, final)
        for front in TEXT_FRONTS
        for final in (LogisticRegression(), MultinomialNB())
        if type(final) is LogisticRegression or len(front) < 3  # counts are not negative
    ],
    ids=repr,
)
def test_text_parameters_reproduce_the_logits(front: Any, final: Any, classes: int) -> None:
    x, y = text_data(classes)
    target = SklearnTarget(make_pipeline(*front, final).fit(x, y), CLASSES[:classes], TextDomain())
    parameters = target.parameters()
    assert len(parameters["vocabulary"]) == parameters["weights"].shape[1]
    logits = target.answer(x, View.LOGITS).logits
    found = from_parameters(parameters, counted(x, parameters))
    np.testing.assert_allclose(found, centred(logits), atol=1e-9)


def test_bernoulli_is_linear_in_bits_only() -> None:
    x, y = table_data(3)
    bits = (x > 2).astype(float)
    model = BernoulliNB().fit(bits, y)
    target = SklearnTarget(model, CLASSES, BITS)
    logits = target.answer(bits, View.LOGITS).logits
    np.testing.assert_allclose(
        from_parameters(target.parameters(), bits), centred(logits), atol=1e-9
    )
    assert SklearnTarget(model, CLASSES, TABLE).offers is View.LOGITS
    words, labels = text_data(3)
    pipeline = make_pipeline(CountVectorizer(binary=True), BernoulliNB()).fit(words, labels)
    text = SklearnTarget(pipeline, CLASSES, TextDomain())
    found = from_parameters(text.parameters(), counted(words, text.parameters()))
    np.testing.assert_allclose(found, centred(text.answer(words, View.LOGITS).logits), atol=1e-9)
    counts = make_pipeline(CountVectorizer(), BernoulliNB()).fit(words, labels)
    with pytest.raises(NotOffered, match="only in inputs that are 0 or 1"):
        SklearnTarget(counts, CLASSES, TextDomain())._linear()


def test_a_linear_support_vector_machine_with_two_classes_can_be_read() -> None:
    x, y = table_data(2)
    target = SklearnTarget(SVC(kernel="linear").fit(x, y), CLASSES[:2], TABLE)
    logits = target.answer(x, View.LOGITS).logits
    np.testing.assert_allclose(from_parameters(target.parameters(), x), centred(logits), atol=1e-9)
    with pytest.raises(NotOffered, match="weights of SVC cannot be set"):
        target.with_parameters(target.parameters())


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (make_pipeline(Normalizer(), LogisticRegression()), "through Normalizer: it divides by"),
        (make_pipeline(MinMaxScaler(clip=True), LogisticRegression()), "through MinMaxScaler"),
        (SVC(), "SVC is not a linear model"),
    ],
)
def test_what_cannot_be_read_says_why(model: Any, reason: str) -> None:
    x, y = table_data(2)
    target = SklearnTarget(model.fit(x, y), CLASSES[:2], TABLE)
    assert target.offers is View.LOGITS
    with pytest.raises(NotOffered, match=reason):
        target._linear()
    assert "weights" not in (target.parameters() if isinstance(model, SVC) else {})


def test_hashed_words_cannot_be_read() -> None:
    x, y = text_data(2)
    model = make_pipeline(HashingVectorizer(n_features=32), LogisticRegression()).fit(x, y)
    with pytest.raises(NotOffered, match="through HashingVectorizer"):
        SklearnTarget(model, CLASSES[:2], TextDomain()).parameters()


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "model",
    [m for m in TABLE_MODELS if type(m) is not ComplementNB],
    ids=repr,
)
def test_parameters_can_be_written_back(model: Any, classes: int) -> None:
    x, y = table_data(classes)
    target = SklearnTarget(model.fit(x, y), CLASSES[:classes], TABLE)
    parameters = target.parameters()
    before = target.answer(x, View.LOGITS).logits
    same = target.with_parameters(parameters).answer(x, View.LOGITS).logits
    np.testing.assert_allclose(centred(same), centred(before), atol=1e-8)
    rng = np.random.default_rng(0)
    new = {k: rng.normal(size=parameters[k].shape) for k in ("weights", "bias")}
    other = target.with_parameters(new)
    np.testing.assert_allclose(
        centred(other.answer(x, View.LOGITS).logits), from_parameters(new, x), atol=1e-8
    )
    np.testing.assert_allclose(other.parameters()["weights"], new["weights"], atol=1e-9)
    np.testing.assert_array_equal(target.answer(x, View.LOGITS).logits, before)


def test_a_model_that_holds_a_lock_can_be_written() -> None:
    """Nothing of a model is copied but what is replaced: users keep locks and handles in theirs."""
    x, y = table_data(2)
    model = LogisticRegression().fit(x, y)
    model.lock = threading.Lock()
    target = SklearnTarget(model, CLASSES[:2], TABLE)
    parameters = target.parameters()
    other = target.with_parameters({**parameters, "bias": parameters["bias"] + 1.0})
    assert (other.answer(x, View.LOGITS).logits != target.answer(x, View.LOGITS).logits).any()


def test_what_cannot_be_written_says_why() -> None:
    x, y = text_data(2)
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(x, y)
    target = SklearnTarget(model, CLASSES[:2], TextDomain())
    parameters = dict(target.parameters())
    flipped = target.with_parameters({**parameters, "weights": -parameters["weights"]})
    assert (flipped.answer(x, View.LABELS).labels != target.answer(x, View.LABELS).labels).any()
    with pytest.raises(NotOffered, match="only weights and bias can be rewritten, not idf"):
        target.with_parameters({**parameters, "idf": parameters["idf"] + 1})
    with pytest.raises(NotOffered, match="do not fit this model"):
        target.with_parameters({"weights": np.zeros((1, 3))})
    counts, labels = table_data(2)
    complement = SklearnTarget(ComplementNB().fit(counts, labels), CLASSES[:2], TABLE)
    with pytest.raises(NotOffered, match="ComplementNB cannot be set"):
        complement.with_parameters(complement.parameters())
