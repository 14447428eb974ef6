"""The rigged and the fair worlds of the teaching game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.teaching import worlds


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a learner that believes the nearest record, unreviewed and unwatched."""
    return worlds.rigged(domain, rng)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a learner that takes nothing from its feedback but a little noise."""
    return worlds.fair(domain, rng)
