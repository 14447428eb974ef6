"""What defences that change the answers share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.core.application import (
    Answers,
    Application,
    Ensemble,
    Storage,
    Target,
    Trainer,
)
from goalkeeper.core.data import Bools, Data, Floats, Inputs, Ints
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View

AnswerScores = Callable[[Target, Inputs], Floats]


@dataclass(frozen=True, eq=False)
class ScoringTarget:
    """A target whose scores a defence computes; the class is that of the highest, ties the first.

    Parameters
    ----------
    inner
        The model behind it.
    compute
        Returns scores `(n, classes)` from `inner` and inputs `(n, ...)`.
    words
        What is computed, in words that identify it.
    """

    inner: Target
    compute: AnswerScores
    words: str
    hides_scores = True  # who has the model can read the answers before the defence

    @property
    def offers(self) -> View:
        """Scores: what is behind them is not shown."""
        return View.SCORES

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`; raises NotOffered for more than scores."""
        if view > View.SCORES:
            raise NotOffered(f"{self.words} gives scores, not {view.name.lower()}")
        scores = self.compute(self.inner, x)
        return Answers(scores.argmax(axis=1), scores).cut(view)

    def parameters(self) -> Mapping[str, Any]:
        """Refuse: the answers are no longer those that the parameters give."""
        raise NotOffered(f"{self.words} computes with more than the parameters of the model")

    def artefact(self) -> Path:
        """Path of the stored model; raises NotOffered."""
        return self.inner.artefact()


@dataclass(frozen=True, eq=False)
class ScoringEnsemble:
    """Targets that were trained together, each behind the same defence."""

    inner: Ensemble
    compute: AnswerScores
    words: str

    def __len__(self) -> int:
        return len(self.inner)

    def scores(self, x: Inputs) -> Floats:
        """Probabilities `(N, n, classes)`."""
        return np.stack([self.target(i).answer(x, View.SCORES).scores for i in range(len(self))])

    def labels(self, x: Inputs) -> Ints:
        """Classes `(N, n)`."""
        return np.stack([self.target(i).answer(x, View.LABELS).labels for i in range(len(self))])

    def target(self, i: int) -> Target:
        """Return the i-th target."""
        return ScoringTarget(self.inner.target(i), self.compute, self.words)


@dataclass(frozen=True, eq=False)
class ScoringTrainer:
    """Another trainer, whose models answer behind a defence."""

    inner: Trainer
    compute: AnswerScores
    words: str

    @property
    def recipe(self) -> str:
        """The recipe, and what is done with the answers."""
        return f"{self.inner.recipe} > {self.words}"

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target."""
        return ScoringTarget(self.inner.fit(data, seed), self.compute, self.words)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`, with N seeds."""
        models = self.inner.fit_many(data, masks, seeds)
        return ScoringEnsemble(models, self.compute, self.words)


def behind(app: Application, compute: AnswerScores, words: str) -> Application:
    """Return the application with `compute` between model and users, the model itself as it is.

    The stored file is that of the model itself; once loaded, it answers behind the defence as well.
    """
    trainer = None if app.trainer is None else ScoringTrainer(app.trainer, compute, words)
    storage = stored_behind(app.storage, compute, words)
    target = ScoringTarget(app.target, compute, words)
    return replace(app, target=target, trainer=trainer, storage=storage)


def stored_behind(storage: Storage | None, compute: AnswerScores, words: str) -> Storage | None:
    """Return how a model is stored that answers behind a defence once it is loaded."""
    if storage is None:
        return None
    load = partial(_load_behind, storage.load, compute, words)
    return replace(storage, load=load, save=partial(_save_inner, storage.save))


def _load_behind(
    load: Callable[[Path], Target], compute: AnswerScores, words: str, path: Path
) -> Target:
    return ScoringTarget(load(path), compute, words)


def _save_inner(save: Callable[[Target], bytes], target: Target) -> bytes:
    return save(target.inner if isinstance(target, ScoringTarget) else target)


def decline(scores: Floats, rows: Bools, harmless: int) -> Floats:
    """Return scores `(n, classes)` that call the chosen rows `(n,)` anything but harmless."""
    out = np.array(scores)
    out[rows, harmless] = 0.0
    total = out.sum(axis=1, keepdims=True)
    others = np.ones_like(out)
    others[:, harmless] = 0.0
    empty = rows & (total[:, 0] <= 0)
    out[empty] = others[empty]
    out[rows] /= out[rows].sum(axis=1, keepdims=True)
    return out
