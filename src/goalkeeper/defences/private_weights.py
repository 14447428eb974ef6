"""Add noise to the weights of a logistic regression: differential privacy."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from goalkeeper.core.application import Application
from goalkeeper.core.errors import TargetError
from goalkeeper.core.goals import Goal
from goalkeeper.defences._training import NO_RECIPE, inner_trainer, noting_noise, retrained
from goalkeeper.defences.base import RETRAINED, Defence, Settings
from goalkeeper.training import SklearnTrainer


class PrivateWeightsSettings(Settings):
    """How private."""

    epsilon: float = Field(default=1.0, gt=0, description="privacy of each record; less is more")
    delta: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="probability with which that may fail (default: a tenth of one record's share)",
    )
    strength: float = Field(
        default=0.01,
        gt=0,
        description="C of the regression: less needs less noise, and fits less closely",
    )


class PrivateWeights(Defence[PrivateWeightsSettings]):
    """What one record can change is bounded, and hidden in noise.

    Chaudhuri, Monteleoni and Sarwate 2011, Differentially private empirical risk minimization,
    JMLR 12. It covers the weights alone: a vocabulary, scales or categories that preprocessing
    takes from the records are not private by it.
    """

    about: ClassVar[str] = (
        "add noise to the weights of a regularised logistic regression, so that they are "
        "differentially private"
    )
    works: ClassVar[str] = (
        "there are enough records for the noise to average out; it also bounds attacks that "
        "nobody knows yet"
    )
    price: ClassVar[str] = "the noise costs accuracy, the more the fewer records there are"
    adaptive: ClassVar[str] = RETRAINED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.PRIVACY})
    families: ClassVar[frozenset[str]] = frozenset({
        "membership", "attribute", "inversion", "property",
    })  # fmt: skip
    settings: ClassVar[type[PrivateWeightsSettings]] = PrivateWeightsSettings

    def lacks(self, app: Application) -> str:
        """Need a logistic regression of two classes as the last step."""
        if app.trainer is None:
            return NO_RECIPE
        if len(app.classes) != 2:
            return "it has more than two classes"
        return "" if _name(app) is not None else "its model is no logistic regression"

    def candidates(self, app: Application) -> Sequence[PrivateWeightsSettings]:
        """Try less and more privacy."""
        return tuple(PrivateWeightsSettings(epsilon=epsilon) for epsilon in (8.0, 1.0))

    def apply(self, app: Application, settings: PrivateWeightsSettings) -> Application:
        """Train again."""
        from goalkeeper.defences._private_regression import PrivateLogisticRegression

        trainer, name = inner_trainer(app), _name(app)
        if not isinstance(trainer, SklearnTrainer) or name is None:
            raise TargetError(self.lacks(app))
        delta = settings.delta or 0.1 / len(app.data.train)
        private = PrivateLogisticRegression(
            settings.epsilon, delta, C=settings.strength, random_state=0
        )
        estimator: Any = private
        if name:
            estimator = copy.deepcopy(trainer.estimator).set_params(**{name: private})
        changed = SklearnTrainer(
            estimator, trainer.classes, trainer.domain, compute=trainer.compute
        )
        return noting_noise(retrained(app, changed))


def _name(app: Application) -> str | None:
    """Name the step that is a logistic regression; empty: the estimator itself is; None: none."""
    from sklearn.linear_model import LogisticRegression

    trainer = inner_trainer(app)
    if not isinstance(trainer, SklearnTrainer):
        return None
    steps = getattr(trainer.estimator, "steps", [("", trainer.estimator)])
    name, last = steps[-1]
    return name if type(last) is LogisticRegression else None
