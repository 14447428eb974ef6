"""An untrained scikit-learn estimator or pipeline, or whatever has the same methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from goalkeeper.core.application import Target
from goalkeeper.core.data import Data
from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import DataError, TargetError
from goalkeeper.describe.kinds._frames import (
    domain_of,
    refuse_no_classifier,
    refusing_missing,
    unseen_columns,
    with_words_or_categories,
)
from goalkeeper.describe.kinds.base import BuiltKind, Model, ModelContext
from goalkeeper.describe.problems import problem

SEED = 0
FILL = (
    "let the pipeline fill them in (SimpleImputer), take the records out, or leave the columns "
    "out: data.drop"
)


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
        from goalkeeper.training.recipes import refuse_unsorted_priors

        refuse_no_classifier(built)
        refuse_unsorted_priors(built, context.classes)

        def trained(domain: Domain) -> tuple[Target, SklearnTrainer]:
            trainer = SklearnTrainer(built, context.classes, domain, compute=context.compute)
            return trainer.fit(context.splits.train, SEED), trainer

        domain = domain_of(built, context.domain)
        try:
            (target, trainer), domain, notes = with_words_or_categories(domain, trained)
        except (DataError, TargetError) as error:
            raise self._explained(error, built, domain, context) from error
        return Model(
            target=target,
            trainer=trainer,
            domain=domain,
            compute=context.cpu_settings,
            caveats=(*notes, *unseen_columns(getattr(target, "model", None), domain)),
        )

    def _explained(
        self, error: Exception, built: Any, domain: Domain, context: ModelContext
    ) -> Exception:
        """Find out whether missing values are why the estimator cannot be trained."""
        from goalkeeper.training import SklearnTrainer

        def attempt(some: Domain, data: Data) -> object:
            trainer = SklearnTrainer(built, context.classes, some, compute=context.compute)
            return trainer.fit(data, SEED)

        why = refusing_missing(
            domain,
            context.splits.train,
            lambda data: with_words_or_categories(domain, lambda some: attempt(some, data)),
        )
        if not why:
            return error
        document = context.references.document
        return problem(document, ("data",), why, advice=FILL, given=_short(error))


def _short(error: Exception) -> str:
    return " ".join(str(error.__cause__ or error).split())[:200]
