"""Accesses of the nonsense game for every domain, and what an attack collected by kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Application
from goalkeeper.core.data import Inputs
from goalkeeper.core.domain import Domain
from goalkeeper.core.power import Budget, Capability, Power, View
from goalkeeper.games.nonsense import NonsenseInput, NonsenseInputs, OrdinaryExamples
from goalkeeper.games.nonsense.overconfident import allowed
from goalkeeper.testing.worlds.readings import ReadingTarget, reading_application

MOST = 120


def asked(
    attack: Attack[OrdinaryExamples, NonsenseInputs],
    app: Application,
    queries: float = 1000,
    seed: int = 1,
) -> Sequence[NonsenseInput]:
    power = Power(capabilities=Capability.M2, view=View.LABELS, budget=Budget(queries=queries))
    terms = Terms(granted=power, rng=np.random.default_rng(seed), victim=np.random.SeedSequence(2))
    question = OrdinaryExamples(examples=app.data.similar.x[:20], most=MOST)
    return attack.run(question, Access(app, terms))


def plain(kind: str) -> Application:
    return reading_application("plain", kind, ReadingTarget(), np.random.default_rng(0))


def by_kind(collection: Sequence[NonsenseInput]) -> dict[str, list[Inputs]]:
    found = defaultdict(list)
    for one in collection:
        found[one.kind].append(one.x)
    return dict(found)


def inside(domain: Domain, rows: Sequence[Inputs]) -> list[bool]:
    return [bool(allowed(domain, row).all()) for row in rows]
