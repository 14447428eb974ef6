"""Leave out training records that make a model of trusted records worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from goalkeeper.core.application import Application, Trainer
from goalkeeper.core.data import Bools, Data, Ints
from goalkeeper.core.errors import DataError
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import View
from goalkeeper.defences._training import NO_RECIPE, PreparingTrainer, retrained, trainer_of
from goalkeeper.defences.base import RETRAINED, Defence, Settings

FEWEST = 10  # trusted records of each class, half of which a model learns from


class ImpactSettings(Settings):
    """How records are judged."""

    blocks: int = Field(default=20, ge=2, le=1000, description="blocks, each judged as a whole")
    drop: float = Field(
        default=0.02,
        ge=0,
        lt=1,
        description="accuracy on trusted records that a block may cost and still be kept",
    )


class NegativeImpact(Defence[ImpactSettings]):
    """A record that lowers accuracy where it is certain what is right does not help.

    Reject on negative impact: Nelson et al. 2008, Exploiting machine learning to subvert your spam
    filter, LEET. Half of the calibration part is learnt from and the other half judged by. Records
    are judged in blocks, so that few models are trained. The records of each class are ordered by
    how well a model of the trusted ones fits them, so that what an attacker added lies close
    together.
    """

    about: ClassVar[str] = (
        "leave out blocks of training records that lower the accuracy of a model of trusted records"
    )
    works: ClassVar[str] = (
        "the trusted records (the calibration part) are out of the attacker's reach, and its "
        "records do harm by themselves; those with a trigger do none that accuracy shows"
    )
    price: ClassVar[str] = (
        "unusual but true records may be left out as well, and each training needs a small one for "
        "each block"
    )
    adaptive: ClassVar[str] = RETRAINED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.AVAILABILITY, Goal.INTEGRITY})
    families: ClassVar[frozenset[str]] = frozenset({"poisoning", "teaching"})
    settings: ClassVar[type[ImpactSettings]] = ImpactSettings

    def lacks(self, app: Application) -> str:
        """Need a recipe, scores, and trusted records of each class."""
        if app.trainer is None:
            return NO_RECIPE
        if app.target.offers < View.SCORES:
            return "the model gives no scores"
        rarest = np.bincount(app.data.calibration.y, minlength=len(app.classes)).min()
        few = f"a class has fewer than {FEWEST} trusted records (the calibration part)"
        return few if rarest < FEWEST else ""

    def candidates(self, app: Application) -> Sequence[ImpactSettings]:
        """Try a large and a small drop."""
        return tuple(ImpactSettings(drop=drop) for drop in (0.02, 0.005))

    def apply(self, app: Application, settings: ImpactSettings) -> Application:
        """Train again."""
        trainer = trainer_of(app)
        words = f"without negative impact (blocks={settings.blocks}, drop={settings.drop:g})"
        prepare = ImpactJudge(trainer, app.data.calibration, settings)
        return retrained(app, PreparingTrainer(trainer, prepare, words))


@dataclass(frozen=True, eq=False)
class ImpactJudge:
    """Leaves out the blocks of records that lower accuracy on trusted ones."""

    trainer: Trainer
    trusted: Data
    settings: ImpactSettings

    def __call__(self, data: Data, seed: int) -> Data:
        """Return the records that are kept; all, where that would leave a class empty."""
        kept = self.kept(data, seed)
        complete = len(np.unique(data.y[kept])) == len(np.unique(data.y))
        return data.take(kept) if complete else data

    def kept(self, data: Data, seed: int) -> Bools:
        """Return which records `(n,)` are in a block that costs no more than is allowed."""
        base, judge = self._halves(seed)
        both = base.joined(data)
        block = np.concatenate([np.full(len(base), -1), self._blocks(base, data, seed)])
        masks = (block == -1) | (block == np.arange(-1, self.settings.blocks)[:, None])
        try:
            models = self.trainer.fit_many(both, masks, [seed] * len(masks))
        except DataError:  # too few records for this recipe
            return np.ones(len(data), dtype=bool)
        right = (models.labels(judge.x) == judge.y).mean(axis=1)
        refused = np.flatnonzero(right[1:] < right[0] - self.settings.drop)
        return np.asarray(~np.isin(block[len(base) :], refused))

    def _halves(self, seed: int) -> tuple[Data, Data]:
        """Halve each class of the trusted records: one to learn from, one to judge by."""
        order = np.random.default_rng(seed).permutation(len(self.trusted))
        order = order[np.argsort(self.trusted.y[order], kind="stable")]
        return self.trusted.take(order[::2]), self.trusted.take(order[1::2])

    def _blocks(self, base: Data, data: Data, seed: int) -> Ints:
        """Return the block of each record `(n,)`, by the loss of a model of trusted records.

        Records of each class are ordered by themselves, so that every block has its part of them:
        a block of one class alone would do harm by its number.
        """
        shown = self.trainer.fit(base, seed).answer(data.x, View.SCORES).scores
        own = shown[np.arange(len(data)), data.y]
        block = np.empty(len(data), dtype=np.int64)
        for label in np.unique(data.y):
            rows = np.flatnonzero(data.y == label)
            rows = rows[np.argsort(own[rows], kind="stable")]
            block[rows] = np.arange(len(rows)) * self.settings.blocks // len(rows)
        return block
