"""An untrained scikit-learn estimator or pipeline, or whatever has the same methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from goalkeeper.describe.kinds._frames import domain_of
from goalkeeper.describe.kinds.base import BuiltKind, Model, ModelContext

SEED = 0


class SklearnEstimator(BuiltKind):
    """`model.build` returns an untrained estimator."""

    about = (
        "an untrained scikit-learn classifier (XGBoost and LightGBM classifiers have the same "
        "methods)"
    )
    fallback = True  # many libraries have a fit() that is not scikit-learn's

    def recognises(self, built: Any) -> bool:
        """Look for fit()."""
        return hasattr(built, "fit")

    def train(self, built: Any, build: Callable[[], Any], context: ModelContext) -> Model:
        """Train a clone of the estimator."""
        from goalkeeper.training import SklearnTrainer

        domain = domain_of(built, context.domain)
        trainer = SklearnTrainer(built, context.classes, domain, compute=context.compute)
        return Model(
            target=trainer.fit(context.splits.train, SEED),
            trainer=trainer,
            domain=domain,
            compute=context.cpu_settings,
        )
