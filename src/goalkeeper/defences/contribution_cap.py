"""Cap what one contributor adds to the training data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.errors import TargetError
from goalkeeper.core.goals import Goal
from goalkeeper.defences._training import NO_RECIPE, PreparingTrainer, retrained, trainer_of
from goalkeeper.defences.base import Defence, Settings

SHARES = (0.05, 0.01, 0.002)
LOST = 0.1  # of the honest records, at most, in what is tried


class ContributionSettings(Settings):
    """How much one contributor may add."""

    share: float = Field(
        default=0.01, gt=0, lt=1, description="most of the records that come from one contributor"
    )


class ContributionCap(Defence[ContributionSettings]):
    """Who is one among many decides little, whatever it contributes.

    Records whose contributor is not known count as those of one contributor. Which records of a
    contributor stay is drawn at random.
    """

    about: ClassVar[str] = (
        "train on no more than a share of the records from one contributor (the person column)"
    )
    works: ClassVar[str] = (
        "accounts are hard to come by, and the attacker cannot change the records of others"
    )
    price: ClassVar[str] = "what diligent contributors add beyond the cap is lost"
    adaptive: ClassVar[str] = (
        "each retraining caps the attacker's records as those of as many contributors as it has "
        "accounts; records of others that it changes count as theirs"
    )
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.AVAILABILITY, Goal.INTEGRITY})
    families: ClassVar[frozenset[str]] = frozenset({"poisoning"})
    settings: ClassVar[type[ContributionSettings]] = ContributionSettings

    def lacks(self, app: Application) -> str:
        """Need a recipe, and the contributor of each record."""
        if app.trainer is None:
            return NO_RECIPE
        if app.person is None or app.person not in app.data.train.columns:
            return "it is not known which person contributed which record (data: person)"
        return "" if self.candidates(app) else "few contributors have most of the records"

    def candidates(self, app: Application) -> Sequence[ContributionSettings]:
        """Try caps that hardly any honest record exceeds."""
        data = app.data.train
        tried = [(share, Capper(app.person or "", share)) for share in SHARES]
        return tuple(
            ContributionSettings(share=share)
            for share, capper in tried
            if capper.kept(data, 0).mean() >= 1 - LOST
        )

    def apply(self, app: Application, settings: ContributionSettings) -> Application:
        """Train again."""
        if app.person is None:
            raise TargetError(self.lacks(app))
        trainer = PreparingTrainer(
            trainer_of(app),
            Capper(app.person, settings.share),
            f"capped contributions (share={settings.share:g})",
            frozenset({app.person}),
        )
        return retrained(app, trainer)


@dataclass(frozen=True, eq=False)
class Capper:
    """Keeps so many records of each contributor at most."""

    column: str
    share: float

    def __call__(self, data: Data, seed: int) -> Data:
        """Return the records that are kept; all, where that would leave a class empty.

        All as well where it is not known who contributed them, as in data of an attacker.
        """
        if self.column not in data.columns:
            return data
        kept = self.kept(data, seed)
        complete = len(np.unique(data.y[kept])) == len(np.unique(data.y))
        return data.take(kept) if complete else data

    def kept(self, data: Data, seed: int) -> Bools:
        """Return which records `(n,)` are among the first of their contributor in random order."""
        most = max(1, int(self.share * len(data)))
        order = np.random.default_rng(seed).permutation(len(data))
        names = np.array([str(name) for name in data.columns[self.column][order]])
        _, who, counts = np.unique(names, return_inverse=True, return_counts=True)
        starts = np.cumsum(counts) - counts
        grouped = np.argsort(who, kind="stable")
        rank = np.empty(len(data), dtype=np.int64)
        rank[grouped] = np.arange(len(data)) - starts[who[grouped]]
        kept = np.empty(len(data), dtype=bool)
        kept[order] = rank < most
        return kept
