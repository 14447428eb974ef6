"""Train any models: one after the other, or spread over processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from goalkeeper.core.application import Target
from goalkeeper.core.data import Bools, Data, Floats, Inputs, Ints
from goalkeeper.core.power import View

CHUNKS = 4  # pieces of work for every process

Fit = Callable[[Data, int], Target]


class Models:
    """An ensemble of targets that were trained one by one."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = tuple(targets)

    def __len__(self) -> int:
        return len(self._targets)

    def scores(self, x: Inputs) -> Floats:
        """Probabilities `(N, n, classes)`; raises NotOffered for models without scores."""
        return np.stack([t.answer(x, View.SCORES).scores for t in self._targets])

    def labels(self, x: Inputs) -> Ints:
        """Classes `(N, n)`."""
        return np.stack([t.answer(x, View.LABELS).labels for t in self._targets])

    def target(self, i: int) -> Target:
        """Return the i-th target."""
        return self._targets[i]


def fit_many(fit: Fit, data: Data, masks: Bools, seeds: Sequence[int], jobs: int) -> Models:
    """Train one target for every mask `(N, rows)`; `jobs` processes share the work.

    The same seeds give the same models, however many processes there are.
    """
    if jobs == 1 or len(masks) < 2 * jobs:
        return Models(_chunk(fit, data, masks, seeds))
    from joblib import Parallel, delayed, parallel_config

    pieces = np.array_split(np.arange(len(masks)), min(len(masks), CHUNKS * jobs))
    with parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1):
        parts = Parallel()(
            delayed(_chunk)(fit, data, masks[rows], [seeds[i] for i in rows]) for rows in pieces
        )
    return Models([target for part in parts for target in part])


def _chunk(fit: Fit, data: Data, masks: Bools, seeds: Sequence[int]) -> list[Target]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return [fit(data.take(mask), seed) for mask, seed in zip(masks, seeds, strict=True)]
