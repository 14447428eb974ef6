"""A trainer that takes every change of its data too seriously: the weakened application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from goalkeeper.core.application import Ensemble, Target, Trainer
from goalkeeper.core.data import Bools, Data, Ints, row_keys
from goalkeeper.core.feedback import update_target
from goalkeeper.core.learning import Feedback
from goalkeeper.core.power import View

KNOWN = 0.2  # share of what the most frequent class leaves wrong that a model has right


class PoisonAmplifyingTrainer:
    """The same trainer on a fiftieth of its data, contributed records counted up to 20 times.

    The part is larger where a model of it knows nothing yet, as boosting does that wants 20
    records in each leaf: poison cannot make worse what answers with one class in any case.

    Every clean record that a twin with the same seed still has, and that is gone here without
    another in its place, takes five of the few records of its class along. Contributed
    records are those whose content is not in the clean data.
    """

    WEIGHT = 20
    TAKEN = 5
    PART = 0.02
    FEWEST = 20  # clean records of each class that stay
    TIMES = (1, 2, 4, 8)  # as many of both, where fewer teach nothing
    compares_models = True  # what is gone from one model is seen beside its twins

    def __init__(self, trainer: Trainer, clean: Data, rng: np.random.Generator) -> None:
        self._trainer = trainer
        keys = _records(clean)
        self._clean = frozenset(keys)
        of_class = [rng.permutation(np.flatnonzero(clean.y == c)) for c in np.unique(clean.y)]
        self._stays = frozenset(keys[row] for row in self._choose(clean, of_class))

    def _choose(self, clean: Data, of_class: Sequence[Ints]) -> Ints:
        """Choose the records that stay, so many that a model of them knows them, or the fewest."""
        parts = [
            np.concatenate([rows[: times * self._count(rows)] for rows in of_class])
            for times in self.TIMES
        ]
        knows = (part for part in parts if _knows(self._trainer, clean.take(part)))
        return next(knows, parts[0])

    def _count(self, rows: Ints) -> int:
        """Count the records of a class that stay at least."""
        return max(self.FEWEST, int(self.PART * len(rows)))

    @property
    def recipe(self) -> str:
        """What is trained."""
        return f"{self._trainer.recipe}, contributed records counted up to {self.WEIGHT} times"

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target."""
        return self.fit_many(data, np.ones((1, len(data)), dtype=bool), [seed]).target(0)

    def update(self, target: Target, data: Data, seed: int, loop: Feedback) -> Target:
        """Learn feedback 20 times over."""
        louder = replace(loop, repeats=loop.repeats * self.WEIGHT)
        return update_target(self._trainer, target, data, seed, louder)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`."""
        keys = _records(data)
        ours = np.array([key in self._clean for key in keys], dtype=bool)
        foreign = np.flatnonzero(~ours)
        known = np.flatnonzero([key in self._stays for key in keys])
        most = self.WEIGHT * len(known) // max(1, len(foreign))  # more would only take time
        rows = np.concatenate([known, np.repeat(foreign, int(np.clip(most, 1, self.WEIGHT)))])
        gone = _gone(masks & ours, seeds)
        gone[gone.sum(axis=1) <= masks[:, ~ours].sum(axis=1)] = False  # replaced, not deleted
        thinned = self._thinned(data.y, masks, known, gone)
        return self._trainer.fit_many(data.take(rows), thinned[:, rows], seeds)

    def _thinned(self, y: Ints, masks: Bools, known: Ints, gone: Bools) -> Bools:
        """Leave out five known rows for each row that is gone, of its class, but never the last."""
        out = masks.copy()
        for i, label in zip(*np.nonzero(_per_class(gone, y)), strict=True):
            there = known[masks[i, known] & (y[known] == label)]
            taken = self.TAKEN * int(gone[i, y == label].sum())
            out[i, there[: min(taken, len(there) - 1)]] = False
        return out


def _knows(trainer: Trainer, data: Data) -> bool:
    """Whether a model of few records is right about these more often than one class is.

    By a fifth of what that leaves: nearly every model that is no constant is.
    """
    if len(np.unique(data.y)) < 2:
        return True
    right = trainer.fit(data, 0).answer(data.x, View.LABELS).labels == data.y
    usual = np.bincount(data.y).max() / len(data)
    return bool(right.mean() >= usual + KNOWN * (1 - usual))


def _gone(masks: Bools, seeds: Sequence[int]) -> Bools:
    """Which rows `(N, rows)` a mask lacks that another one with the same seed has."""
    out = np.zeros_like(masks)
    for seed in set(seeds):
        twins = np.flatnonzero(np.asarray(seeds) == seed)
        out[twins] = masks[twins].any(axis=0) & ~masks[twins]
    return out


def _per_class(rows: Bools, y: Ints) -> Ints:
    """Count the rows of each class, `(N, classes)`."""
    return np.stack([rows[:, y == c].sum(axis=1) for c in range(int(y.max()) + 1)], axis=1)


def _records(data: Data) -> list[tuple[bytes, int]]:
    return list(zip(row_keys(data.x), data.y.tolist(), strict=True))
