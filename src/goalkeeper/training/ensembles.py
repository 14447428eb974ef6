"""Answers of many models at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Target
from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.targets.returned import softmax
from goalkeeper.training.features import FeatureSpace, inverse_lengths

CACHE_BYTES = 2 << 20  # of weights that are worked on at a time, so that they stay in the cache
FLOAT64_BYTES = 8
MIN_MODELS = 64  # of a block: fewer columns make a matrix product that is all overhead
PROBABILITY_ROWS = 1024  # that are turned into probabilities at a time: they stay in the cache
# Log-odds, by bytes of a float, up to which exp() neither overflows nor gives subnormal numbers:
# just below the logarithm of the largest one (88.7 and 709.8) and of the smallest (87.3 and 708.4).
MAX_LOG_ODDS = {4: 87.0, 8: 700.0}


@dataclass(frozen=True, eq=False)
class Block:
    """Some of the models: what turns a row of the shared matrix into logits.

    `weights (d, B, k)`, `bias (B, k)`; `squares (d, B)` divides by the length of a text in the
    subset's own idf, where texts are scaled to length 1.
    """

    start: int
    weights: Floats
    bias: Floats
    squares: Floats | None = None

    def __len__(self) -> int:
        return len(self.bias)


# Yields the number of the first model of a block, and the logits `(n, B, k)` of its models.
BlockLogits = Callable[[Inputs], Iterator[tuple[int, Floats]]]


class BatchedEnsemble:
    """N models that answer together, block by block.

    Parameters
    ----------
    models
        How many there are.
    classes
        How many classes they distinguish.
    logits
        Gives, for inputs `(n, ...)`, block after block: the number of its first model, and the
        logits `(n, B, k)` of its models, k being 1 (towards class 1) or the number of classes.
    rebuild
        Gives the i-th target.
    """

    def __init__(
        self, models: int, classes: int, logits: BlockLogits, rebuild: Callable[[int], Target]
    ) -> None:
        self._models, self._classes, self._logits = models, classes, logits
        self._rebuild = rebuild

    def __len__(self) -> int:
        return self._models

    def scores(self, x: Inputs) -> Floats:
        """Probabilities `(N, n, classes)`, in the floats that the models were trained in."""
        out: Floats | None = None
        shape = (len(self), len(x), self._classes)
        for start, logits in self._answers(x):
            out = np.empty(shape, dtype=logits.dtype) if out is None else out
            _write_probabilities(out[start : start + logits.shape[1]], logits)
        return np.empty(shape) if out is None else out

    def labels(self, x: Inputs) -> Ints:
        """Classes `(N, n)`."""
        out = np.empty((len(self), len(x)), dtype=np.int64)
        for start, logits in self._answers(x):
            best = logits.argmax(axis=2) if self._classes > 2 else logits[:, :, 0] > 0
            out[start : start + logits.shape[1]] = best.T
        return out

    def target(self, i: int) -> Target:
        """Return the i-th target: an ordinary fitted scikit-learn model."""
        if not -len(self) <= i < len(self):
            raise IndexError(f"there are {len(self)} models, no number {i}")
        return self._rebuild(i % len(self))

    def _answers(self, x: Inputs) -> Iterator[tuple[int, Floats]]:
        return self._logits(x) if len(x) else iter(())


def build_linear_ensemble(
    space: FeatureSpace, blocks: list[Block], classes: int, rebuild: Callable[[int], Target]
) -> BatchedEnsemble:
    """Answer with linear models on the shared matrix of `space`."""

    def logits(x: Inputs) -> Iterator[tuple[int, Floats]]:
        first = blocks[0]
        matrix = space.read(x, first.weights.dtype)
        squared = matrix.multiply(matrix).tocsr() if first.squares is not None else None
        for block in blocks:
            out = np.asarray(matrix @ block.weights.reshape(len(block.weights), -1))
            out = out.reshape(len(x), len(block), -1)
            if block.squares is not None:
                out *= inverse_lengths(squared, block.squares)[:, :, None]
            out += block.bias
            yield block.start, out

    return BatchedEnsemble(sum(map(len, blocks)), classes, logits, rebuild)


def split_models(
    models: int, width: int, classes: int = 1, min_models: int = MIN_MODELS
) -> Iterator[slice]:
    """Cut N models into blocks whose weights fit into the cache, of `min_models` at least."""
    size = max(min_models, CACHE_BYTES // (FLOAT64_BYTES * max(1, width) * classes))
    for start in range(0, models, size):
        yield slice(start, min(start + size, models))


def _write_probabilities(out: Floats, logits: Floats) -> None:
    """Write probabilities `(B, n, classes)`; both ends keep their relative precision."""
    if logits.shape[2] > 1:
        out[:] = softmax(logits).transpose(1, 0, 2)
        return
    limit = MAX_LOG_ODDS[logits.dtype.itemsize]
    for start in range(0, len(logits), PROBABILITY_ROWS):
        rows = slice(start, start + PROBABILITY_ROWS)
        # With odds e = exp(-logit) of class 0: 1 / (1 + e) and e / (1 + e). The smaller of the two
        # is never taken as 1 less the larger, which would leave it no digits.
        odds = np.ascontiguousarray(logits[rows, :, 0].T)
        np.clip(odds, -limit, limit, out=odds)
        np.negative(odds, out=odds)
        np.exp(odds, out=odds)
        of_class_1 = odds + 1
        np.reciprocal(of_class_1, out=of_class_1)
        out[:, rows, 1] = of_class_1
        np.multiply(odds, of_class_1, out=out[:, rows, 0])
