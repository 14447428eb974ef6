"""Train scikit-learn estimators as somebody steers it: seed, order and weight of records."""

from __future__ import annotations

from typing import Any

import numpy as np

from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.steering import Order, Steering
from goalkeeper.training.recipes import seeded

PASSES = 20  # over the data, of an estimator that does not say how many it made


def steerable(estimator: Any) -> frozenset[str]:
    """Tell whether `order`, `weights` or both can be steered in training an estimator."""
    from sklearn.utils.validation import has_fit_parameter

    _, final = _split(estimator)
    found = set()
    counts = type(final).__module__ == "sklearn.naive_bayes"  # sums have no order
    if hasattr(final, "partial_fit") and not counts:
        found.add("order")
    if has_fit_parameter(final, "sample_weight"):
        found.add("weights")
    return frozenset(found)


def steered_model(estimator: Any, x: Any, y: Ints, seed: int, steering: Steering) -> Any:
    """Train a clone of an estimator; raises NotOffered for what its training does not have.

    The order of records is steered pass by pass (`partial_fit`), as many passes as the ordinary
    training makes; the honest order is drawn anew for each pass from the seed.
    """
    wanted = {"order": steering.order, "weights": steering.weights}
    missing = {k for k, v in wanted.items() if v is not None} - steerable(estimator)
    if missing:
        what = " and ".join(sorted(missing))
        raise NotOffered(f"{type(estimator).__name__} cannot be trained with a given {what}")
    model = seeded(estimator, seed if steering.seed is None else steering.seed)
    if steering.order is None:
        return _fitted(model, x, y, steering.weights)
    passes = _passes(_fitted(seeded(estimator, seed), x, y, None))
    features, final = _prepared(model, x, y)
    _stepwise(final)
    rng = np.random.default_rng(seed if steering.seed is None else steering.seed)
    for epoch in range(passes):
        _one_pass(final, features, y, _ordered(rng, y, epoch, steering.order), steering.weights)
    return model


def _ordered(rng: np.random.Generator, y: Ints, epoch: int, order: Order) -> Ints:
    return order(rng.permutation(len(y)), y, epoch)


def _one_pass(final: Any, features: Any, y: Ints, rows: Ints, weights: Floats | None) -> None:
    more = {} if weights is None else {"sample_weight": weights[rows]}
    final.partial_fit(features[rows], y[rows], classes=np.unique(y), **more)


def _split(model: Any) -> tuple[Any, Any]:
    """Split a pipeline into its preprocessing (None: none) and its final estimator."""
    from sklearn.pipeline import Pipeline

    if not isinstance(model, Pipeline):
        return None, model
    final = model.steps[-1][1]
    return (model[:-1] if len(model.steps) > 1 else None), final


def _fitted(model: Any, x: Any, y: Ints, weights: Floats | None) -> Any:
    from sklearn.pipeline import Pipeline

    if weights is None:
        return model.fit(x, y)
    name = (
        f"{model.steps[-1][0]}__sample_weight" if isinstance(model, Pipeline) else "sample_weight"
    )
    return model.fit(x, y, **{name: weights})


def _prepared(model: Any, x: Any, y: Ints) -> tuple[Any, Any]:
    """Fit the preprocessing, and return what the final estimator sees, and that estimator."""
    before, final = _split(model)
    features = x if before is None else before.fit_transform(x, y)
    if hasattr(features, "iloc"):
        features = features.to_numpy()
    return features, final


def _stepwise(final: Any) -> None:
    """Have an estimator take the records in the order in which they come."""
    own = final.get_params(deep=False)
    final.set_params(**{k: False for k in ("shuffle", "early_stopping") if k in own})


def _passes(fitted: Any) -> int:
    """Count the passes over the data that the ordinary training made."""
    _, final = _split(fitted)
    made = getattr(final, "n_iter_", None)
    return PASSES if made is None else max(1, int(np.max(made)))
