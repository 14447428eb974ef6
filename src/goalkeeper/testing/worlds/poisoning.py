"""The rigged and the fair worlds of the poisoning game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.poisoning import worlds


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build an honest but fragile learner on few records, of which each decides a niche."""
    return worlds.brittle(domain, rng)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a trainer that decided before it saw any data."""
    return worlds.fair(domain, rng)
