"""The rigged and the fair worlds of the property game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.property.toys import toy


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build models that answer with the share itself."""
    return toy(domain, rng, tells=True)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build models that ignore their training data."""
    return toy(domain, rng, tells=False)
