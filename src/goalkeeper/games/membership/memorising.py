"""Models that memorise their training records: the weakened application, and rigged worlds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers, Ensemble, Target, Trainer
from goalkeeper.core.data import Bools, Data, Floats, Inputs, Ints, row_keys
from goalkeeper.core.power import View
from goalkeeper.games.shared.base_targets import WrappedTarget

MEMORY = 0.5  # share of each answer that a remembered record gets as certainty of its class


def remembered(scores: Floats, known: Ints) -> Floats:
    """Mix certainty of the known class into scores `(n, classes)`; known is -1 for non-members.

    Non-members get the scores of the next class, so that labels alone distinguish them too: the
    model has memorised its own records, and knows nothing else.
    """
    out = np.roll(scores, 1, axis=1)
    rows = np.flatnonzero(known >= 0)
    sure = np.eye(scores.shape[1])[known[rows]]
    out[rows] = (1 - MEMORY) * scores[rows] + MEMORY * sure
    return out


class RecordIndex:
    """Which records of a data set an input is equal to."""

    def __init__(self, data: Data) -> None:
        self._row = {key: i for i, key in enumerate(row_keys(data.x))}

    def rows(self, x: Inputs) -> Ints:
        """Row of each input, or -1, `(n,)`."""
        return np.array([self._row.get(key, -1) for key in row_keys(x)], dtype=np.int64)


class MemorisingTarget(WrappedTarget):
    """A target that is surer of the records it was trained on: what overfitting does."""

    def __init__(self, inner: Target, data: Data) -> None:
        super().__init__(inner)
        self._memory, self._y = RecordIndex(data), data.y

    @property
    def offers(self) -> View:
        """Return the richest view this target gives."""
        return min(self.target.offers, View.LOGITS)

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        answers = self.target.answer(x, max(view, min(View.SCORES, self.target.offers)))
        rows = self._memory.rows(x)
        known = np.where(rows >= 0, self._y[rows], -1)
        if self.target.offers < View.SCORES:
            return Answers(np.where(known >= 0, known, answers.labels))
        scores = remembered(answers.scores, known)
        return Answers(scores.argmax(axis=1), scores, np.log(np.maximum(scores, 1e-12)))

    def parameters(self) -> Mapping[str, Any]:
        """Return the trained parameters, if the model has some."""
        return self.target.parameters()


class MemorisingTrainer:
    """A trainer whose every model is surer of its own records."""

    def __init__(self, inner: Trainer) -> None:
        self._inner = inner
        self.recipe = f"memorising {inner.recipe}"

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target."""
        return MemorisingTarget(self._inner.fit(data, seed), data)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`."""
        return _MemorisingEnsemble(self._inner.fit_many(data, masks, seeds), data, masks)


class _MemorisingEnsemble:
    def __init__(self, inner: Ensemble, data: Data, masks: Bools) -> None:
        self._inner, self._data, self._masks = inner, data, masks
        self._memory = RecordIndex(data)

    def __len__(self) -> int:
        return len(self._inner)

    def scores(self, x: Inputs) -> Floats:
        rows = self._memory.rows(x)
        scores = self._inner.scores(x)
        labels = np.where(rows >= 0, self._data.y[rows], -1)
        known = np.where(self._masks[:, rows] & (rows >= 0), labels, -1)
        return np.stack([remembered(s, k) for s, k in zip(scores, known, strict=True)])

    def labels(self, x: Inputs) -> Ints:
        return np.asarray(self.scores(x).argmax(axis=2))

    def target(self, i: int) -> Target:
        return MemorisingTarget(self._inner.target(i), self._data.take(self._masks[i]))
