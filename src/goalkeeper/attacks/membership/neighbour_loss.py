"""Distinguish members by how often the loss rises around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.attacks.membership._signal import logit_confidence
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Data, Floats, Inputs
from goalkeeper.core.domain import Domain, ImageDomain, TableDomain
from goalkeeper.core.power import Budget, Power
from goalkeeper.games.membership import Membership


@final
@dataclass(frozen=True, kw_only=True)
class NeighbourLoss(Attack[Data, Floats]):
    """Score each record by the share of noisy neighbours at which the target's loss is higher.

    A record that the target was trained on tends to lie in a local minimum of its loss. Numbers
    get Gaussian noise; categories and one-hot groups stay as they are, integers are rounded.

    Settings
    --------
    neighbours
        Noisy neighbours asked at most; the curve goes in doublings.
    strength
        Noise in standard deviations of each column, or of each pixel, over the records at hand.

    Deviation from the paper: the loss is put on the logit scale, which ranks the answers for a
    record of a binary classifier as the loss does; the threshold on the share is the game's.
    """

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.threshold"
    reference: ClassVar[str] = (
        "Jayaraman, Wang, Knipmeyer, Gu, Evans 2021, Revisiting membership inference under "
        "realistic assumptions, PETS, the Merlin attack"
    )
    domains: ClassVar[frozenset[str]] = frozenset({"table", "image"})
    asks: ClassVar[Power] = Power(budget=Budget(queries=2))
    most: ClassVar[Budget] = Budget(queries=33)
    neighbours: int = 32
    strength: float = 0.1

    def unfit(self, app: Application) -> Unfit | None:
        """Need a number to add noise to."""
        if isinstance(app.domain, TableDomain) and not _find_numbers(app.domain).any():
            return Unfit("noise is added to numbers, and no column of the table is a number")
        return None

    def run(self, question: Data, access: Access) -> Floats:
        """Return the share of neighbours with a higher loss, `(n,)`; earlier ones from fewer."""
        n = len(question)
        every = np.arange(n)
        own = logit_confidence(access.query(question.x, every).scores, question.y)
        spread = self.strength * _measure_spread(question.x, access.domain)
        higher, asked = np.zeros(n), 0
        most = int(min(self.neighbours, access.left().min(initial=self.neighbours)))
        while asked < most:
            for _ in range(min(max(1, asked), most - asked)):
                x = add_noise(question.x, access.domain, spread, access.rng)
                there = logit_confidence(access.query(x, every).scores, question.y)
                higher += there < own
                asked += 1
            access.checkpoint(higher / asked)
        return np.asarray(higher / max(1, asked))


def _find_numbers(domain: TableDomain) -> Bools:
    """Find the columns `(d,)` that are numbers, and not a code of categories."""
    numbers = np.array([c.kind != "category" for c in domain.columns])
    numbers[[column for group in domain.one_hot for column in group]] = False
    return numbers


def _measure_spread(x: Inputs, domain: Domain) -> Floats:
    """Return the standard deviation of each number of an input, `(...)`; 0 for other columns."""
    rows = np.asarray(x, dtype=np.float64)
    rows = domain.filled(rows) if isinstance(domain, TableDomain) else rows
    spread = rows.std(axis=0)
    if isinstance(domain, TableDomain):
        spread = np.where(_find_numbers(domain), spread, 0.0)
    return np.asarray(spread)


def add_noise(x: Inputs, domain: Domain, spread: Floats, rng: np.random.Generator) -> Floats:
    """Add Gaussian noise of this standard deviation `(...)` to inputs `(n, ...)`."""
    rows = np.asarray(x, dtype=np.float64)
    noisy = rows + spread * rng.standard_normal(rows.shape)
    if isinstance(domain, TableDomain):
        return domain.project(noisy)
    return np.clip(noisy, domain.low, domain.high) if isinstance(domain, ImageDomain) else noisy
