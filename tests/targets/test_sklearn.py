"""scikit-learn models as targets: answers, classes, views, and clear errors."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from goalkeeper.core.domain import Column, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.errors import DataError, NotOffered, TargetError
from goalkeeper.core.power import View
from goalkeeper.targets import SklearnTarget

TABLE = TableDomain(columns=tuple(Column(name=f"c{j}") for j in range(4)))


def blobs(classes: int = 2, n: int = 120) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    y = np.arange(n) % classes
    return rng.normal(size=(n, 4)) + 1.5 * rng.normal(size=(classes, 4))[y], y


MODELS = [
    LogisticRegression(),
    LinearSVC(),
    SVC(),
    SVC(decision_function_shape="ovo"),
    SGDClassifier(random_state=0),
    SGDClassifier(loss="log_loss", random_state=0),
    RidgeClassifier(),
    GaussianNB(),
    DecisionTreeClassifier(max_depth=3, random_state=0),
    RandomForestClassifier(n_estimators=7, random_state=0),
    GradientBoostingClassifier(n_estimators=5, random_state=0),
    HistGradientBoostingClassifier(max_iter=5),
    KNeighborsClassifier(4),
    make_pipeline(StandardScaler(), LogisticRegression()),
]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_answers_agree_with_the_model(model: Any, classes: int) -> None:
    x, y = blobs(classes)
    names = np.array(["zeta", "alpha", "mid"])[y]  # not in the order in which they are listed
    model.fit(x, names)
    target = SklearnTarget(model, ("zeta", "alpha", "mid")[:classes], TABLE)
    expected = np.array([("zeta", "alpha", "mid").index(v) for v in model.predict(x)])
    for view in [v for v in View if View.NOTHING < v <= target.offers]:
        answers = target.answer(x, view)
        np.testing.assert_array_equal(answers.labels, expected)
        if view >= View.SCORES:
            np.testing.assert_allclose(answers.scores.sum(axis=1), 1)
        if view >= View.LOGITS:
            assert np.isfinite(answers.logits).all()


def test_scores_are_the_models_own_probabilities_in_our_order() -> None:
    x, y = blobs(3)
    model = LogisticRegression().fit(x, np.array(["z", "a", "m"])[y])
    answers = SklearnTarget(model, ("z", "a", "m"), TABLE).answer(x, View.LOGITS)
    np.testing.assert_allclose(answers.scores, model.predict_proba(x)[:, [2, 0, 1]])
    np.testing.assert_allclose(softmax(answers.logits, axis=1), answers.scores)


class Unchanged(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A step of a user's own that learns nothing: it has no attributes that show it is fitted."""

    def fit(self, x: Any, y: Any = None) -> Unchanged:
        return self

    def transform(self, x: Any) -> Any:
        return x


def test_a_step_that_learns_nothing_needs_no_attributes() -> None:
    x, y = blobs()
    model = make_pipeline(Unchanged(), LogisticRegression()).fit(x, y)
    target = SklearnTarget(model, ("0", "1"), TABLE)
    again = pickle.loads(pickle.dumps(target))  # noqa: S301 - our own; targets go to workers
    for each in (target, again):
        labels = each.answer(x, View.LABELS).labels
        np.testing.assert_array_equal(labels, model.predict(x))


def test_without_probabilities_scores_come_from_the_decision_function() -> None:
    x, y = blobs()
    model = LinearSVC().fit(x, y)
    answers = SklearnTarget(model, ("a", "b"), TABLE).answer(x, View.LOGITS)
    d = model.decision_function(x)
    np.testing.assert_allclose(answers.scores[:, 1], expit(d))
    np.testing.assert_allclose(answers.logits, np.stack([-d / 2, d / 2], axis=1))


def test_views_that_are_offered() -> None:
    x, y = blobs(3)

    def offers(model: Any) -> View:
        return SklearnTarget(model.fit(x, y), ("a", "b", "c"), TABLE).offers

    assert offers(LogisticRegression()) is View.GRADIENTS
    assert offers(make_pipeline(StandardScaler(), LinearSVC())) is View.GRADIENTS
    assert offers(RandomForestClassifier(3)) is View.LOGITS
    assert offers(SVC(decision_function_shape="ovo")) is View.LABELS
    labels = SklearnTarget(SVC(decision_function_shape="ovo").fit(x, y), ("a", "b", "c"), TABLE)
    with pytest.raises(NotOffered, match="SVC offers labels, not scores"):
        labels.answer(x, View.SCORES)
    assert set(labels.parameters()) == {"stored"}  # its support vectors, and no weights


