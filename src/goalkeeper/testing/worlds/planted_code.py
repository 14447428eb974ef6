"""The rigged and the fair worlds of the planted_code game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.testing.worlds import _tampering


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build an application with a stored file that nothing checks."""
    return _tampering.rigged(domain, rng)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build an application with a stored file whose hash is checked."""
    return _tampering.fair(domain, rng)
