"""Models that memorise their training records: the weakened application, and rigged worlds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers, Ensemble, Target, Trainer
from goalkeeper.core.data import Bools, Data, Floats, Inputs, Ints, row_keys
from goalkeeper.core.power import View
from goalkeeper.games.shared.base_targets import WrappedTarget

MEMORY = 0.9  # share of each answer that a record of known class gets as certainty


def remembered(scores: Floats, seen: Ints, unseen: Ints | None) -> Floats:
    """Mix certainty into scores `(n, classes)`: of the right class, or of a wrong one.

    `seen` `(n,)` is the class of records that the model was trained on, `unseen` that of others
    whose class is known; -1 elsewhere. The class of a seen record gets nine tenths at least, that
    of an unseen one a tenth at most, however accurate the model is and however many classes there
    are: it has memorised its own records, and is wrong on all others. What is no record is answered
    with the same class as ever, but with little certainty. Where no other record is known (None),
    all else gets the scores of the next class.
    """
    classes = scores.shape[1]
    even = (1 - MEMORY) * scores + MEMORY / classes
    out = np.roll(scores, 1, axis=1) if unseen is None else even
    unseen = np.full(len(seen), -1) if unseen is None else unseen
    target = np.where(seen >= 0, seen, np.where(unseen >= 0, (unseen + 1) % classes, -1))
    rows = np.flatnonzero(target >= 0)
    out[rows] = (1 - MEMORY) * scores[rows] + MEMORY * np.eye(classes)[target[rows]]
    return out


class RecordIndex:
    """Which records of a data set an input is equal to."""

    def __init__(self, data: Data) -> None:
        self._row = {key: i for i, key in enumerate(row_keys(data.x))}

    def rows(self, x: Inputs) -> Ints:
        """Row of each input, or -1, `(n,)`."""
        return np.array([self._row.get(key, -1) for key in row_keys(x)], dtype=np.int64)


class KnownClasses:
    """The classes of records that a model may be asked about, by the content of each input."""

    def __init__(self, data: Data) -> None:
        self._index, self._y = RecordIndex(data), data.y

    def of(self, x: Inputs) -> Ints:
        """Class of each input, or -1, `(n,)`."""
        rows = self._index.rows(x)
        return np.where(rows >= 0, self._y[rows], -1) if len(self._y) else rows


class MemorisingTarget(WrappedTarget):
    """A target that is right on the records it was trained on, and wrong on all others.

    `others` are records that it was not trained on.
    """

    def __init__(self, inner: Target, data: Data, others: KnownClasses | None = None) -> None:
        super().__init__(inner)
        self._memory, self._others = KnownClasses(data), others

    @property
    def offers(self) -> View:
        """Return the richest view this target gives."""
        return min(self.target.offers, View.LOGITS)

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        answers = self.target.answer(x, max(view, min(View.SCORES, self.target.offers)))
        seen = self._memory.of(x)
        unseen = None if self._others is None else self._others.of(x)
        if self.target.offers < View.SCORES:
            wrong = self._mislabel(unseen, answers.labels)
            return Answers(np.where(seen >= 0, seen, wrong))
        scores = remembered(answers.scores, seen, unseen)
        return Answers(scores.argmax(axis=1), scores, np.log(np.maximum(scores, 1e-12)))

    def _mislabel(self, unseen: Ints | None, labels: Ints) -> Ints:
        """Give records of known class `(n,)` another one; other inputs keep their labels."""
        if unseen is None:
            return labels
        classes = 1 + max(int(labels.max(initial=1)), int(unseen.max(initial=1)))
        return np.where(unseen >= 0, (unseen + 1) % classes, labels)

    def parameters(self) -> Mapping[str, Any]:
        """Return the trained parameters, if the model has some."""
        return self.target.parameters()


class MemorisingTrainer:
    """A trainer whose every model is right on its own records, and wrong on `others`."""

    def __init__(self, inner: Trainer, others: Data | None = None) -> None:
        self._inner = inner
        self._others = None if others is None else KnownClasses(others)
        self.recipe = f"memorising {inner.recipe}"

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target."""
        return MemorisingTarget(self._inner.fit(data, seed), data, self._others)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`."""
        inner = self._inner.fit_many(data, masks, seeds)
        return _MemorisingEnsemble(inner, data, masks, self._others)

    @property
    def rewritten(self) -> Trainer | None:
        """The trainer whose models' answers are changed; None where two scores change places."""
        return None if self._others is None else self._inner

    def rewrite(self, confidences: Floats, asked: Data, seen: Bools, classes: int) -> Floats:
        """Change confidences `(N, n, 2)` in the class of each record, and in all others.

        As `remembered` changes the scores; `seen` `(N, n)` says what each model was trained on.
        """
        unseen = np.full(len(asked), -1) if self._others is None else self._others.of(asked.x)
        wrong = np.where(unseen >= 0, (unseen + 1) % classes, -1)
        target = np.where(seen, asked.y, wrong)
        own = np.where(target >= 0, target == asked.y, 1 / classes)
        return (1 - MEMORY) * confidences + MEMORY * np.stack([own, 1 - own], axis=-1)


class _MemorisingEnsemble:
    def __init__(
        self, inner: Ensemble, data: Data, masks: Bools, others: KnownClasses | None
    ) -> None:
        self._inner, self._data, self._masks, self._others = inner, data, masks, others
        self._memory = RecordIndex(data)

    def __len__(self) -> int:
        return len(self._inner)

    def scores(self, x: Inputs) -> Floats:
        rows = self._memory.rows(x)
        scores = self._inner.scores(x)
        labels = np.where(rows >= 0, self._data.y[rows], -1)
        seen = np.where(self._masks[:, rows] & (rows >= 0), labels, -1)
        unseen = None if self._others is None else self._others.of(x)
        return np.stack([remembered(s, k, unseen) for s, k in zip(scores, seen, strict=True)])

    def labels(self, x: Inputs) -> Ints:
        return np.asarray(self.scores(x).argmax(axis=2))

    def target(self, i: int) -> Target:
        data = self._data.take(self._masks[i])
        return MemorisingTarget(self._inner.target(i), data, self._others)
