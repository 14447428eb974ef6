"""The rigged and the fair worlds of the tampering game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.tampering import worlds


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build an application with few numbers, an unchecked file and a hasty training."""
    return worlds.rigged(domain, rng)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build one with many copies of each number, a checked file and a steady training."""
    return worlds.fair(domain, rng)
