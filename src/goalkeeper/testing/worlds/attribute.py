"""The rigged and the fair worlds of the attribute game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.attribute.targets import toy


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a target that recognises the hidden value of its records."""
    return toy(rng, tells=True)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a target that ignores its records."""
    return toy(rng, tells=False)
