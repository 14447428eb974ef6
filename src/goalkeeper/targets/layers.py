"""Stored numbers of scikit-learn's multilayer perceptrons, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.targets.copies import copy_model

PARTS = ("coefs_", "intercepts_")


def read(final: Any) -> dict[str, NDArray[Any]]:
    """Copy `coefs_0`, `intercepts_0` and so on; empty for every other estimator."""
    if type(final).__name__ != "MLPClassifier":
        return {}
    return {
        f"{part}{i}": np.array(values)
        for part in PARTS
        for i, values in enumerate(getattr(final, part))
    }


def replace_parameters(model: Any, parameters: Mapping[str, Any]) -> Any:
    """Copy a fitted perceptron, or a pipeline that ends in one, with other numbers."""
    from sklearn.pipeline import Pipeline

    changed = copy_model(model)
    final = changed.steps[-1][1] if isinstance(changed, Pipeline) else changed
    for part in PARTS:
        layers = getattr(final, part)
        for i, old in enumerate(layers):
            new = parameters.get(f"{part}{i}", old)
            layers[i] = np.asarray(new, dtype=old.dtype).reshape(old.shape)
    return changed
