"""Spread the weights of a linear model evenly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from pydantic import Field

from goalkeeper.core.application import Application, Ensemble, Target, Trainer
from goalkeeper.core.data import Bools, Data, Floats, Inputs
from goalkeeper.core.errors import NotOffered, TargetError
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import View
from goalkeeper.core.retrained import columns_read_by
from goalkeeper.defences._training import NO_RECIPE, retrained, trainer_of
from goalkeeper.defences.base import RETRAINED, Defence, Settings
from goalkeeper.training import fit_one_by_one


class Rewritable(Protocol):
    """A target whose parameters can be replaced."""

    def with_parameters(self, parameters: Any) -> Target:
        """Return the same target with other parameters."""
        ...


class EvenSettings(Settings):
    """How large a weight may be."""

    most: float = Field(
        default=3.0, ge=1, description="largest weight, as a multiple of the mean of all"
    )


class EvenWeights(Defence[EvenSettings]):
    """Where no feature decides much, an attacker has to change many.

    The weights of the trained model are bounded, each by the spread of its feature, then scale and
    bias are fitted again. Biggio, Fumera and Roli 2010, Multiple classifier systems for robust
    classifier design in adversarial environments, International Journal of Machine Learning and
    Cybernetics 1, on even weights; Demontis et al. 2017, Yes, machine learning can be more secure!
    A case study on Android malware detection, IEEE TDSC, on bounded ones.
    """

    about: ClassVar[str] = (
        "bound the weights of a linear model, so that no word or column decides much by itself"
    )
    works: ClassVar[str] = (
        "a few features decide now, many others say the same, and each change costs the attacker"
    )
    price: ClassVar[str] = "what single strong features recognised is recognised less well"
    adaptive: ClassVar[str] = RETRAINED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.INTEGRITY, Goal.CONFIDENTIALITY})
    families: ClassVar[frozenset[str]] = frozenset({"evasion", "internals"})
    settings: ClassVar[type[EvenSettings]] = EvenSettings

    def lacks(self, app: Application) -> str:
        """Need a linear model of two classes whose weights can be replaced."""
        if app.trainer is None:
            return NO_RECIPE
        if len(app.classes) != 2:
            return "it has more than two classes"
        try:
            bounded(app.target, app.data.train.take(slice(0, 0)), np.inf)
        except NotOffered:
            return "its model is not linear in a way that can be read and written"
        return ""

    def candidates(self, app: Application) -> Sequence[EvenSettings]:
        """Try a mild and a strict bound."""
        return tuple(EvenSettings(most=most) for most in (4.0, 2.0))

    def apply(self, app: Application, settings: EvenSettings) -> Application:
        """Train again."""
        return retrained(app, EvenTrainer(trainer_of(app), settings.most))


@dataclass(frozen=True, eq=False)
class EvenTrainer:
    """Bounds the weights of what another trainer has trained."""

    inner: Trainer
    most: float

    @property
    def recipe(self) -> str:
        """The recipe, and the bound."""
        return f"{self.inner.recipe} > weights of at most {self.most:g} times the mean"

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target; raises TargetError where its weights cannot be replaced."""
        try:
            return bounded(self.inner.fit(data, seed), data, self.most)
        except NotOffered as error:
            raise TargetError(f"the weights cannot be bounded: {error}") from error

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`, with N seeds."""
        return fit_one_by_one(self.fit, data, masks, seeds, 1, columns_read_by(self))


def bounded(target: Target, data: Data, most: float) -> Target:
    """Return a target whose weights are bounded, and whose scale and bias fit the records again.

    A weight counts by what its feature usually adds. Raises NotOffered where weights cannot be read
    or written; without records, nothing is fitted.
    """
    parameters = dict(target.parameters())
    if "weights" not in parameters or not hasattr(target, "with_parameters"):
        raise NotOffered("this model has no weights that can be replaced")
    weights, spread = parameters["weights"], _spread(parameters, data.x)
    size = np.abs(weights) * spread
    bound = most * size[size > 0].mean() if (size > 0).any() else np.inf
    limit = np.divide(bound, spread, out=np.full_like(weights, np.inf), where=spread > 0)
    parameters["weights"] = np.clip(weights, -limit, limit)
    if not len(data):
        return _rewrite(target, parameters)
    logits = _rewrite(target, parameters).answer(data.x, View.LOGITS).logits
    scale, shift = _refit(logits[:, 1] - logits[:, 0], data)
    parameters["weights"] = parameters["weights"] * scale
    parameters["bias"] = parameters["bias"] * scale + shift
    return _rewrite(target, parameters)


def _rewrite(target: Any, parameters: dict[str, Any]) -> Target:
    rewritable: Rewritable = target
    return rewritable.with_parameters(parameters)


def _spread(parameters: dict[str, Any], x: Inputs) -> Floats:
    """Say what each feature usually adds `(1, d)`: one rare word as much as its idf makes it."""
    width = parameters["weights"].shape[1]
    if "vocabulary" in parameters:
        return np.asarray(parameters.get("idf", np.ones(width)), dtype=np.float64)[None, :]
    if not len(x):
        return np.ones((1, width))
    design = parameters.get("design")
    features = np.asarray(x.reshape(len(x), -1) if design is None else design(x), dtype=np.float64)
    return np.asarray(np.nan_to_num(np.nanstd(features, axis=0))[None, :])


def _refit(margins: Floats, data: Data) -> tuple[float, float]:
    """Fit a scale and a shift of margins `(n,)`, which are the classes' log odds then."""
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(data.y)) < 2:
        return 1.0, 0.0
    fitted = LogisticRegression(C=1e6).fit(margins[:, None], data.y)
    scale = float(fitted.coef_[0, 0])
    return (scale, float(fitted.intercept_[0])) if scale > 0 else (1.0, 0.0)
