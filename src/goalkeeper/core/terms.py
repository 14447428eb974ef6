"""On what terms an attack is let in, and the answers that it hands in over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.application import Target
from goalkeeper.core.cost import Cost
from goalkeeper.core.data import Bools, Ints
from goalkeeper.core.power import Power


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
    """

    granted: Power
    rng: np.random.Generator
    victim: np.random.SeedSequence
    campaigns: int = 1
    withheld: Bools | None = None
    victims: tuple[Target, ...] = ()
    campaign: int | None = None
    clock: Callable[[], float] = float
