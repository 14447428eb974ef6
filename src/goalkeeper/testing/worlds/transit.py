"""The rigged and the fair worlds of the transit game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.testing.worlds import _wired


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build an application whose answers travel bare to a system that believes whatever arrives."""
    return _wired.rigged(domain, rng)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build an application whose answers are signed and numbered."""
    return _wired.fair(domain, rng)
