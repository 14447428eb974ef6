"""The rigged and the fair worlds of the model_family game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.model_family.closed_form import closed_form_victims
from goalkeeper.games.shared.hidden_victims import replace_victims
from goalkeeper.testing.worlds._wide_table import wide_table
from goalkeeper.testing.worlds.kit import HashedTarget


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a wide table whose victims are of each family in closed form."""
    app = wide_table(rng, hashed=False)
    return replace_victims(app, closed_form_victims(app))


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a wide table whose victims answer alike, whatever their family."""
    app = wide_table(rng, hashed=True)
    return replace_victims(app, lambda kind, rng: HashedTarget(rng.bytes(16)))
