"""The rigged and the fair worlds of the extraction game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.shared.simple_targets import hashed_application, linear_application


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a linear target."""
    return linear_application(domain, rng)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a target whose answers are a keyed hash of the input."""
    return hashed_application(domain, rng)
