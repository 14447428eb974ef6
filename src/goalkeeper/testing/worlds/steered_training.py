"""The rigged and the fair worlds of the steered_training game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.testing.worlds import _tampering


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build an application with a training in large steps, record by record."""
    return _tampering.rigged(domain, rng)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build an application with a training that neither order nor weights change."""
    return _tampering.fair(domain, rng)
