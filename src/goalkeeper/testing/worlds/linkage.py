"""The rigged and the fair worlds of the linkage game."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.linkage.targets import naming, small


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a target whose scores are a code of the person."""
    app = small(domain, rng)
    return replace(app, target=naming(app))


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a target whose answers say nothing of anyone."""
    return small(domain, rng)
