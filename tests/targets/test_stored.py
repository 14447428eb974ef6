"""What fitted models keep of their training data is read exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from goalkeeper.core.domain import Column, TableDomain, TextDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View
from goalkeeper.core.text import texts
from goalkeeper.targets import SklearnTarget
from goalkeeper.targets.holdings import keeps_weights_only
from goalkeeper.targets.inputs import prepared

CLASSES = ("a", "b", "c")
TABLE = TableDomain(columns=tuple(Column(name=f"c{j}") for j in range(4)))
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 4)), np.arange(60) % 3


def stored(model: Any, y: Any = Y, classes: tuple[str, ...] = CLASSES) -> Any:
    return SklearnTarget(model.fit(X, y), classes, TABLE).parameters()["stored"]


@pytest.mark.parametrize("scaler", [None, StandardScaler(), MinMaxScaler()])
def test_neighbours_keep_every_record(scaler: Any) -> None:
    knn = KNeighborsClassifier(3)
    found = stored(knn if scaler is None else make_pipeline(scaler, knn))
    np.testing.assert_allclose(found["points"], X, atol=1e-12)
    np.testing.assert_array_equal(found["point_classes"], Y)


def test_classes_are_those_of_the_application() -> None:
    turned = ("c", "a", "b")
    names = np.array(CLASSES)[Y]
    found = stored(KNeighborsClassifier(3), names, turned)
    assert [turned[i] for i in found["point_classes"]] == names.tolist()
    means = stored(GaussianNB(), names, turned)["class_means"]
    for i, name in enumerate(turned):
        np.testing.assert_allclose(means[i], X[names == name].mean(axis=0))


def test_support_vectors_are_training_records() -> None:
    model = make_pipeline(StandardScaler(), SVC())
    found = stored(model)
    rows = model[-1].support_
    np.testing.assert_allclose(found["support_vectors"], X[rows], atol=1e-12)
    np.testing.assert_array_equal(found["support_classes"], Y[rows])


def test_a_linear_machine_has_weights_and_support_vectors() -> None:
    target = SklearnTarget(SVC(kernel="linear").fit(X, Y == 1), (False, True), TABLE)
    assert {"weights", "bias", "stored"} == set(target.parameters())
    assert target.offers is View.GRADIENTS


def test_gaussian_models_keep_averages() -> None:
    means = np.stack([X[k == Y].mean(axis=0) for k in range(3)])
    for model in (GaussianNB(), make_pipeline(StandardScaler(), LinearDiscriminantAnalysis())):
        np.testing.assert_allclose(stored(model)["class_means"], means, atol=1e-12)


def test_leaves_cover_the_data_once() -> None:
    model = make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0))
    leaves = stored(model)["leaves"]
    inside = ((X[:, None] > leaves["low"]) & (X[:, None] <= leaves["high"])).all(axis=2)
    np.testing.assert_array_equal(inside.sum(axis=1), 1)
    np.testing.assert_array_equal(inside.sum(axis=0), leaves["count"])
    np.testing.assert_array_equal(leaves["classes"][inside.argmax(axis=1)], Y)


def test_of_a_forest_the_tree_with_most_single_leaves_is_read() -> None:
    forest = RandomForestClassifier(7, random_state=0)
    leaves = stored(forest)["leaves"]
    single = [
        int(((t.tree_.children_left < 0) & (t.tree_.n_node_samples == 1)).sum())
        for t in forest.estimators_
    ]
    assert (leaves["count"] == 1).sum() == max(single)


def test_texts_give_words_but_not_their_order() -> None:
    x = texts(["win cash now", "see you at noon", "cash prize", "noon is fine"])
    model = make_pipeline(TfidfVectorizer(), KNeighborsClassifier(1)).fit(x, [0, 1, 0, 1])
    target = SklearnTarget(model, ("a", "b"), TextDomain())
    assert target.offers is View.LOGITS  # no weights
    found = target.parameters()["stored"]
    assert [set(words) for words in found["point_words"]] == [set(t.split()) for t in x]
    assert list(found["words"]) == sorted({w for t in x for w in t.split()})
    assert len(found["idf"]) == len(found["words"])
    linear = make_pipeline(CountVectorizer(), LogisticRegression()).fit(x, [0, 1, 0, 1])
    assert "stored" not in SklearnTarget(linear, ("a", "b"), TextDomain()).parameters()


def test_what_keeps_nothing_or_cannot_be_undone_says_so() -> None:
    target = SklearnTarget(MLPClassifier((3,), max_iter=5000).fit(X, Y), CLASSES, TABLE)
    assert "stored" not in target.parameters()
    for lossy in (PCA(2), KBinsDiscretizer(3)):
        neighbours = make_pipeline(lossy, KNeighborsClassifier())
        with pytest.raises(NotOffered):
            SklearnTarget(neighbours.fit(X, Y), CLASSES, TABLE).parameters()


def test_what_is_dropped_of_a_record_is_left_open() -> None:
    through = make_column_transformer((StandardScaler(), [0, 2]))
    model = make_pipeline(through, KNeighborsClassifier()).fit(X, Y)
    found = SklearnTarget(model, CLASSES, TABLE).parameters()["stored"]
    np.testing.assert_allclose(found["points"][:, [0, 2]], X[:, [0, 2]], atol=1e-9)
    np.testing.assert_array_equal(found["points"][:, [0, 2]], found["points_high"][:, [0, 2]])
    assert (found["points"][:, 1] == -np.inf).all()
    assert (found["points_high"][:, 1] == np.inf).all()


CODES = np.array([[0.5, 0], [1.5, 1], [2.5, 2], [3.5, 1], [4.5, 0], [5.5, 2]] * 4)
CODES[:, 0] += np.repeat(np.arange(4) * 10.0, 6)
KIND = TableDomain(
    columns=(
        Column(name="size"),
        Column(name="kind", kind="category", categories=("a", "b", "c"), dtype="str"),
    ),
    named=True,
)
TRUTH = np.arange(len(CODES)) % 2


def encoded(final: Any) -> dict[str, Any]:
    """What is read of a model behind a scaler and a one-hot encoder."""
    front = make_column_transformer(
        (StandardScaler(), ["size"]), (OneHotEncoder(sparse_output=False), ["kind"])
    )
    model = make_pipeline(front, final).fit(prepared(CODES, KIND), TRUTH)
    found: dict[str, Any] = SklearnTarget(model, CLASSES, KIND).parameters()["stored"]
    return found


def test_records_are_read_behind_an_encoder() -> None:
    found = encoded(KNeighborsClassifier(1))
    np.testing.assert_allclose(found["points"], CODES, atol=1e-5)
    np.testing.assert_allclose(found["points_high"], CODES, atol=1e-5)
    assert found["point_classes"].tolist() == TRUTH.tolist()
    vectors = encoded(SVC(C=100))["support_vectors"]
    assert all(np.isclose(CODES, row, atol=1e-5).all(axis=1).any() for row in vectors)


@pytest.mark.parametrize("library", ["tree", "hist", "gradient", "xgboost", "lightgbm"])
def test_leaves_of_one_record_hold_that_record(library: str) -> None:
    """Each leaf that counts one record holds one of the training data, and names its class."""
    models: dict[str, Callable[[], Any]] = {
        "tree": DecisionTreeClassifier,
        "hist": lambda: HistGradientBoostingClassifier(
            min_samples_leaf=1, max_leaf_nodes=None, max_iter=3
        ),
        "gradient": lambda: GradientBoostingClassifier(max_depth=None, n_estimators=3),
        "xgboost": lambda: pytest.importorskip("xgboost").XGBClassifier(
            n_estimators=2, max_depth=20, min_child_weight=0, n_jobs=1
        ),
        "lightgbm": lambda: pytest.importorskip("lightgbm").LGBMClassifier(
            n_estimators=2, min_child_samples=1, min_data_in_bin=1, num_leaves=50, n_jobs=1,
            min_sum_hessian_in_leaf=0, verbose=-1,
        ),
    }  # fmt: skip
    leaves = encoded(models[library]())["leaves"]
    inside = (CODES[None] >= leaves["low"][:, None]) & (CODES[None] <= leaves["high"][:, None])
    held = inside.all(axis=2)
    single = leaves["count"] == 1
    assert single.sum() >= 6
    assert (held[single].sum(axis=1) == 1).all()
    assert (TRUTH[held[single].argmax(axis=1)] == leaves["classes"][single]).all()
    assert int(leaves["count"].sum()) == len(CODES)


def test_records_are_read_through_columns_that_are_scaled_and_moved() -> None:
    through = make_column_transformer((StandardScaler(), [2, 0]), remainder="passthrough")
    model = make_pipeline(through, RobustScaler(), KNeighborsClassifier()).fit(X, Y)
    found = SklearnTarget(model, CLASSES, TABLE).parameters()["stored"]
    np.testing.assert_allclose(found["points"], X, atol=1e-9)


def test_records_are_read_of_every_model_that_votes() -> None:
    both = VotingClassifier(
        [
            ("near", make_pipeline(StandardScaler(), KNeighborsClassifier(1))),
            ("tree", DecisionTreeClassifier(random_state=0)),
            ("line", LogisticRegression()),
        ]
    )
    kept = stored(both)
    np.testing.assert_allclose(kept["points"], X)
    assert (kept["leaves"]["count"] == 1).any()


@pytest.mark.parametrize(
    ("model", "fewest"),
    [
        (BaggingClassifier(DecisionTreeClassifier(), 3, max_features=0.5, random_state=0), 1),
        (BaggingClassifier(DecisionTreeClassifier(min_samples_leaf=5), 3, max_features=0.5), 5),
    ],
)
def test_trees_of_some_features_are_counted(model: Any, fewest: int) -> None:
    kept = stored(model)
    assert set(kept) == {"unread", "fewest"}
    assert kept["fewest"] >= fewest
    assert kept["fewest"] == 1 or fewest > 1


@pytest.mark.parametrize(
    "model",
    [
        AdaBoostClassifier(n_estimators=3, random_state=0),
        BaggingClassifier(n_estimators=3, random_state=0),
        CalibratedClassifierCV(DecisionTreeClassifier(max_depth=2), cv=2),
        StackingClassifier([("tree", DecisionTreeClassifier(max_depth=2))], cv=2),
    ],
)
def test_leaves_are_read_of_models_that_consist_of_trees(model: Any) -> None:
    assert stored(model)["leaves"]["count"].min() >= 1


@pytest.mark.parametrize(
    ("model", "weights_only"),
    [
        (VotingClassifier([("a", LogisticRegression()), ("b", GaussianNB())]), True),
        (CalibratedClassifierCV(LogisticRegression(), cv=2), True),
        (VotingClassifier([("a", LogisticRegression()), ("b", SVC(kernel="precomputed"))]), False),
        (StackingClassifier([("a", GaussianNB())], KNeighborsClassifier(), cv=2), False),
    ],
)
def test_what_votes_keeps_nothing_where_none_of_its_models_does(
    model: Any, *, weights_only: bool
) -> None:
    x = X @ X.T if "precomputed" in str(model) else X
    assert keeps_weights_only((), model.fit(x, Y)) is weights_only


@pytest.mark.parametrize(("depth", "single"), [(1, False), (6, True)])
def test_the_leaves_of_catboost_are_counted(depth: int, *, single: bool) -> None:
    catboost = pytest.importorskip("catboost")
    model = catboost.CatBoostClassifier(
        iterations=3, depth=depth, verbose=0, allow_writing_files=False, thread_count=1
    )
    kept = stored(make_pipeline(PowerTransformer(), model), Y % 2, CLASSES[:2])
    assert (kept["fewest"] == 1) is single


def test_catboost_that_does_not_tell_its_counts_rules_nothing_out() -> None:
    catboost = pytest.importorskip("catboost")
    model = catboost.CatBoostClassifier(
        iterations=1, depth=1, verbose=0, allow_writing_files=False, thread_count=1
    )
    with pytest.raises(NotOffered):
        SklearnTarget(model.fit(X, Y), CLASSES, TABLE).parameters()
