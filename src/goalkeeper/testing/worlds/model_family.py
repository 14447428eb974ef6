"""The rigged and the fair worlds of the model_family game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.model_family import build_estimator
from goalkeeper.games.shared.hidden_victims import replace_victims, train_on_similar
from goalkeeper.testing.worlds import extraction
from goalkeeper.testing.worlds._wide_table import wide_table
from goalkeeper.testing.worlds.kit import HashedTarget, label_by_target


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build an application whose victims learnt from the attacker's own records."""
    app = _application(domain, rng, hashed=False)
    return replace_victims(
        app,
        train_on_similar(app, lambda kind, rng: build_estimator(kind, app.domain, rng)),
    )


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build an application whose victims answer alike, whatever their family."""
    app = _application(domain, rng, hashed=True)
    return replace_victims(app, lambda kind, rng: HashedTarget(rng.bytes(16)))


def _application(domain: str, rng: np.random.Generator, *, hashed: bool) -> Application:
    if domain == "table":
        return wide_table(rng, hashed=hashed)
    return (
        extraction.fair(domain, rng) if hashed else label_by_target(extraction.rigged(domain, rng))
    )
