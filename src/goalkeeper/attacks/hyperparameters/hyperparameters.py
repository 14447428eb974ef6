"""How strongly a model was regularised, by comparing its confidence with that of own trainings."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.data import Data, Floats, Ints
from goalkeeper.core.power import Budget
from goalkeeper.games.hyperparameters import (
    STRENGTHS,
    HyperparameterInference,
    VictimKinds,
    build_logistic,
)
from goalkeeper.training import SklearnTrainer, plain_rows

TINY = 1e-12


@final
@dataclass(frozen=True, kw_only=True)
class Hyperparameters(Attack[VictimKinds, Ints]):
    """Train models over the grid, and find those as confident on new records as the victim.

    Half of the attacker's records train models of every strength, the other half is asked about.
    Weaker regularisation lets weights grow, so that log-odds vary more from record to record: their
    standard deviation, as a logarithm, is compared. If fewer records are at hand than the victim
    was trained on, the strength is adjusted, since the loss sums over records.

    Settings
    --------
    trainings
        Own models for each strength, each trained on a fresh draw of records.
    asked
        Records asked of each victim, at most.

    Deviations from the paper: it solves the stationarity of the loss for the strength, which needs
    the exact weights and the training data; this attacker has similar data and scores only, and
    compares instead.
    """

    game: ClassVar[type[HyperparameterInference]] = HyperparameterInference
    variant: ClassVar[str] = "internals.hyperparameters"
    reference: ClassVar[str] = "Wang, Gong: Stealing Hyperparameters in Machine Learning (S&P 2018)"
    domains: ClassVar[frozenset[str]] = frozenset({"text", "table"})
    tasks: ClassVar[tuple[str, ...]] = ("regularisation",)
    most: ClassVar[Budget] = Budget(queries=200, share=0.0, compute_h=1.0)
    trainings: int = 2
    asked: int = 100

    def run(self, question: VictimKinds, access: Access) -> Ints:
        """Name the strength of every victim."""
        doors = access.victims()
        data = access.data()
        order = access.rng.permutation(len(data))
        half = len(data) // 2
        fresh = data.take(order[:half]).take(slice(0, self._asked(doors)))
        grid = self._grid(question, access, data.take(order[half:]), fresh)
        sizes = [_spread(door.query(fresh.x).scores) for door in doors]
        found = [int(np.abs(grid - size).mean(axis=1).argmin()) for size in sizes]
        return np.array(found, dtype=np.int64)

    def _asked(self, doors: tuple[Access, ...]) -> int:
        left = min((int(min(door.left()[0], 2**31)) for door in doors), default=0)
        return min(self.asked, left)

    def _grid(self, question: VictimKinds, access: Access, own: Data, fresh: Data) -> Floats:
        """Measure how sure own models are, `(strengths, trainings)`."""
        rng = access.rng
        size = min(question.records, int(0.8 * len(own)))
        factor = question.records / max(1, size)
        masks = np.zeros((self.trainings, len(own)), dtype=bool)
        for mask in masks:
            mask[rng.choice(len(own), size, replace=False)] = True
        seeds = [int(s) for s in rng.integers(2**31, size=self.trainings)]
        rows = []
        for strength in STRENGTHS:
            estimator = build_logistic(strength * factor, access.domain)
            trainer = SklearnTrainer(estimator, access.classes, plain_rows(access.domain))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # nearly converged is good enough
                scores = trainer.fit_many(own, masks, seeds).scores(fresh.x)
            rows.append([_spread(one) for one in scores])
        return np.array(rows)


def _spread(scores: Floats) -> float:
    """Return how much the log-odds of scores `(n, classes)` vary, as a logarithm.

    What is common to all records, such as how frequent a class is, does not count.
    """
    logs = np.log(np.clip(scores, TINY, 1))
    odds = logs - logs.mean(axis=1, keepdims=True)
    return float(np.log(odds.std(axis=0).mean() + TINY)) if len(odds) else 0.0
