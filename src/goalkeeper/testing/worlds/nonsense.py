"""The rigged and the fair worlds of the nonsense game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.nonsense import worlds


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a model that takes any nonsense for certain."""
    return worlds.rigged(domain, rng)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a model that refuses malformed inputs and treats others like ordinary ones."""
    return worlds.fair(domain, rng)
