"""Steps that are linear in all their features: scalers, projections and selections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.data import Floats
from goalkeeper.core.errors import NotOffered

CLOSE = 1e-9  # of the largest weight: what writing back may miss by


@dataclass(frozen=True, eq=False)
class Affine:
    """What one step does to each column: `column * scale + shift`, each `(d,)`."""

    scale: Floats
    shift: Floats

    def fold(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Turn weights behind the step into weights in front of it."""
        return weights * self.scale, bias + weights @ self.shift

    def unfold(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Turn weights in front of the step into weights behind it."""
        behind = weights / self.scale
        return behind, bias - behind @ self.shift


@dataclass(frozen=True, eq=False)
class Projection:
    """What one step makes of all columns: `columns @ matrix.T + shift`, `(p, d)` and `(p,)`."""

    matrix: Floats
    shift: Floats

    def fold(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Turn weights behind the step into weights in front of it."""
        return np.asarray(weights @ self.matrix), bias + weights @ self.shift

    def unfold(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Turn weights in front of the step into weights behind it, if there are such.

        Raises
        ------
        NotOffered
            The step leaves no room for these weights: it drops or mixes columns.
        """
        behind = self._solve(weights)
        slack = CLOSE * np.abs(weights).max(initial=0.0)
        if not (np.abs(behind @ self.matrix - weights) <= slack).all():
            raise NotOffered(
                "these weights cannot be written back: the preprocessing drops or mixes columns, "
                "so that the model has no number of its own for each of them"
            )
        return behind, bias - behind @ self.shift

    def _solve(self, weights: Floats) -> Floats:
        used = self.matrix != 0
        if (used.sum(axis=1) == 1).all() and (used.sum(axis=0) <= 1).all():
            place = used.argmax(axis=1)
            return np.asarray(weights[:, place] / self.matrix[np.arange(len(place)), place])
        return np.asarray(np.linalg.lstsq(self.matrix.T, weights.T, rcond=None)[0].T)


Fold = Affine | Projection


def is_foldable(step: Any) -> bool:
    """Tell whether a step is linear in all its features, whatever they are."""
    return _is_ours(step) and (_scales(step) or _projects(step) or _selects(step))


def fold_of(step: Any) -> Fold:
    """Read a linear step; raises NotOffered for others, naming the step."""
    if not is_foldable(step):
        raise NotOffered(f"weights cannot be read through {type(step).__name__}")
    if _selects(step):
        matrix = np.eye(int(step.n_features_in_))[step.get_support()]
        return Projection(matrix, np.zeros(len(matrix)))
    return _project(step) if _projects(step) else affine(step)


def affine(step: Any) -> Affine:
    """Read a scaler as an affine map of each column; raises NotOffered for other steps."""
    if not (_is_ours(step) and _scales(step)):
        raise NotOffered(f"weights cannot be read through {type(step).__name__}")
    scale, shift = np.ones(int(step.n_features_in_)), np.zeros(int(step.n_features_in_))
    for name, numbers in scaling(step):
        if name in ("multiply", "divide"):
            factor = numbers if name == "multiply" else 1 / numbers
            scale, shift = scale * factor, shift * factor
        else:
            shift = shift + (numbers if name == "add" else -numbers)
    return Affine(scale, shift)


def scaling(step: Any) -> list[tuple[str, Floats]]:
    """List what a scaler does to each column, in its own order and arithmetic."""
    kind = type(step).__name__
    if kind == "StandardScaler":
        centred = [("subtract", _floats(step.mean_))] if step.with_mean else []
        return centred + ([("divide", _floats(step.scale_))] if step.scale_ is not None else [])
    if kind == "MinMaxScaler":
        return [("multiply", _floats(step.scale_)), ("add", _floats(step.min_))]
    if kind == "MaxAbsScaler":
        return [("divide", _floats(step.scale_))]
    centred = [("subtract", _floats(step.center_))] if step.with_centering else []
    return centred + ([("divide", _floats(step.scale_))] if step.with_scaling else [])


def _is_ours(step: Any) -> bool:
    """Tell whether a step is one of scikit-learn itself: a class of the user's may do more."""
    return type(step).__module__.startswith("sklearn.")


def _scales(step: Any) -> bool:
    kind = type(step).__name__
    if kind == "MinMaxScaler":
        return not step.clip
    return kind in ("StandardScaler", "MaxAbsScaler", "RobustScaler")


def _projects(step: Any) -> bool:
    return type(step).__name__ in ("PCA", "TruncatedSVD")


def _selects(step: Any) -> bool:
    from sklearn.feature_selection import SelectorMixin

    return isinstance(step, SelectorMixin)


def _project(step: Any) -> Projection:
    matrix = _floats(step.components_)
    if type(step).__name__ == "TruncatedSVD":
        return Projection(matrix, np.zeros(len(matrix)))
    if step.whiten:
        matrix = matrix / np.sqrt(_floats(step.explained_variance_))[:, None]
    return Projection(matrix, -matrix @ _floats(step.mean_))


def _floats(values: Any) -> Floats:
    return np.asarray(values, dtype=np.float64)
