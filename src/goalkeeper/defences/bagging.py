"""Let several models vote, each trained on a part of the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from goalkeeper.core.application import Answers, Application, Ensemble, Target, Trainer
from goalkeeper.core.data import Bools, Data, Ints, row_keys
from goalkeeper.core.errors import DataError, NotOffered
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import View
from goalkeeper.core.retrained import columns_read_by
from goalkeeper.defences._training import NO_RECIPE, retrained, trainer_of
from goalkeeper.defences.base import RETRAINED, Defence, Settings
from goalkeeper.training import fit_one_by_one

PARTS = (3, 9, 25)  # odd, so that two classes do not tie
RECORDS = 10  # of the rarest class for each part, so that hardly any part lacks it


class BaggingSettings(Settings):
    """How many models."""

    parts: int = Field(default=9, ge=3, le=500, description="disjoint parts, and models that vote")


class Bagging(Defence[BaggingSettings]):
    """A record reaches one model alone, so that a few records change few votes.

    Deep partition aggregation: Levine and Feizi 2021, Deep partition aggregation: provable
    defenses against general poisoning attacks, ICLR.
    """

    about: ClassVar[str] = (
        "let several models vote, each trained on its own part of the records, so that a few "
        "records change few votes"
    )
    works: ClassVar[str] = (
        "the attacker's records are fewer than half the difference of votes, and there are "
        "enough records for each part"
    )
    price: ClassVar[str] = "each model learns from fewer records, and answers take longer"
    adaptive: ClassVar[str] = RETRAINED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.AVAILABILITY, Goal.PRIVACY})
    families: ClassVar[frozenset[str]] = frozenset({"poisoning", "teaching", "membership"})
    settings: ClassVar[type[BaggingSettings]] = BaggingSettings

    def lacks(self, app: Application) -> str:
        """Need a recipe, and enough records for the parts."""
        if app.trainer is None:
            return NO_RECIPE
        few = _rarest(app) < RECORDS * PARTS[0]
        return "a class has too few training records to be parted" if few else ""

    def candidates(self, app: Application) -> Sequence[BaggingSettings]:
        """Try numbers of parts that leave each part some records of each class."""
        rarest = _rarest(app)
        return tuple(BaggingSettings(parts=n) for n in PARTS if rarest >= RECORDS * n)

    def apply(self, app: Application, settings: BaggingSettings) -> Application:
        """Train again."""
        return retrained(app, BaggingTrainer(trainer_of(app), settings.parts, len(app.classes)))


def _rarest(app: Application) -> int:
    return int(np.bincount(app.data.train.y, minlength=len(app.classes)).min())


@dataclass(frozen=True, eq=False)
class BaggingTrainer:
    """Train one model on each part; which part a record is in, its own content decides."""

    inner: Trainer
    parts: int
    classes: int

    @property
    def recipe(self) -> str:
        """The recipe of each model, and how many vote."""
        return f"vote of {self.parts} parts > {self.inner.recipe}"

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target; raises DataError where a part lacks a class."""
        place = np.array([int.from_bytes(key[:8], "big") for key in row_keys(data.x)], dtype=object)
        masks = np.asarray((place % self.parts)[None, :] == np.arange(self.parts)[:, None], bool)
        for i, mask in enumerate(masks):
            if len(np.unique(data.y[mask])) < len(np.unique(data.y)):
                raise DataError(f"part {i} of {self.parts} lacks a class; use fewer parts")
        models = self.inner.fit_many(data, masks, [seed] * self.parts)
        return VotingTarget(models, self.classes)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`, with N seeds."""
        return fit_one_by_one(self.fit, data, masks, seeds, 1, columns_read_by(self.inner))


@dataclass(frozen=True, eq=False)
class VotingTarget:
    """Several models; scores are the shares of their votes."""

    models: Ensemble
    classes: int
    hides_scores = True  # who has the models can read more than votes

    @property
    def offers(self) -> View:
        """Shares of votes."""
        return View.SCORES

    def answer(self, x: Any, view: View) -> Answers:
        """Answer inputs `(n, ...)`; of classes with as many votes the first wins."""
        if view > View.SCORES:
            raise NotOffered(f"a vote gives shares of votes, not {view.name.lower()}")
        votes = self._count(self.models.labels(x) if len(x) else np.empty((1, 0), dtype=np.int64))
        shares = votes / len(self.models)
        return Answers(shares.argmax(axis=1), shares).cut(view)

    def parameters(self) -> Mapping[str, Any]:
        """Refuse: a vote has no parameters of its own."""
        raise NotOffered("a vote of several models has no parameters that can be read together")

    def artefact(self) -> Path:
        """Refuse: the vote is not stored."""
        raise NotOffered("no stored file of the vote is known")

    def _count(self, labels: Ints) -> Ints:
        return np.asarray((labels[:, :, None] == np.arange(self.classes)).sum(axis=0))
