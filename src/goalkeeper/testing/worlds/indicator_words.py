"""The rigged and the fair worlds of the indicator_words game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.testing.worlds import extraction


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a linear target of random weights, one for each word."""
    return extraction.rigged(domain, rng)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a target whose answers no word moves."""
    return extraction.fair(domain, rng)
