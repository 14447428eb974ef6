"""The rigged and the fair worlds of the chosen_inputs game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.testing.worlds import _wired


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build an application whose model errs on many inputs."""
    return _wired.rigged(domain, rng)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build an application whose model never errs."""
    return _wired.fair(domain, rng)