def test_a_model_that_lacks_a_class_gives_it_no_probability() -> None:
    x, y = blobs(2)
    target = SklearnTarget(LinearSVC().fit(x, y * 2), ("a", "b", "c"), TABLE)
    assert target.offers is View.SCORES
    answers = target.answer(x, View.SCORES)
    assert set(answers.labels) == {0, 2}
    assert (answers.scores[:, 1] == 0).all()
    np.testing.assert_allclose(answers.scores.sum(axis=1), 1)


def test_numbers_as_classes() -> None:
    x, y = blobs(3)
    model = DecisionTreeClassifier().fit(x, y + 1)
    target = SklearnTarget(model, (1, 2, 3), TABLE)
    np.testing.assert_array_equal(target.answer(x, View.LABELS).labels, y)
    assert target.classes == ("1", "2", "3")
    trained = DecisionTreeClassifier().fit(x, y)
    by_index = SklearnTarget(trained, (1, 2, 3), TABLE, indexed=True)
    np.testing.assert_array_equal(by_index.answer(x, View.LABELS).labels, y)
    with pytest.raises(TargetError, match=r"class 0, but .* \['1', '2', '3'\]"):
        SklearnTarget(trained, (1, 2, 3), TABLE)
    truth = DecisionTreeClassifier().fit(x, y == 1)
    assert set(SklearnTarget(truth, ("no", "yes"), TABLE).answer(x, View.LABELS).labels) == {0, 1}


def test_unknown_classes_are_refused() -> None:
    x, y = blobs(2)
    model = LogisticRegression().fit(x, np.array(["ham", "spam"])[y])
    with pytest.raises(TargetError, match="class 'spam', but the application's classes"):
        SklearnTarget(model, ("ham", "junk"), TABLE)
    with pytest.raises(TargetError, match="two or more different classes"):
        SklearnTarget(model, ("ham", "ham"), TABLE)
    with pytest.raises(TargetError, match="StandardScaler has no predict"):
        SklearnTarget(StandardScaler().fit(x), ("ham", "spam"), TABLE)


def test_models_without_classes_answer_labels() -> None:
    x, _ = blobs()
    model = IsolationForest(n_estimators=5, random_state=0).fit(x)
    target = SklearnTarget(model, (-1, 1), TABLE)
    assert target.offers is View.LABELS
    np.testing.assert_array_equal(
        target.answer(x, View.LABELS).labels, (model.predict(x) == 1).astype(int)
    )
    with pytest.raises(NotOffered, match="does not say which classes"):
        target.parameters()


def test_texts() -> None:
    x = np.array(
        ["win cash now", "see you at noon", "cash prize", "noon is fine"] * 5, dtype=object
    )
    y = np.array(["spam", "ham"] * 10)
    for front in (CountVectorizer(), TfidfVectorizer()):
        for final in (MultinomialNB(), LogisticRegression()):
            model = make_pipeline(front, final).fit(x, y)
            answers = SklearnTarget(model, ("ham", "spam"), TextDomain()).answer(x, View.LOGITS)
            np.testing.assert_allclose(answers.scores, model.predict_proba(x))
    model = make_pipeline(CountVectorizer(), MultinomialNB()).fit(x, y)
    with pytest.raises(DataError, match="texts must come as an array"):
        SklearnTarget(model, ("ham", "spam"), TextDomain()).answer(x[:, None], View.LABELS)


def test_named_tables_get_a_frame_with_decoded_categories() -> None:
    domain = TableDomain(
        columns=(
            Column(name="size"),
            Column(name="rooms", kind="integer", low=1, high=9),
            Column(name="colour", kind="category", categories=("red", "green", "blue")),
        ),
        named=True,
    )
    rng = np.random.default_rng(0)
    x = np.stack([rng.normal(size=60), rng.integers(1, 9, 60), rng.integers(0, 3, 60)], axis=1)
    frame = pd.DataFrame(
        {
            "size": x[:, 0],
            "rooms": x[:, 1].astype(int),
            "colour": np.array(["red", "green", "blue"])[x[:, 2].astype(int)],
        }
    )
    y = np.where((x[:, 2] == 1) ^ (x[:, 0] > 0), "yes", "no")
    onehot = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer(
        [("c", onehot, ["colour"]), ("n", "passthrough", ["size", "rooms"])]
    )
    model = make_pipeline(columns, LogisticRegression()).fit(frame, y)
    target = SklearnTarget(model, ("no", "yes"), domain)
    np.testing.assert_allclose(target.answer(x, View.SCORES).scores, model.predict_proba(frame))
    assert target.offers is View.GRADIENTS
    known = target.parameters()
    decided = known["design"].expand(x) @ known["weights"][0] + known["bias"]
    np.testing.assert_allclose(decided, model.decision_function(frame), atol=1e-9)
    strange = x[:1].copy()
    strange[0, 2] = 17.0
    assert target.answer(strange, View.LABELS).labels.shape == (1,)
    with pytest.raises(DataError, match=r"rows of shape \(60, 2\) do not fit a table of 3"):
        target.answer(x[:, :2], View.LABELS)


