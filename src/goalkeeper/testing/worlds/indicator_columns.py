"""The rigged and the fair worlds of the indicator_columns game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.testing.worlds._wide_table import wide_table


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a linear target that half of the columns of a wide table move."""
    return wide_table(rng, hashed=False)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a target whose answers no column moves."""
    return wide_table(rng, hashed=True)
