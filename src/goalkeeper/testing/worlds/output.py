"""The rigged and the fair worlds of the output game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.output import worlds


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a careless model in a system that believes whatever arrives."""
    return worlds.rigged(domain, rng)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a model without mistakes in a system that notices everything."""
    return worlds.fair(domain, rng)
