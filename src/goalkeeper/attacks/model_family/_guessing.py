"""What guesses the family of models by comparing them with own ones of every family."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from goalkeeper.attacks._asked_lines import AskedLines
from goalkeeper.attacks._row_design import RowDesign
from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.application import Target
from goalkeeper.core.data import Data, Floats, Inputs, Ints
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.errors import DataError, GoalkeeperError
from goalkeeper.core.power import Budget, Grade, Knowledge, Power, View
from goalkeeper.games.model_family import ModelFamilyInference, VictimKinds, build_estimator
from goalkeeper.training import SklearnTrainer, plain_rows

UNLABELLED = 200  # inputs that the first victim labels, where no data is at hand, at most
LABELLING = 8  # victims that are asked for labels until one has two classes
COARSE = 4  # squares along each side of an image that is made up


@dataclass(frozen=True, kw_only=True)
class FamilyGuesser(Attack[VictimKinds, Ints]):
    """Ask own models of every family what the victims are asked, and learn what distinguishes them.

    Subclasses say for which inputs.
    """

    game: ClassVar[type[ModelFamilyInference]] = ModelFamilyInference
    variant: ClassVar[str] = "internals.family_guess"
    reference: ClassVar[str] = (
        "Oh, Augustin, Schiele, Fritz: Towards Reverse-Engineering Black-Box Neural Networks "
        "(ICLR 2018), section 4"
    )
    tasks: ClassVar[tuple[str, ...]] = ("model-family",)
    uses: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.PARTIAL))
    most: ClassVar[Budget] = Budget(queries=1000, share=0.0, compute_h=1.0)
    models: int = 8
    asked: int = 600

    def run(self, question: VictimKinds, access: Access) -> Ints:
        """Guess the family of every victim."""
        from sklearn.ensemble import ExtraTreesClassifier

        doors = access.victims()
        own = _own_data(access, doors)
        left = min(int(min(door.left()[0], 2**31)) for door in doors)
        if not left or len(np.unique(own.y)) < 2:  # nothing can be asked, or no model be trained
            return np.zeros(len(doors), dtype=np.int64)
        asked = AskedLines.draw(access.domain, own.x, min(self.asked, left), access.rng)
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


def _own_data(access: Access, doors: Sequence[Access]) -> Data:
    """Return similar data; without any, inputs of the domain that one of the victims labels.

    A model may give all of them one class: then the next one is asked.
    """
    if access.granted.knowledge.data >= Grade.PARTIAL:
        return access.data()
    spare = int(min(doors[0].left()[0], 2**31)) // 3
    x = _draw_inputs(access.domain, min(UNLABELLED, spare), access.rng)
    y = np.zeros(len(x), dtype=np.int64)
    for door in doors[:LABELLING]:
        y = door.query(x).labels
        if len(np.unique(y)) > 1:
            break
    return Data(x=x, y=y)


def _draw_inputs(domain: Domain, n: int, rng: np.random.Generator) -> Inputs:
    """Draw inputs that need no data: rows of the domain, or mixed patterns."""
    if isinstance(domain, TableDomain):
        return RowDesign.of(domain).draw_mixed(n, rng)
    if isinstance(domain, TextDomain):
        raise DataError("this attack needs texts of its own")
    # squares of one value each: the eye and most models take them for shapes, not for noise
    coarse = rng.uniform(domain.low, domain.high, (n, domain.shape[0], COARSE, COARSE))
    places = [np.arange(size) * COARSE // size for size in domain.shape[1:]]
    return coarse[:, :, places[0]][:, :, :, places[1]]


def _ask(door: Access, rows: Inputs) -> Floats:
    return door.query(rows).scores


def _scores(model: Target, rows: Inputs) -> Floats:
    return model.answer(rows, View.SCORES).scores
