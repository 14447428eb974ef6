"""The family of a model, by the shape of its answers along straight lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.model_family._lines import Lines, Shape, fraction
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import DataError
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.model_family import ModelFamilyInference, VictimKinds

JUMPS = 0.5  # share of steps without any change from which on a model is piecewise constant
MOST_NEIGHBOURS = 40
OBLIQUE = 0.3  # share of columns that a tree's boundary never lies across


@final
@dataclass(frozen=True, kw_only=True)
class FamilyGuess(Attack[VictimKinds, Ints]):
    """Query along short lines through the boundary, and examine differences of the log-odds.

    Nothing changes for most steps: a tree; or nearest neighbours, if all scores are multiples of
    one fraction and small steps along most columns cross the boundary. No bends: linear. Straight
    between a few bends: a network of rectified units. One and the same bend everywhere: naive Bayes
    of normal columns, whose log-odds are parabolas. Bends that change everywhere: a kernel.

    Settings
    --------
    tries
        Rows asked to find the boundary.
    lines
        Lines asked, of 12 rows each.

    Deviations: the paper trains a classifier on the answers of many networks, to identify their
    architectures; the shapes of the families here follow from their definitions, so that nothing
    need be trained.
    """

    game: ClassVar[type[ModelFamilyInference]] = ModelFamilyInference
    variant: ClassVar[str] = "internals.family_guess"
    reference: ClassVar[str] = (
        "Oh, Augustin, Schiele, Fritz: Towards Reverse-Engineering Black-Box Neural Networks "
        "(ICLR 2018), for the question"
    )
    domains: ClassVar[frozenset[str]] = frozenset({"table"})
    tasks: ClassVar[tuple[str, ...]] = ("model-family",)
    uses: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.PARTIAL))
    most: ClassVar[Budget] = Budget(queries=1000, share=0.0, compute_h=1.0)
    tries: int = 40
    lines: int = 12

    def run(self, question: VictimKinds, access: Access) -> Ints:
        """Guess the family of every victim."""
        domain = access.domain
        if not isinstance(domain, TableDomain):
            raise DataError(f"this attack needs rows of a table, the inputs are {domain.kind}s")
        like = np.zeros((0, len(domain.columns)))
        if access.granted.knowledge.data >= Grade.PARTIAL:
            like = np.asarray(access.data().x, dtype=np.float64)
        named = {name: i for i, name in enumerate(question.names)}
        doors = access.victims()
        found = [named.get(self._family(door, domain, like), 0) for door in doors]
        return np.array(found, dtype=np.int64)

    def _family(self, door: Access, domain: TableDomain, like: Floats) -> str:
        lines = Lines(door, domain)
        tries = min(self.tries, lines.left())
        centres, classes = lines.centres(tries, like)
        shape = lines.shape(centres, classes, self.lines)
        if shape.flat <= JUMPS:
            return name_smooth_family(shape)
        if not fraction(shape.scores, MOST_NEIGHBOURS):
            return "tree"
        return "nearest neighbours" if lines.oblique(centres, classes) > OBLIQUE else "tree"


def name_smooth_family(shape: Shape) -> str:
    """Name the family whose answers change everywhere, by their bends."""
    if shape.straight > 0.98:
        return "linear"
    if shape.straight > 0.05:
        return "network"
    return "naive Bayes" if shape.even > 0.8 else "kernel"
