"""The rigged and the fair worlds of the bit_flips game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.testing.worlds import _tampering


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build an application with few numbers, of which each decides."""
    return _tampering.rigged(domain, rng)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build an application with many copies of each number, of which the median counts."""
    return _tampering.fair(domain, rng)
