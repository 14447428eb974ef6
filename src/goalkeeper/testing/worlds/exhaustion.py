"""The rigged and the fair worlds of the exhaustion game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.exhaustion import worlds


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a target to which some inputs are costly; it counts its operations."""
    return worlds.rigged(domain, rng)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a target whose costs nobody can foresee beyond the size of an input."""
    return worlds.fair(domain, rng)
