"""A mail filter in a system that reacts to it, and accesses to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Application, Wiring
from goalkeeper.core.power import Budget, Capability, Power, View
from goalkeeper.testing.worlds.readings import ReadingTarget, reading_application


def mail(careless: float = 0.0) -> Application:
    """The first number of a row is how harmful it is."""
    app = reading_application(
        "mail", "table", ReadingTarget(careless=careless), np.random.default_rng(0)
    )
    return replace(app, wiring=Wiring(reactions={"harmless": "inbox", "harmful": "bin"}))


def door(*, app: Application | None = None, transit: bool = True, queries: float = 0.0) -> Access:
    cells = Capability.O if transit else Capability.M2
    power = Power(capabilities=cells, view=View.LABELS, budget=Budget(queries=queries))
    terms = Terms(granted=power, rng=np.random.default_rng(1), victim=np.random.SeedSequence(2))
    return Access(app or mail(), terms)
