"""The rigged and the fair worlds of the hyperparameters game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.shared.hidden_victims import replace_victims
from goalkeeper.testing.worlds import extraction
from goalkeeper.testing.worlds._wide_table import wide_table
from goalkeeper.testing.worlds.kit import HashedTarget


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build an application whose victims are trained as the game always does."""
    return extraction.rigged(domain, rng) if domain == "text" else wide_table(rng, hashed=False)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build an application whose victims answer alike, however they were regularised."""
    app = extraction.fair(domain, rng) if domain == "text" else wide_table(rng, hashed=True)
    return replace_victims(app, lambda kind, rng: HashedTarget(rng.bytes(16)))
