"""On what terms an attack is let in, and the answers that it hands in over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from goalkeeper.core.application import Application, Target
from goalkeeper.core.cost import Cost, Meter
from goalkeeper.core.data import Bools, Ints
from goalkeeper.core.power import Power
from goalkeeper.core.readonly import read_only
from goalkeeper.core.reference import EachTime, LargerQuestion, Trainings


@dataclass(frozen=True, eq=False, slots=True)
class Checkpoint:
    """An answer as it stood when this much had been spent.

    `queries` is `(campaigns,)`: what each campaign had spent at that moment.
    """

    answer: Any
    cost: Cost
    queries: Ints


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Terms:
    """On what terms an attack is let in: everything the framework decides, none of it secret.

    Parameters
    ----------
    granted
        The attacker's power, cut to what the attack declares; spending as the attacker has it.
    rng
        The attack's own random stream.
    victim
        Seeds for what the victim does because of the attack (retraining), apart from the attack's.
    campaigns
        Number of campaigns the budget is for.
    withheld
        Training rows `(rows,)` that `data()` never shows, because they are a game's secret.
    victims, campaign
        Targets that the game made, one a campaign; and the campaign that pays for one of them.
    clock
        Seconds since some start; only the runner reads time.
    reference
        Seeds of what attacks share: of reference models. Neither the game nor an attack draws from
        them.
    trainings
        Keeps what several attacks train; None: everything is trained when it is asked for.
    part_of
        The question of which this one is a part, where it is one.
    """

    granted: Power
    rng: np.random.Generator
    victim: np.random.SeedSequence
    campaigns: int = 1
    withheld: Bools | None = None
    victims: tuple[Target, ...] = ()
    campaign: int | None = None
    clock: Callable[[], float] = float
    reference: np.random.SeedSequence = field(default_factory=lambda: np.random.SeedSequence(0))
    trainings: Trainings | None = None
    part_of: LargerQuestion | None = None


class SharedTerms:
    """What all accesses of one attack run have in common: meter, rows in reach, trainings."""

    def __init__(self, app: Application, terms: Terms) -> None:
        self.meter = Meter(terms.granted.budget.queries, terms.campaigns)
        self._app, self._terms = app, terms
        self._reachable: Ints | None = None

    @property
    def trainings(self) -> Trainings:
        """What keeps the models that attacks train; without it, each is trained when asked for."""
        if self._terms.trainings is not None:
            return self._terms.trainings
        return EachTime(len(self._app.classes), self._app.compute.memory)

    def reachable(self, rows: int) -> Ints:
        """Return the attacker's own of all training rows: drawn once, when first asked for."""
        if self._reachable is None:
            controlled = int(self._terms.granted.budget.share * rows)
            rng = np.random.default_rng(self._terms.victim.spawn(1)[0])
            self._reachable = read_only(np.sort(rng.choice(rows, controlled, replace=False)))
        return self._reachable
