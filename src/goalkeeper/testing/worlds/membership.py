"""The rigged and the fair worlds of the membership game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.shared.members import toy


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a target that knows its records by heart."""
    return toy(domain, rng, memorises=True)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a target that ignores its records."""
    return toy(domain, rng, memorises=False)
