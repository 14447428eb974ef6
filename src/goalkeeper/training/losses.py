"""Loss, gradient and curvature of B logistic regressions at once, in blocks of rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Floats, Ints
from goalkeeper.targets.returned import softmax
from goalkeeper.training.preconditioner import Preconditioner, build_model_preconditioner
from goalkeeper.training.subsets import SubsetFeatures, select_models

MAX_INVERSE_NUMBERS = 1 << 24  # of the inverses that are kept at a time: 64 MiB of float32


@dataclass(frozen=True, eq=False)
class LogisticProblem:
    """B problems: half the squared weights plus the weighted logistic losses.

    `y (n,)` holds indices; `row_weights (n, B)` weighs every row in every model; k is 1 for two
    classes, else their number. Unknowns are `(d + 1, B, k)`: weights, then the bias, which is
    not penalised and stays 0 without `intercept`. All is computed in the precision of the weights.
    """

    features: SubsetFeatures
    y: Ints
    row_weights: Floats
    k: int
    intercept: bool

    def select(self, models: NDArray[Any]) -> LogisticProblem:
        """Keep some of the models."""
        row_weights = select_models(self.row_weights, models)
        return replace(self, features=self.features.select(models), row_weights=row_weights)

    def logits(self, unknowns: Floats) -> Floats:
        """Compute logits `(n, B, k)`."""
        out = np.empty((len(self.y), *unknowns.shape[1:]), dtype=self.row_weights.dtype)
        weights, bias = self._fold(unknowns)
        for rows in self._row_pieces():
            out[rows] = self.features.forward(rows, weights, bias)
        return out

    def loss(self, unknowns: Floats, logits: Floats) -> Floats:
        """Compute the value of each of the B problems; no exponential overflows."""
        penalty = 0.5 * np.einsum("dbk,dbk->b", unknowns[:-1], unknowns[:-1])
        if self.k == 1:
            z = logits[:, :, 0]
            losses = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))) - z * (self.y == 1)[:, None]
        else:
            largest = logits.max(axis=2)
            losses = largest + np.log(np.exp(logits - largest[:, :, None]).sum(axis=2))
            losses -= np.take_along_axis(logits, self.y[:, None, None], axis=2)[:, :, 0]
        return np.asarray(penalty + np.einsum("nb,nb->b", self.row_weights, losses))

    def gradient(self, unknowns: Floats, logits: Floats) -> tuple[Floats, Floats]:
        """Compute the gradient `(d + 1, B, k)`, and the curvature `(n, B, k)` that `hessian` takes.

        It is `row_weights * p * (1 - p)` for two classes. For more it is the probabilities p: the
        Hessian of a row in its logits is then `row_weights * (diag(p) - p p')`.
        """
        curvature = np.empty_like(logits)
        sums = _RowSums()
        for rows in self._row_pieces():
            row_weights = self.row_weights[rows, :, None]
            if self.k == 1:
                residual = _binary_residuals(logits[rows], self.y[rows], curvature[rows])
                curvature[rows] *= row_weights
            else:
                curvature[rows] = softmax(logits[rows])
                residual = _class_residuals(curvature[rows], self.y[rows])
            residual *= row_weights
            sums.add(residual.sum(axis=0), self.features.backward(rows, residual))
        return self._unfold_sums(sums, unknowns), curvature

    def hessian(self, vector: Floats, curvature: Floats) -> Floats:
        """Multiply the Hessian with `(d + 1, B, k)`."""
        weights, bias = self._fold(vector)
        sums = _RowSums()
        for rows in self._row_pieces():
            logit_change = self.features.forward(rows, weights, bias)
            logit_change *= curvature[rows]
            if self.k > 1:
                logit_change -= curvature[rows] * logit_change.sum(axis=2, keepdims=True)
                logit_change *= self.row_weights[rows, :, None]
            sums.add(logit_change.sum(axis=0), self.features.backward(rows, logit_change))
        return self._unfold_sums(sums, vector)

    def build_preconditioner(self, curvature: Floats) -> Preconditioner:
        """Invert the curvature of every model and class."""
        if self.k > 1:
            curvature = self.row_weights[:, :, None] * (curvature - curvature * curvature)
        return build_model_preconditioner(self.features, curvature, intercept=self.intercept)

    @property
    def max_inverses(self) -> int:
        """How many models' inverses may be kept at a time."""
        return MAX_INVERSE_NUMBERS // (self.k * (self.features.width + 1) ** 2)

    def _row_pieces(self) -> Any:
        return self.features.row_pieces(self.row_weights.shape[1] * self.k)

    def _fold(self, unknowns: Floats) -> tuple[Floats, Floats]:
        bias = unknowns[-1] if self.intercept else np.zeros_like(unknowns[-1])
        return self.features.fold(unknowns[:-1], bias)

    def _unfold_sums(self, sums: _RowSums, unknowns: Floats) -> Floats:
        """Turn sums over rows into a gradient or product `(d + 1, B, k)`, and add the penalty's."""
        out = np.empty(unknowns.shape, sums.product.dtype)
        np.add(self.features.unfold_gradient(sums.product, sums.total), unknowns[:-1], out=out[:-1])
        out[-1] = sums.total if self.intercept else 0.0
        if self.k > 1:  # what all classes share changes no probability: only rounding puts it here
            out -= out.mean(axis=2, keepdims=True)
        return out


class _RowSums:
    """Sums over pieces of the rows: values `(B, k)`, and what was carried back `(d, B, k)`."""

    total: Floats
    product: Floats

    def add(self, total: Floats, product: Floats) -> None:
        """Add one piece."""
        if hasattr(self, "product"):
            self.total += total
            self.product += product
        else:
            self.total, self.product = total, product


def _binary_residuals(logits: Floats, y: Ints, curvature: Floats) -> Floats:
    """Return probability of class 1 less the truth, and write its curvature, both `(m, B, 1)`.

    Both keep their relative precision where the probability is nearly 0 or 1.
    """
    side = np.where(y == 1, 1, -1).astype(logits.dtype)[:, None, None]
    residual = logits * side
    # 1 / (1 + exp(logit of the true class)) is the probability of the other class, q; its
    # curvature q - q * q. An exponential that overflows gives the right q, 0.
    with np.errstate(over="ignore"):
        np.exp(residual, out=residual)
    residual += 1
    np.reciprocal(residual, out=residual)
    np.multiply(residual, residual, out=curvature)
    np.subtract(residual, curvature, out=curvature)
    residual *= -side
    return residual


def _class_residuals(probability: Floats, y: Ints) -> Floats:
    """Return probabilities `(m, B, k)` less the truth, precise where the true class is certain."""
    residual = probability.copy()
    rows = np.arange(len(y))
    residual[rows, :, y] = 0
    residual[rows, :, y] = -residual.sum(axis=2)  # p - 1, as minus the sum of all others
    return residual
