"""The family of a model, by comparing its answers with those of own models of every family."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks._asked_lines import AskedLines
from goalkeeper.attacks._row_design import RowDesign
from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.application import Target
from goalkeeper.core.data import Data, Floats, Ints
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import DataError, GoalkeeperError
from goalkeeper.core.power import Budget, Grade, Knowledge, Power, View
from goalkeeper.games.model_family import ModelFamilyInference, VictimKinds, build_estimator
from goalkeeper.training import SklearnTrainer, plain_rows

UNLABELLED = 200  # rows that the first victim labels, where no data is at hand, at most


@final
@dataclass(frozen=True, kw_only=True)
class FamilyGuess(Attack[VictimKinds, Ints]):
    """Ask own models of every family what the victims are asked, and learn what distinguishes them.

    The rows are the same for all: single ones, long and short lines between records, and lines
    along single columns. How often answers do not change at all, how they bend, whether all scores
    are multiples of one fraction, and what a linear fit leaves over are the features; a forest
    of randomised trees learns the family from those of own models.

    Settings
    --------
    models
        Own models of each family, with settings drawn within what is usual.
    asked
        Rows asked of each victim, at most.

    Deviations: the paper distinguishes architectures of networks by raw answers to fixed queries;
    here features of answers distinguish families, because own models see other records.
    """

    game: ClassVar[type[ModelFamilyInference]] = ModelFamilyInference
    variant: ClassVar[str] = "internals.family_guess"
    reference: ClassVar[str] = (
        "Oh, Augustin, Schiele, Fritz: Towards Reverse-Engineering Black-Box Neural Networks "
        "(ICLR 2018), section 4"
    )
    domains: ClassVar[frozenset[str]] = frozenset({"table"})
    tasks: ClassVar[tuple[str, ...]] = ("model-family",)
    uses: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.PARTIAL))
    most: ClassVar[Budget] = Budget(queries=1000, share=0.0, compute_h=1.0)
    models: int = 8
    asked: int = 600

    def run(self, question: VictimKinds, access: Access) -> Ints:
        """Guess the family of every victim."""
        from sklearn.ensemble import ExtraTreesClassifier

        domain = access.domain
        if not isinstance(domain, TableDomain):
            raise DataError(f"this attack needs rows of a table, the inputs are {domain.kind}s")
        doors = access.victims()
        own = _own_data(access, doors[0])
        left = min(int(min(door.left()[0], 2**31)) for door in doors)
        if not left or len(np.unique(own.y)) < 2:  # nothing can be asked, or no model be trained
            return np.zeros(len(doors), dtype=np.int64)
        rows = np.asarray(own.x, dtype=np.float64)
        asked = AskedLines.draw(domain, rows, min(self.asked, left), access.rng)
        features, families = self._learn(question, access, own, asked)
        found = np.array([asked.describe(_ask(door, asked.rows)) for door in doors])
        seed = int(access.rng.integers(2**31))
        trees = ExtraTreesClassifier(300, random_state=seed).fit(features, families)
        return np.asarray(trees.predict(found), dtype=np.int64)

    def _learn(
        self, question: VictimKinds, access: Access, own: Data, asked: AskedLines
    ) -> tuple[Floats, Ints]:
        """Train own models, and return the features `(m, f)` and family `(m,)` of each."""
        rng, domain = access.rng, plain_rows(access.domain)
        features, families = [], []
        for family in np.repeat(np.arange(len(question.names)), self.models).tolist():
            size = max(2, min(question.records, int(0.8 * len(own))))
            part = own.take(rng.permutation(len(own))[:size])
            estimator = build_estimator(family, access.domain, rng)
            trainer = SklearnTrainer(estimator, access.classes, domain)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # nearly converged is good enough
                try:
                    model = trainer.fit(part, int(rng.integers(2**31)))
                    found = asked.describe(_scores(model, asked.rows))
                except GoalkeeperError:  # too few records of a class for this family
                    continue
            features.append(found)
            families.append(family)
        if not features:
            raise DataError("no model of any family can be trained on the attacker's records")
        return np.array(features), np.array(families, dtype=np.int64)


def _own_data(access: Access, door: Access) -> Data:
    """Return similar data; without any, rows of the domain that the first victim labels."""
    if access.granted.knowledge.data >= Grade.PARTIAL:
        return access.data()
    domain = access.domain
    if not isinstance(domain, TableDomain):
        raise DataError(f"this attack needs rows of a table, the inputs are {domain.kind}s")
    spare = int(min(door.left()[0], 2**31)) // 3
    rows = RowDesign.of(domain).draw_mixed(min(UNLABELLED, spare), access.rng)
    return Data(x=rows, y=door.query(rows).labels)


def _ask(door: Access, rows: Floats) -> Floats:
    return door.query(rows).scores


def _scores(model: Target, rows: Floats) -> Floats:
    return model.answer(rows, View.SCORES).scores
