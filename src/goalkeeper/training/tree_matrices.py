"""Fit trees on dense matrices where the preprocessing gives sparse ones.

One-hot encoded tables come as sparse matrices, on which scikit-learn finds the same splits several
times slower: in every node it has to find again which records have a value in a column.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np

from goalkeeper.core.data import Ints

# Classes of scikit-learn that compute with float32 and give the same trees for both kinds of
# matrix: which samples fall into a node is all that their splits depend on.
TREES = frozenset({
    "DecisionTreeClassifier", "ExtraTreeClassifier", "ExtraTreesClassifier",
    "RandomForestClassifier",
})  # fmt: skip
MAX_BYTES = 512 << 20  # of the dense matrix: a quarter of what an attack run may take in all
FLOAT32_BYTES = 4


def fit_pipeline(estimator: Any, x: Any, y: Ints) -> Any:
    """Fit an unfitted estimator or pipeline, as its own `fit` does, and return it.

    A pipeline that ends in trees hands them a dense matrix, if that is not too large. Its fitted
    form is the same, and takes sparse matrices when it answers.
    """
    if not _ends_in_trees(estimator):
        return estimator.fit(x, y)
    before, (name, trees) = copy(estimator), estimator.steps[-1]
    before.steps = estimator.steps[:-1]
    features = before.fit_transform(x, y)
    trees.fit(_densify(features), y)
    estimator.steps = [*before.steps, (name, trees)]
    return estimator


def _ends_in_trees(estimator: Any) -> bool:
    from sklearn.pipeline import Pipeline

    if type(estimator) is not Pipeline or len(estimator.steps) < 2:
        return False
    if estimator.memory is not None or getattr(estimator, "transform_input", None) is not None:
        return False
    kind = type(estimator.steps[-1][1])
    return kind.__module__.startswith("sklearn.") and kind.__name__ in TREES


def _densify(features: Any) -> Any:
    """Return a dense copy in float32 of a sparse matrix `(n, d)`; anything else as it is."""
    from scipy.sparse import issparse

    if not issparse(features) or FLOAT32_BYTES * np.prod(features.shape, dtype=float) > MAX_BYTES:
        return features
    if features.dtype.kind not in "fiub" or not np.isfinite(features.data).all():
        return features  # trees refuse missing values in sparse matrices only
    with np.errstate(over="ignore"):  # which the trees then refuse themselves
        return features.astype(np.float32).toarray()
