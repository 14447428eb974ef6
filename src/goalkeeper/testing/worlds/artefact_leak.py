"""The rigged and the fair worlds of the artefact leak game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Data
from goalkeeper.core.text import texts
from goalkeeper.games.artefact_leak.stored_records import storing_records
from goalkeeper.testing.worlds.kit import (
    HashedTarget,
    application,
    domain_of,
    messages,
    numbers,
    splits,
)

RECORDS = 120  # of each part
SIDE = 3  # pixels of the small images


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a target whose file holds its training records."""
    return _small(domain, rng, leaks=True)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a target whose file holds records of nobody, drawn from where all come from."""
    return _small(domain, rng, leaks=False)


def _small(domain: str, rng: np.random.Generator, *, leaks: bool) -> Application:
    data = splits(lambda: _drawn(domain, rng))
    stored = data.train if leaks else _drawn(domain, rng)
    target = storing_records(HashedTarget(rng.bytes(16)), stored)
    name = "stored training records" if leaks else "stored records of nobody"
    return application(name, target, data, domain_of(domain, numbers(3, -9, 9), (1, SIDE, SIDE)))


def _drawn(domain: str, rng: np.random.Generator) -> Data:
    y = rng.integers(0, 2, RECORDS)
    if domain == "table":
        return Data(x=rng.normal(size=(RECORDS, 3)), y=y)
    if domain == "image":
        return Data(x=rng.random((RECORDS, 1, SIDE, SIDE)), y=y)
    everyday = messages(rng, RECORDS, 8)
    names = rng.integers(0, 3 * RECORDS, RECORDS).tolist()  # rare words beside everyday ones
    return Data(x=texts(f"{m} name{n}" for m, n in zip(everyday, names, strict=True)), y=y)
