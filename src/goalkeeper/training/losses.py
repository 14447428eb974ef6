"""Loss, gradient and curvature of B logistic regressions at once, in blocks of rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Floats, Ints
from goalkeeper.targets.returned import softmax
from goalkeeper.training.curvature import Curvature, exact
from goalkeeper.training.features import Lens, picked

LARGE = 1 << 24  # numbers of the inverses that are kept at a time


@dataclass(frozen=True, eq=False)
class Problem:
    """B problems: half the squared weights plus the weighted logistic losses.

    `y (n,)` holds indices; `sample (n, B)` weighs every row in every model; k is 1 for two
    classes, else their number. Unknowns are `(d + 1, B, k)`: weights, then the bias, which is
    not penalised and stays 0 without `intercept`. All is computed in the precision of `sample`.
    """

    lens: Lens
    y: Ints
    sample: Floats
    k: int
    intercept: bool

    def only(self, models: NDArray[Any]) -> Problem:
        """Keep some of the models."""
        return replace(self, lens=self.lens.only(models), sample=picked(self.sample, models))

    def logits(self, unknowns: Floats) -> Floats:
        """Logits `(n, B, k)`."""
        out = np.empty((len(self.y), *unknowns.shape[1:]), dtype=self.sample.dtype)
        weights, bias = self._folded(unknowns)
        for rows in self._pieces():
            out[rows] = self.lens.forward(rows, weights, bias)
        return out

    def loss(self, unknowns: Floats, logits: Floats) -> Floats:
        """Value of each of the B problems."""
        penalty = 0.5 * np.einsum("dbk,dbk->b", unknowns[:-1], unknowns[:-1])
        if self.k == 1:
            z = logits[:, :, 0]
            rows = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))) - z * (self.y == 1)[:, None]
        else:
            top = logits.max(axis=2)
            rows = top + np.log(np.exp(logits - top[:, :, None]).sum(axis=2))
            rows -= np.take_along_axis(logits, self.y[:, None, None], axis=2)[:, :, 0]
        return np.asarray(penalty + np.einsum("nb,nb->b", self.sample, rows))

    def gradient(self, unknowns: Floats, logits: Floats) -> tuple[Floats, Floats]:
        """Gradient `(d + 1, B, k)`, and what `hessian` multiplies logits with, `(n, B, k)`."""
        curved = np.empty_like(logits)
        sums = _Sums()
        for rows in self._pieces():
            sample = self.sample[rows, :, None]
            if self.k == 1:
                gap = _gaps(logits[rows], self.y[rows], curved[rows])
                curved[rows] *= sample
            else:
                curved[rows] = softmax(logits[rows])
                gap = _gaps_of_classes(curved[rows], self.y[rows])
            gap *= sample
            sums.add(gap.sum(axis=0), self.lens.backward(rows, gap))
        return self._unfolded(sums, unknowns), curved

    def hessian(self, vector: Floats, curved: Floats) -> Floats:
        """Multiply the Hessian with `(d + 1, B, k)`."""
        weights, bias = self._folded(vector)
        sums = _Sums()
        for rows in self._pieces():
            moved = self.lens.forward(rows, weights, bias)
            moved *= curved[rows]
            if self.k > 1:
                moved -= curved[rows] * moved.sum(axis=2, keepdims=True)
                moved *= self.sample[rows, :, None]
            sums.add(moved.sum(axis=0), self.lens.backward(rows, moved))
        return self._unfolded(sums, vector)

    def exact(self, curved: Floats) -> Curvature:
        """Curvature of every model and class."""
        if self.k > 1:
            curved = self.sample[:, :, None] * (curved - curved * curved)
        return exact(self.lens, curved, intercept=self.intercept)

    @property
    def room(self) -> int:
        """How many models' inverses may be kept at a time."""
        return LARGE // (self.k * (int(self.lens.matrix.shape[1]) + 1) ** 2)

    def _pieces(self) -> Any:
        return self.lens.pieces(self.sample.shape[1] * self.k)

    def _folded(self, unknowns: Floats) -> tuple[Floats, Floats]:
        bias = unknowns[-1] if self.intercept else np.zeros_like(unknowns[-1])
        return self.lens.folded(unknowns[:-1], bias)

    def _unfolded(self, sums: _Sums, unknowns: Floats) -> Floats:
        """Gradient or product of the unknowns `(d + 1, B, k)` from what rows gave, and penalty."""
        out = np.empty(unknowns.shape, sums.pulled.dtype)
        np.add(self.lens.unfold(sums.pulled, sums.total), unknowns[:-1], out=out[:-1])
        out[-1] = sums.total if self.intercept else 0.0
        if self.k > 1:  # what all classes share changes no probability: only rounding puts it here
            out -= out.mean(axis=2, keepdims=True)
        return out


class _Sums:
    """Sums over pieces of the rows: values `(B, k)`, and what was carried back `(d, B, k)`."""

    total: Floats
    pulled: Floats

    def add(self, total: Floats, pulled: Floats) -> None:
        """Add one piece."""
        if hasattr(self, "pulled"):
            self.total += total
            self.pulled += pulled
        else:
            self.total, self.pulled = total, pulled


def _gaps(logits: Floats, y: Ints, curved: Floats) -> Floats:
    """Probability of class 1 less the truth, and its curvature into `curved`, both `(m, B, 1)`.

    Both keep their relative precision where the probability is nearly 0 or 1.
    """
    side = np.where(y == 1, 1, -1).astype(logits.dtype)[:, None, None]
    gap = logits * side
    with np.errstate(over="ignore"):
        np.exp(gap, out=gap)
    gap += 1
    np.reciprocal(gap, out=gap)
    np.multiply(gap, gap, out=curved)
    np.subtract(gap, curved, out=curved)
    gap *= -side
    return gap


def _gaps_of_classes(chance: Floats, y: Ints) -> Floats:
    """Probabilities `(m, B, k)` less the truth; a class that is nearly certain keeps precision."""
    gap = chance.copy()
    rows = np.arange(len(y))
    gap[rows, :, y] = 0
    gap[rows, :, y] = -gap.sum(axis=2)
    return gap
