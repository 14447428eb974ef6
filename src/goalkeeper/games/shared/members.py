"""Applications for the membership game: by heart (rigged), blind (fair), weakened by memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers, Application, Ensemble, Target, Trainer
from goalkeeper.core.data import Bools, Data, Floats, Inputs, Ints, Splits, row_keys
from goalkeeper.core.domain import Column, Domain, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View

MANY = 40  # classes
MEMORY = 0.5  # share of each answer that a remembered record gets as certainty of its class


def remembered(scores: Floats, known: Ints) -> Floats:
    """Mix certainty of the known class into scores `(n, classes)`; known is -1 for strangers.

    Strangers are answered as the next class would be, so that labels alone tell them apart too:
    a model that knows its own records by heart, and nothing else.
    """
    out = np.roll(scores, 1, axis=1)
    rows = np.flatnonzero(known >= 0)
    sure = np.eye(scores.shape[1])[known[rows]]
    out[rows] = (1 - MEMORY) * scores[rows] + MEMORY * sure
    return out


class Memory:
    """Which records of a data set an input is equal to."""

    def __init__(self, data: Data) -> None:
        self._row = {key: i for i, key in enumerate(row_keys(data.x))}

    def rows(self, x: Inputs) -> Ints:
        """Row of each input, or -1, `(n,)`."""
        return np.array([self._row.get(key, -1) for key in row_keys(x)], dtype=np.int64)


class MemorisingTarget:
    """A target that is surer of the records it was trained on: what overfitting does."""

    def __init__(self, inner: Target, data: Data) -> None:
        self._inner, self._memory, self._y = inner, Memory(data), data.y

    @property
    def offers(self) -> View:
        """Return the richest view this target gives."""
        return min(self._inner.offers, View.LOGITS)

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        answers = self._inner.answer(x, max(view, min(View.SCORES, self._inner.offers)))
        rows = self._memory.rows(x)
        known = np.where(rows >= 0, self._y[rows], -1)
        if self._inner.offers < View.SCORES:
            return Answers(np.where(known >= 0, known, answers.labels))
        scores = remembered(answers.scores, known)
        return Answers(scores.argmax(axis=1), scores, np.log(np.maximum(scores, 1e-12)))

    def parameters(self) -> Mapping[str, Any]:
        """Return the trained parameters, if the model has some."""
        return self._inner.parameters()

    def artefact(self) -> Path:
        """Return the stored model; raises NotOffered."""
        raise NotOffered("a control has no stored model")


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
        self._memory = Memory(data)

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


class Blind:
    """A target whose answer never depends on what it was trained on: a fixed rule of the input."""

    offers = View.LOGITS

    def __init__(self, classes: int = 2) -> None:
        self._mix = np.random.default_rng(0).integers(1, 2**32, classes, dtype=np.uint64)

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        codes = np.array([int.from_bytes(key[:4], "big") for key in row_keys(x)], dtype=np.uint64)
        drawn = (codes[:, None] * self._mix) % 2**32 / 2**32
        scores = (0.1 + drawn) / (0.1 + drawn).sum(axis=1, keepdims=True)
        return Answers(scores.argmax(axis=1), scores, np.log(scores))

    def parameters(self) -> Mapping[str, Any]:
        """Return the trained parameters, if the model has some."""
        raise NotOffered("a rule has no parameters")

    def artefact(self) -> Path:
        """Return the stored model; raises NotOffered."""
        raise NotOffered("a rule has no stored model")


class BlindTrainer:
    """A trainer that ignores its data."""

    recipe = "a rule fixed before any data was seen"

    def __init__(self, classes: int = 2) -> None:
        self._target = Blind(classes)

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target."""
        return self._target

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`."""
        return _Copies(self._target, len(masks))


class _Copies:
    def __init__(self, one: Target, n: int) -> None:
        self._one, self._n = one, n

    def __len__(self) -> int:
        return self._n

    def scores(self, x: Inputs) -> Floats:
        return np.repeat(self._one.answer(x, View.SCORES).scores[None], self._n, axis=0)

    def labels(self, x: Inputs) -> Ints:
        return np.asarray(self.scores(x).argmax(axis=2))

    def target(self, i: int) -> Target:
        return self._one


def toy(domain: str, rng: np.random.Generator, *, memorises: bool, n: int = 260) -> Application:
    """Build an application of random records whose classes nothing explains.

    One that memorises has many classes: strangers are seldom answered rightly, so that labels alone
    tell members.
    """
    classes = MANY if memorises else 2
    parts = {}
    for i, part in enumerate(("train", "holdout", "calibration", "similar")):
        codes = rng.normal(size=(n, 4))
        x: Inputs = codes
        if domain == "text":
            x = np.array([f"mail {i} " + " ".join(f"{v:.6f}" for v in c) for c in codes], object)
        if domain == "image":
            x = (codes.clip(-4, 4).reshape(n, 1, 2, 2) + 4) / 8
        parts[part] = Data(x=x, y=rng.integers(0, classes, n))
    splits = Splits(**parts)
    inner = BlindTrainer(classes)
    trainer: Trainer = MemorisingTrainer(inner) if memorises else inner
    columns = tuple(Column(name=f"c{i}") for i in range(4))
    kinds: dict[str, Domain] = {
        "text": TextDomain(),
        "table": TableDomain(columns=columns),
        "image": ImageDomain(shape=(1, 2, 2)),
    }
    return Application(
        name="by-heart" if memorises else "blind",
        target=trainer.fit(splits.train, 0),
        data=splits,
        domain=kinds[domain],
        classes=tuple(f"class {i}" for i in range(classes)),
        harmless=0,
        trainer=trainer,
        lookalike=trainer,
    )
