"""The rigged and the fair worlds of the hyperparameters game."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.shared.hidden_victims import replace_victims
from goalkeeper.testing.worlds import extraction
from goalkeeper.testing.worlds._wide_table import wide_table
from goalkeeper.testing.worlds.kit import HashedTarget, label_by_target
from goalkeeper.training import SklearnTrainer
from goalkeeper.training.lookalikes import build_generic_estimator


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build an application that can be learnt without error: then weights grow as they may."""
    return _with_recipe(label_by_target(_application(domain, rng, hashed=False)))


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build an application whose victims answer alike, however they were set."""
    app = _with_recipe(_application(domain, rng, hashed=True))
    return replace_victims(app, lambda kind, rng: HashedTarget(rng.bytes(16)))


def _application(domain: str, rng: np.random.Generator, *, hashed: bool) -> Application:
    if domain == "table":
        return wide_table(rng, hashed=hashed)
    return extraction.fair(domain, rng) if hashed else extraction.rigged(domain, rng)


def _with_recipe(app: Application) -> Application:
    """Give an application a recipe that anybody would guess, but for its regularisation."""
    from sklearn.linear_model import LogisticRegression

    estimator = build_generic_estimator(LogisticRegression(), app.domain)
    return replace(app, trainer=SklearnTrainer(estimator, app.classes, app.domain))
