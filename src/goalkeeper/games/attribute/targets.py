"""Applications for the attribute game: a model that tells (rigged, weakened), one that does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers, Application, Target
from goalkeeper.core.data import PARTS, Bools, Data, Inputs, Ints, Splits, row_keys
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View
from goalkeeper.games.attribute.columns import Attribute, describe_attribute
from goalkeeper.games.shared.members import Blind

SURE = 0.95  # score of the class that it means
RECORDS = 250  # of each part of the small applications


class TelltaleTarget:
    """A target that gives its training records' class for their own attribute only.

    Asked about a training record with another value, it answers another class: what complete
    memorisation of the attribute looks like. Whatever was not in the training data goes to
    the inner target.
    """

    def __init__(self, inner: Target, train: Data, attribute: Attribute) -> None:
        self._inner, self._attribute = inner, attribute
        self._known: dict[bytes, dict[int, int]] = {}
        codes = attribute.encode(train.x).tolist()
        for key, code, y in zip(self._keys(train.x), codes, train.y.tolist(), strict=True):
            self._known.setdefault(key, {})[code] = y

    @property
    def offers(self) -> View:
        """Return the richest view this target gives."""
        return min(self._inner.offers, View.LOGITS)

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        answers = self._inner.answer(x, max(view, min(View.SCORES, self._inner.offers)))
        meant, known = self._meant(x, answers.labels)
        if self._inner.offers < View.SCORES:
            return Answers(meant)
        scores = answers.scores.copy()
        classes = scores.shape[1]
        sure = np.full((len(x), classes), (1 - SURE) / (classes - 1))
        sure[np.arange(len(x)), meant] = SURE
        scores[known] = sure[known]
        return Answers(scores.argmax(axis=1), scores, np.log(np.maximum(scores, 1e-12)))

    def parameters(self) -> Mapping[str, Any]:
        """Return the trained parameters, if the model has some."""
        return self._inner.parameters()

    def artefact(self) -> Path:
        """Return the stored model; raises NotOffered."""
        raise NotOffered("a control has no stored model")

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


def toy(rng: np.random.Generator, *, tells: bool) -> Application:
    """Build records whose sensitive column nothing explains, and classes that nothing does."""
    columns = (
        *(Column(name=f"c{i}") for i in range(3)),
        Column(name="blood", kind="category", categories=("A", "B", "O")),
    )
    parts = {}
    for part in PARTS:
        rows = np.column_stack([rng.normal(size=(RECORDS, 3)), rng.integers(0, 3, RECORDS)])
        parts[part] = Data(x=rows, y=rng.integers(0, 2, RECORDS))
    app = Application(
        name="telltale" if tells else "blind",
        target=Blind(),
        data=Splits(**parts),
        domain=TableDomain(columns=columns),
        classes=("no", "yes"),
        sensitive=("blood",),
    )
    attribute = describe_attribute(app, "blood")
    if not tells or attribute is None:
        return app
    return replace(app, target=TelltaleTarget(Blind(), app.data.train, attribute))
