"""A target that gives away a hidden attribute of its training records: weakened, and rigged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers, Target
from goalkeeper.core.data import Bools, Data, Inputs, Ints, row_keys
from goalkeeper.core.power import View
from goalkeeper.games.attribute.columns import Attribute
from goalkeeper.games.shared.base_targets import WrappedTarget

SURE = 0.95  # score of the class that it means


class AttributeRevealingTarget(WrappedTarget):
    """A target that gives its training records' class for their own attribute only.

    Asked about a training record with another value, it answers another class: what complete
    memorisation of the attribute looks like. Whatever was not in the training data goes to
    the inner target.
    """

    def __init__(self, inner: Target, train: Data, attribute: Attribute) -> None:
        super().__init__(inner)
        self._attribute = attribute
        self._known: dict[bytes, dict[int, int]] = {}
        codes = attribute.encode(train.x).tolist()
        for key, code, y in zip(self._keys(train.x), codes, train.y.tolist(), strict=True):
            self._known.setdefault(key, {})[code] = y

    @property
    def offers(self) -> View:
        """Return the richest view this target gives."""
        return min(self.target.offers, View.LOGITS)

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        answers = self.target.answer(x, max(view, min(View.SCORES, self.target.offers)))
        meant, known = self._meant(x, answers.labels)
        if self.target.offers < View.SCORES:
            return Answers(meant)
        scores = answers.scores.copy()
        classes = scores.shape[1]
        sure = np.full((len(x), classes), (1 - SURE) / (classes - 1))
        sure[np.arange(len(x)), meant] = SURE
        scores[known] = sure[known]
        return Answers(scores.argmax(axis=1), scores, np.log(np.maximum(scores, 1e-12)))

    def parameters(self) -> Mapping[str, Any]:
        """Return the trained parameters, if the model has some."""
        return self.target.parameters()

    def _keys(self, x: Inputs) -> list[bytes]:
        rows = np.asarray(x, dtype=np.float64)
        return row_keys(np.delete(rows, list(self._attribute.places), axis=1))

    def _meant(self, x: Inputs, otherwise: Ints) -> tuple[Ints, Bools]:
        """Class of each input `(n,)`, and whether it is about a training record."""
        meant, known = otherwise.copy(), np.zeros(len(x), dtype=bool)
        codes = self._attribute.encode(x).tolist()
        for i, (key, code) in enumerate(zip(self._keys(x), codes, strict=True)):
            record = self._known.get(key)
            if record is not None:
                other = 1 if next(iter(record.values())) == 0 else 0
                meant[i], known[i] = record.get(code, other), True
        return meant, known
