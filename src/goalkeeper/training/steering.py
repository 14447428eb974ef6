"""Train scikit-learn estimators as somebody steers it: seed, order and weight of records."""

from __future__ import annotations

from typing import Any

import numpy as np

from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.steering import Order, Steering
from goalkeeper.training.recipes import clone_with_seed
from goalkeeper.training.updating import split_final

DEFAULT_PASSES = 20  # over the data, of an estimator that does not say how many it made


def find_steerable(estimator: Any) -> frozenset[str]:
    """Tell whether `order`, `weights` or both can be steered in training an estimator."""
    from sklearn.utils.validation import has_fit_parameter

    _, final = split_final(estimator)
    steerable = set()
    naive_bayes = type(final).__module__ == "sklearn.naive_bayes"  # sums have no order
    if hasattr(final, "partial_fit") and not naive_bayes:
        steerable.add("order")
    if has_fit_parameter(final, "sample_weight"):
        steerable.add("weights")
    return frozenset(steerable)


def fit_steered(estimator: Any, x: Any, y: Ints, seed: int, steering: Steering) -> Any:
    """Train a clone of an estimator; raises NotOffered for what its training does not have.

    The order of records is steered pass by pass (`partial_fit`), as many passes as the ordinary
    training makes; the honest order is redrawn for each pass from the seed.
    """
    wanted = {"order": steering.order, "weights": steering.weights}
    unsupported = {k for k, v in wanted.items() if v is not None} - find_steerable(estimator)
    if unsupported:
        names = " and ".join(sorted(unsupported))
        raise NotOffered(f"{type(estimator).__name__} cannot be trained with a given {names}")
    model = clone_with_seed(estimator, seed if steering.seed is None else steering.seed)
    if steering.order is None:
        return _fit(model, x, y, steering.weights)
    passes = _count_passes(_fit(clone_with_seed(estimator, seed), x, y, None))
    features, final = _fit_preprocessing(model, x, y)
    _take_given_order(final)
    rng = np.random.default_rng(seed if steering.seed is None else steering.seed)
    for epoch in range(passes):
        rows = _epoch_order(rng, y, epoch, steering.order)
        _fit_one_pass(final, features, y, rows, steering.weights)
    return model


def _epoch_order(rng: np.random.Generator, y: Ints, epoch: int, order: Order) -> Ints:
    return order(rng.permutation(len(y)), y, epoch)


def _fit_one_pass(final: Any, features: Any, y: Ints, rows: Ints, weights: Floats | None) -> None:
    keywords = {} if weights is None else {"sample_weight": weights[rows]}
    final.partial_fit(features[rows], y[rows], classes=np.unique(y), **keywords)


def _fit(model: Any, x: Any, y: Ints, weights: Floats | None) -> Any:
    from sklearn.pipeline import Pipeline

    if weights is None:
        return model.fit(x, y)
    name = (
        f"{model.steps[-1][0]}__sample_weight" if isinstance(model, Pipeline) else "sample_weight"
    )
    return model.fit(x, y, **{name: weights})


def _fit_preprocessing(model: Any, x: Any, y: Ints) -> tuple[Any, Any]:
    """Fit the preprocessing, and return what the final estimator sees, and that estimator."""
    before, final = split_final(model)
    features = x if before is None else before.fit_transform(x, y)
    if hasattr(features, "iloc"):
        features = features.to_numpy()
    return features, final


def _take_given_order(final: Any) -> None:
    """Have an estimator take the records in the order in which they come."""
    params = final.get_params(deep=False)
    final.set_params(**{k: False for k in ("shuffle", "early_stopping") if k in params})


def _count_passes(fitted: Any) -> int:
    """Count the passes over the data that the ordinary training made."""
    _, final = split_final(fitted)
    passes = getattr(final, "n_iter_", None)
    return DEFAULT_PASSES if passes is None else max(1, int(np.max(passes)))
