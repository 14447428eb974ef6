"""Preprocessing that looks at no other row is computed once, and shared by all subsets."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.data import Bools, Data, Ints
from goalkeeper.core.domain import Domain, TableDomain
from goalkeeper.targets.inputs import prepared
from goalkeeper.training.tree_matrices import fit_pipeline

Steps = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, eq=False)
class PreprocessedData:
    """Preprocessed records: `x (n, d)`, dense or in compressed rows, classes `y (n,)`, and how.

    `steps` are the names and transformers that made them, the first of the pipeline.
    """

    x: Any
    y: Ints
    steps: Steps

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: Bools) -> PreprocessedData:
        """Return the rows where the mask `(n,)` is true."""
        return PreprocessedData(self.x[rows], self.y[rows], self.steps)


def preprocess_once(
    estimator: Any, data: Data, domain: Domain, masks: Bools
) -> Data | PreprocessedData:
    """Run the first steps of a pipeline once, where they do the same to any subset.

    They are steps of scikit-learn that keep nothing of the data they are fitted on, and that
    give the rows of the first mask of `(N, n)` exactly as they give them among all others. That
    is checked because a function of the user's own may look at other rows. Without such steps,
    or where they raise, the data are returned as they are.
    """
    steps = _stateless_steps(estimator)
    if not steps or not len(masks) or (isinstance(domain, TableDomain) and not domain.numeric):
        return data  # what a step does to words or dates may depend on the subset
    try:
        x = _transform(steps, prepared(data.x, domain))
        subset_x = _transform(steps, prepared(data.x[masks[0]], domain))
    except Exception:  # noqa: BLE001 - each subset then says what is wrong with it
        return data
    if not _is_numeric(x) or not _is_numeric(subset_x) or not _equal(x[masks[0]], subset_x):
        return data
    return PreprocessedData(x, data.y, steps)


def fit_remaining_steps(estimator: Any, x: Any, y: Ints, steps: Steps) -> Any:
    """Fit what comes behind `steps`, and put both together to one fitted pipeline."""
    if not steps:
        return fit_pipeline(estimator, x, y)
    remaining = copy(estimator)
    remaining.steps = estimator.steps[len(steps) :]
    fit_pipeline(remaining, x, y)
    remaining.steps = [*steps, *remaining.steps]
    return remaining


def _stateless_steps(estimator: Any) -> Steps:
    """Clone the steps of a pipeline up to the first that keeps something of the data."""
    from sklearn import preprocessing as pre
    from sklearn.base import clone
    from sklearn.feature_extraction import FeatureHasher
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.kernel_approximation import AdditiveChi2Sampler
    from sklearn.pipeline import Pipeline

    stateless = (
        *(pre.Binarizer, pre.FunctionTransformer, pre.Normalizer, pre.PolynomialFeatures),
        *(AdditiveChi2Sampler, FeatureHasher, HashingVectorizer),
    )
    if type(estimator) is not Pipeline or estimator.memory is not None:
        return ()
    steps: list[tuple[str, Any]] = []
    for name, step in estimator.steps[:-1]:
        if type(step) not in stateless:
            break
        steps.append((name, clone(step)))
    return tuple(steps)


def _transform(steps: Steps, x: Any) -> Any:
    for _, step in steps:
        x = step.fit_transform(x)
    return x.tocsr() if _is_sparse(x) else x


def _is_numeric(x: Any) -> bool:
    return (_is_sparse(x) or type(x) is np.ndarray) and x.dtype != object and x.ndim == 2


def _equal(a: Any, b: Any) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype or _is_sparse(a) != _is_sparse(b):
        return False
    if not _is_sparse(a):
        return bool(np.array_equal(a, b, equal_nan=True))
    parts = ("indptr", "indices", "data")
    return all(np.array_equal(getattr(a, p), getattr(b, p), equal_nan=True) for p in parts)


def _is_sparse(x: Any) -> bool:
    from scipy.sparse import issparse

    return bool(issparse(x))
