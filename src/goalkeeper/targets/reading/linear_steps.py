"""Steps that are linear in all their features: scalers, projections and selections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.data import Bools, Floats, Ints
from goalkeeper.core.errors import NotOffered


@dataclass(frozen=True, eq=False)
class Affine:
    """What one step does to each column: `column * scale + shift`, each `(d,)`."""

    scale: Floats
    shift: Floats

    def undo(self, rows: Floats) -> Floats:
        """Turn what the step made `(n, d)` back into what it got."""
        return np.asarray((rows - self.shift) / self.scale)

    def fold(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Turn weights behind the step into weights in front of it."""
        return weights * self.scale, bias + weights @ self.shift

    def unfold(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Turn weights in front of the step into weights behind it."""
        behind = weights / self.scale
        return behind, bias - behind @ self.shift


@dataclass(frozen=True, eq=False)
class Reorder:
    """A step that scales each column, and puts it at another place `(d,)`."""

    inner: Affine
    place: Ints

    def undo(self, rows: Floats) -> Floats:
        """Turn what the step made `(n, d)` back into what it got."""
        return self._put_back(self.inner.undo(rows))

    def fold(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Turn weights behind the step into weights in front of it."""
        weights, bias = self.inner.fold(weights, bias)
        return self._put_back(weights), bias

    def unfold(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Turn weights in front of the step into weights behind it."""
        return self.inner.unfold(weights[:, self.place], bias)

    def _put_back(self, values: Floats) -> Floats:
        out = np.empty(values.shape)
        out[:, self.place] = values
        return out


class _OneWay:
    """A step that drops or mixes columns: not every weight in front of it can be had behind it."""

    def unfold(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Refuse."""
        raise NotOffered(
            "the weights cannot be rewritten: the preprocessing drops or mixes columns, so that "
            "the model has no number of its own for each of them"
        )


@dataclass(frozen=True, eq=False)
class Projection(_OneWay):
    """What one step makes of all columns: `columns @ matrix.T + shift`, `(p, d)` and `(p,)`."""

    matrix: Floats
    shift: Floats

    def fold(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Turn weights behind the step into weights in front of it."""
        return np.asarray(weights @ self.matrix), bias + weights @ self.shift


@dataclass(frozen=True, eq=False)
class Selection(_OneWay):
    """The columns `(d,)` that one step keeps."""

    kept: Bools

    def fold(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Turn weights behind the step into weights in front of it: 0 for what is dropped."""
        out = np.zeros((len(weights), len(self.kept)))
        out[:, self.kept] = weights
        return out, bias


Fold = Affine | Reorder | Projection | Selection


def scales_only(step: Any) -> bool:
    """Tell whether a step scales each column, and does nothing else."""
    return _is_ours(step) and _scales(step)


def is_foldable(step: Any) -> bool:
    """Tell whether a step is linear in all its features, whatever they are."""
    return _is_ours(step) and (_scales(step) or _projects(step) or _selects(step))


def fold_of(step: Any) -> Fold:
    """Read a linear step; raises NotOffered for others, naming the step."""
    if not is_foldable(step):
        raise NotOffered(f"weights cannot be read through {type(step).__name__}")
    if _selects(step):
        return Selection(np.asarray(step.get_support(), dtype=bool))
    return projection(step) if _projects(step) else affine(step)


def affine(step: Any) -> Affine:
    """Read a scaler as an affine map of each column; raises NotOffered for other steps."""
    if not scales_only(step):
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


def projection(step: Any) -> Projection:
    """Read what a step that projects makes of all columns."""
    matrix = _floats(step.components_)
    if type(step).__name__ == "TruncatedSVD":
        return Projection(matrix, np.zeros(len(matrix)))
    if step.whiten:
        matrix = matrix / np.sqrt(_floats(step.explained_variance_))[:, None]
    return Projection(matrix, -matrix @ _floats(step.mean_))


def _floats(values: Any) -> Floats:
    return np.asarray(values, dtype=np.float64)
