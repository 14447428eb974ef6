"""Trees behind sparse preprocessing are fitted on a dense matrix, and are the same trees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix, issparse
from sklearn.compose import make_column_transformer
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from goalkeeper.core.data import Data, Floats, Ints
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.power import View
from goalkeeper.training import tree_matrices
from goalkeeper.training.trainers import SklearnTrainer
from goalkeeper.training.tree_matrices import fit_pipeline

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def table(rows: int = 200) -> tuple[Floats, Ints]:
    """Draw codes of two columns of words and a column of numbers, and classes that follow them."""
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.integers(0, 26, (rows, 2)), rng.normal(size=rows)])
    return x, ((x[:, 0] > 12) ^ (x[:, 2] > 0.3) ^ (rng.random(rows) < 0.1)).astype(int)


def pipeline(final: Any) -> Any:
    """Build a pipeline whose features are sparse."""
    words = OneHotEncoder(handle_unknown="ignore")
    return make_pipeline(make_column_transformer((words, [0, 1]), (StandardScaler(), [2])), final)


FINALS: list[Any] = [
    RandomForestClassifier(5, random_state=0),
    RandomForestClassifier(5, random_state=0, class_weight="balanced", criterion="entropy"),
    ExtraTreesClassifier(5, random_state=0, bootstrap=True),
    DecisionTreeClassifier(random_state=0, max_features="sqrt"),
]


@pytest.mark.parametrize("final", FINALS, ids=lambda final: type(final).__name__)
def test_the_trees_are_those_of_the_pipelines_own_fit(final: Any) -> None:
    x, y = table()
    expected = pipeline(final).fit(x, y)[-1]
    fitted = fit_pipeline(pipeline(final), x, y)
    assert issparse(fitted[:-1].transform(x))
    for own, theirs in zip(trees(fitted[-1]), trees(expected), strict=True):
        assert np.array_equal(own.feature, theirs.feature)
        assert np.array_equal(own.threshold, theirs.threshold)
        assert np.array_equal(own.value, theirs.value)


def trees(model: Any) -> list[Any]:
    """List the arrays of all trees of a model."""
    return [tree.tree_ for tree in getattr(model, "estimators_", [model])]


class Watched(RandomForestClassifier):  # type: ignore[misc]
    """Not a class of scikit-learn: how it takes a matrix is its own business."""

    def fit(self, x: Any, y: Any) -> Watched:
        """Note what comes."""
        self.sparse_ = issparse(x)
        super().fit(x, y)
        return self


def test_only_classes_of_scikit_learn_are_handed_a_dense_matrix() -> None:
    assert fit_pipeline(pipeline(Watched(2)), *table())[-1].sparse_


def test_a_matrix_that_is_too_large_stays_sparse(monkeypatch: pytest.MonkeyPatch) -> None:
    features = csr_matrix(np.eye(8))
    assert not issparse(tree_matrices._densify(features))
    monkeypatch.setattr(tree_matrices, "MAX_BYTES", 8 * 8 * 4 - 1)
    assert tree_matrices._densify(features) is features


def test_missing_values_in_a_sparse_matrix_are_left_to_the_trees() -> None:
    features = csr_matrix(np.array([[0.0, np.nan], [1.0, 0.0]]))
    assert tree_matrices._densify(features) is features


def test_a_pipeline_with_a_cache_is_left_to_fit_itself(tmp_path: Path) -> None:
    x, y = table()
    fitted = fit_pipeline(pipeline(FINALS[0]).set_params(memory=str(tmp_path)), x, y)
    assert any(tmp_path.iterdir())
    assert np.array_equal(fitted.predict(x), pipeline(FINALS[0]).fit(x, y).predict(x))


def test_other_models_are_fitted_as_ever() -> None:
    x, y = table()
    fitted = fit_pipeline(pipeline(LogisticRegression()), x, y)
    assert isinstance(fitted, Pipeline)
    assert np.array_equal(fitted[-1].coef_, pipeline(LogisticRegression()).fit(x, y)[-1].coef_)


def test_a_trainer_fits_its_trees_on_a_dense_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = table()
    columns = tuple(
        [Column(name=n, kind="category", categories=tuple(LETTERS)) for n in "uv"]
        + [Column(name="w")]
    )
    seen: list[bool] = []

    def note(features: Any) -> Any:
        seen.append(issparse(features))
        return features

    monkeypatch.setattr(tree_matrices, "_densify", note)
    trainer = SklearnTrainer(pipeline(FINALS[0]), ("no", "yes"), TableDomain(columns=columns))
    data, masks = Data(x=x, y=y), np.random.default_rng(1).random((3, len(x))) < 0.5
    many = trainer.fit_many(data, masks, [1, 2, 3])
    one = trainer.fit(data.take(masks[1]), 2)
    assert seen == [True] * 4
    assert np.array_equal(many.scores(x)[1], one.answer(x, View.SCORES).scores)
