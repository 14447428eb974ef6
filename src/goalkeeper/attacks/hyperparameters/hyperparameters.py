"""How a model's training was set, by comparing its answers with those of own trainings."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks._asked_lines import AskedLines
from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.application import Trainer
from goalkeeper.core.data import Data, Floats, Ints
from goalkeeper.core.errors import DataError, GoalkeeperError
from goalkeeper.core.power import Budget, Grade, Knowledge, Power, View
from goalkeeper.games.hyperparameters import HiddenSettings, HyperparameterInference
from goalkeeper.training import Setting, setting_like, with_setting


@final
@dataclass(frozen=True, kw_only=True)
class Hyperparameters(Attack[HiddenSettings, Ints]):
    """Train own models with every candidate, and learn by which answers these differ.

    Part of the attacker's records train the models, the others are asked about, with lines between
    them: how far log-odds vary, whether all scores are multiples of one fraction, how answers bend
    and jump. A forest of randomised trees learns the value from those of own models. Who knows the
    algorithm trains the application's own recipe (or the generic one of its family), others the
    usual one of the class that the question names. If fewer records are at hand than the victims
    were trained on, the strength C of a regularisation is adjusted, since the loss sums over
    records.

    Settings
    --------
    trainings
        Own models with each candidate, each trained on a fresh draw of records.
    asked
        Inputs asked of each victim, at most.

    Deviations from the paper: it solves the stationarity of the loss for the strength, which needs
    the exact weights and the training data; this attacker has similar data and scores only, and
    compares instead. What it compares is not restricted to models with a loss that is stationary.
    """

    game: ClassVar[type[HyperparameterInference]] = HyperparameterInference
    variant: ClassVar[str] = "internals.hyperparameters"
    reference: ClassVar[str] = "Wang, Gong: Stealing Hyperparameters in Machine Learning (S&P 2018)"
    uses: ClassVar[Power] = Power(knowledge=Knowledge(algorithm=Grade.FULL))
    most: ClassVar[Budget] = Budget(queries=300, share=0.0, compute_h=1.0)
    version: ClassVar[int] = 2
    trainings: int = 6
    asked: int = 300

    def run(self, question: HiddenSettings, access: Access) -> Ints:
        """Name the value of every victim."""
        from sklearn.ensemble import ExtraTreesClassifier

        doors, data = access.victims(), access.data()
        left = min(int(min(door.left()[0], 2**31)) for door in doors)
        order = access.rng.permutation(len(data))
        cut = len(data) * 7 // 10
        own, fresh = data.take(order[:cut]), data.take(order[cut:])
        if not left or not len(fresh):
            return np.zeros(len(doors), dtype=np.int64)
        asked = AskedLines.draw(access.domain, fresh.x, min(self.asked, left), access.rng)
        features, values = self._learn(question, access, own, asked)
        found = np.array([asked.describe(door.query(asked.rows).scores) for door in doors])
        seed = int(access.rng.integers(2**31))
        trees = ExtraTreesClassifier(300, random_state=seed).fit(features, values)
        return np.asarray(trees.predict(found), dtype=np.int64)

    def _learn(
        self, question: HiddenSettings, access: Access, own: Data, asked: AskedLines
    ) -> tuple[Floats, Ints]:
        """Train own models, and return the features `(m, f)` and value `(m,)` of each."""
        rng, size = access.rng, min(question.records, int(0.9 * len(own)))
        features, values = [], []
        for i, value in enumerate(question.setting.values):
            scaled = value * question.records / max(1, size) if _sums(question.setting) else value
            trainer = _trainer(question, access, scaled)
            for _ in range(self.trainings):
                part = own.take(rng.permutation(len(own))[:size])
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # nearly converged is good enough
                    try:
                        model = trainer.fit(part, int(rng.integers(2**31)))
                        scores = model.answer(asked.rows, View.SCORES).scores
                    except GoalkeeperError:  # too few records for this value
                        continue
                features.append(asked.describe(scores))
                values.append(i)
        if not features:
            raise DataError("no model can be trained on the attacker's records with any candidate")
        return np.array(features), np.array(values, dtype=np.int64)


def _sums(setting: Setting) -> bool:
    """Tell whether the value weighs a loss that sums over records, so that fewer need more."""
    return setting.key.rpartition("__")[2] == "C"


def _trainer(question: HiddenSettings, access: Access, value: object) -> Trainer:
    """Return the best recipe that the attacker knows, with a value of the hyperparameter."""
    if access.granted.knowledge.algorithm >= Grade.PARTIAL and access.retrainable:
        known = access.trainer()
        found: list[Setting] = []

        def change(trainer: Trainer) -> Trainer:
            setting = setting_like(trainer, question.setting)
            found.extend([setting] if setting else [])
            return with_setting(trainer, setting, value) if setting else trainer

        changed = known.changed(change)
        if found:
            return changed
    setting = setting_like(question.usual, question.setting) or question.setting
    return with_setting(question.usual, setting, value)
