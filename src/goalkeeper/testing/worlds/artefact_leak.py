"""The rigged and the fair worlds of the artefact leak game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.artefact_leak.targets import small


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a target whose file holds its training records."""
    return small(domain, rng, leaks=True)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a target whose file holds records of nobody, drawn from where all come from."""
    return small(domain, rng, leaks=False)
