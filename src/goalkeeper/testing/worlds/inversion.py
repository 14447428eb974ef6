"""The rigged and the fair worlds of the inversion game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.inversion.targets import small


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a target that scores by likeness to the class averages."""
    return small(domain, rng, leaks=True)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build classes that differ, and a target of random weights."""
    return small(domain, rng, leaks=False)
