"""The rigged and the fair worlds of the linkage game."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Inputs
from goalkeeper.core.text import texts
from goalkeeper.games.linkage.person_codes import person_codes
from goalkeeper.testing.worlds.kit import HashedTarget, application, domain_of, numbers, splits

PEOPLE = 40
EACH = 2  # records of each person in each part
SIDE = 3  # pixels of the small images


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a target whose scores are a code of the person."""
    app = fair(domain, rng)
    return replace(app, target=person_codes(app))


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a target whose answers say nothing of anyone."""
    target = HashedTarget(rng.bytes(16))
    data = splits(lambda: _drawn(domain, rng))
    world = domain_of(domain, numbers(3, 0, 1), (1, SIDE, SIDE))
    return replace(application("answers of nobody", target, data, world), person="person")


def _drawn(domain: str, rng: np.random.Generator) -> Data:
    people = rng.permutation(np.repeat(np.arange(PEOPLE), EACH))
    rows = rng.random((len(people), SIDE * SIDE))
    x: Inputs = rows[:, :3] if domain == "table" else rows.reshape(-1, 1, SIDE, SIDE)
    if domain == "text":
        x = texts(" ".join(f"{value:.6f}" for value in row[:3]) for row in rows)
    y = rng.integers(0, 2, len(people))
    return Data(x=x, y=y, columns={"person": people.astype(str).astype(object)})