def test_images_are_flattened() -> None:
    x = np.random.default_rng(0).random((30, 1, 4, 4))
    y = np.arange(30) % 2
    model = GaussianNB().fit(x.reshape(30, 16), y)
    target = SklearnTarget(model, ("a", "b"), ImageDomain(shape=(1, 4, 4)))
    np.testing.assert_array_equal(
        target.answer(x, View.LABELS).labels, model.predict(x.reshape(30, 16))
    )


def test_no_inputs_no_answers() -> None:
    x, y = blobs(2)
    answers = SklearnTarget(GaussianNB().fit(x, y), ("a", "b"), TABLE).answer(x[:0], View.SCORES)
    assert answers.labels.shape == (0,)
    assert answers.scores.shape == (0, 2)


def test_the_stored_file(tmp_path: Path) -> None:
    x, y = blobs(2)
    model = GaussianNB().fit(x, y)
    assert SklearnTarget(model, ("a", "b"), TABLE, tmp_path).artefact() == tmp_path
    with pytest.raises(NotOffered, match="no stored file"):
        SklearnTarget(model, ("a", "b"), TABLE).artefact()


class Broken:
    """A model whose answers are what the test says."""

    classes_ = np.array([0, 1])

    def __init__(self, labels: Any = None, scores: Any = None) -> None:
        self.labels, self.proba = labels, scores

    def predict(self, x: Any) -> Any:
        if isinstance(self.labels, Exception):
            raise self.labels
        return np.zeros(len(x), int) if self.labels is None else self.labels

    def predict_proba(self, x: Any) -> Any:
        return np.full((len(x), 2), 0.5) if self.proba is None else self.proba


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            Broken(labels=ValueError("bad shape")),
            "Broken raised ValueError: bad shape; it is given",
        ),
        (Broken(labels=MemoryError()), "Broken raised MemoryError: no message"),
        (Broken(labels=np.zeros(3)), r"array of shape \(3,\) for 5 inputs"),
        (Broken(labels=["?"] * 5), "answers with the class '\\?'"),
        (Broken(labels=[0, 1, 2, 1, 0]), "answers with the class 2"),
        (Broken(labels=[0.5] * 5), "answers with the class 0.5"),
        (Broken(labels=[np.nan] * 5), "gave no answer .* to 5 of 5 inputs"),
        (Broken(labels=[None] * 5), "gave no answer .* to 5 of 5 inputs"),
        (Broken(labels=[[0], [0, 1], [1], [1], [1]]), "ragged list"),
        (Broken(scores=np.zeros((5, 3))), r"shape \(5, 3\) for 5 inputs; return one column"),
        (Broken(scores=np.zeros((4, 2))), r"shape \(4, 2\) for 5 inputs"),
        (Broken(scores=[["a", "b"]] * 5), "where numbers are needed"),
        (
            Broken(scores=np.array([[0.5, 0.5], [np.nan, 1]] + [[0, 1]] * 3)),
            r"NaN or infinite numbers for 1 of 5 inputs \(first: input 1 gave",
        ),
    ],
)
def test_what_is_no_answer_is_explained(model: Any, said: str) -> None:
    target = SklearnTarget(model, ("a", "b"), TABLE)
    x = np.zeros((5, 4))
    with pytest.raises(TargetError, match=said):
        target.answer(x, View.SCORES if model.proba is not None else View.LABELS)


def test_a_vectoriser_that_raises_is_named() -> None:
    x, y = blobs(2)
    model = make_pipeline(StandardScaler(), GaussianNB()).fit(x[:, :2], y)
    with pytest.raises(TargetError, match="GaussianNB raised ValueError: X has 4 features"):
        SklearnTarget(model, ("a", "b"), TABLE).answer(x, View.LABELS)
