"""Substitutes: what one is, that it stands on its own, and the best one without any query."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from types import FunctionType, ModuleType
from typing import Any, Protocol

import numpy as np

from goalkeeper.core.access import Access
from goalkeeper.core.application import Application, Target, Trainer
from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import DataError, NotGranted, NotOffered
from goalkeeper.core.power import Grade, Knowledge, Power, View
from goalkeeper.training import SklearnTrainer, lookalike, plain_rows
from goalkeeper.training.kept import KeepingTrainer, KeptTrainings
from goalkeeper.training.own_models import OwnModels

PLAIN_TYPES = (str, bytes, int, float, complex, bool, type(None), np.ndarray, np.generic)


class Substitute(Protocol):
    """A copy of the target that asks the target nothing.

    It may also have `parameters`, a mapping of `weights (k, d)`, `bias (k,)` and, for texts,
    `vocabulary (d,)`, as `Target.parameters` gives them: the game then compares them too.
    """

    def predict(self, x: Inputs) -> Ints:
        """Return the classes `(n,)` of inputs `(n, ...)`."""
        ...


def predict_labels(substitute: Substitute, x: Inputs, classes: int) -> Ints:
    """Ask a substitute, and check the form of its answer.

    Raises
    ------
    DataError
        It did not give one class for every input.
    """
    labels = np.asarray(substitute.predict(x))
    if labels.shape != (len(x),) or labels.dtype.kind not in "iu":
        raise DataError(
            f"a substitute must give one class for each of {len(x)} inputs, it gave "
            f"{labels.dtype} of shape {labels.shape}; return indices of classes (n,)"
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        raise DataError(
            f"a substitute gave classes {labels.min()} to {labels.max()}, there are {classes}; "
            "return indices of classes"
        )
    return labels.astype(np.int64)


def check_standalone(substitute: Any, app: Application) -> None:
    """Check that nothing a substitute holds leads back to the target.

    All references are followed, also those that its functions close over; a guard against
    mistakes and wishful thinking, not against code that sets out to hide.

    Raises
    ------
    NotGranted
        It holds the access, the application or the target.
    """
    seen: set[int] = set()
    pending = [substitute]
    while pending:
        item = pending.pop()
        if id(item) in seen or isinstance(item, (*PLAIN_TYPES, ModuleType, type)):
            continue
        seen.add(id(item))
        if isinstance(item, Access | Application) or item is app.target:
            raise NotGranted(
                f"the substitute refers to the target through {type(item).__name__}, so it could "
                "query it; hand in a fitted model that stands on its own"
            )
        pending += _list_references(item)


def _list_references(item: Any) -> list[Any]:
    if isinstance(item, FunctionType):
        return [item.__closure__, item.__defaults__, item.__kwdefaults__, item.__dict__]
    return gc.get_referents(item)


def copy_without_queries(app: Application, attacker: Power) -> Substitute | None:
    """Train what this attacker's data gives without asking anything: with its true classes.

    Of the usual families, and of the recipe as far as the attacker knows it, the one whose models
    agree most with the target on this attacker's own data, by cross-validation: chosen better than
    the attacker could, and on other inputs than it is marked on. None without data. `attacker` is
    everything that the attacker has, whatever part of it the attack uses.
    """
    knowledge = attacker.knowledge
    if knowledge.data is Grade.NONE:
        return None
    return app.once(UnaskedCopies).of(app, knowledge)


class UnaskedCopies:
    """The best copies without any query: one for all attackers who know the same."""

    def __init__(self, app: Application) -> None:
        self._made: dict[tuple[Grade, Grade], Substitute | None] = {}

    def of(self, app: Application, knowledge: Knowledge) -> Substitute | None:
        """Train the copy of an attacker who knows this much, when first asked for."""
        key = knowledge.data, knowledge.algorithm
        if key not in self._made:
            self._made[key] = _fit_copy(app, knowledge)
        return self._made[key]


def _fit_copy(app: Application, knowledge: Knowledge) -> Substitute | None:
    data = app.data.train if knowledge.data is Grade.FULL else app.data.similar
    models = OwnModels(app.domain, _list_recipes(app, knowledge.algorithm))
    compared = data.x[models.list_compared(len(data))]
    kind = models.choose(data, app.target.answer(compared, View.LABELS).labels)
    return None if kind is None else models.fit(kind, data)


def _list_recipes(app: Application, known: Grade) -> tuple[Trainer, ...]:
    """List the recipe that `Access.trainer` gives with so much knowledge of the algorithm."""
    lookalike = app.lookalike or app.trainer
    recipe = {Grade.NONE: None, Grade.PARTIAL: lookalike, Grade.FULL: app.trainer}[known]
    return () if recipe is None else (KeepingTrainer(recipe, app.once(KeptTrainings)),)


def fit_without_queries(app: Application, attacker: Power, seed: int) -> tuple[Target, ...]:
    """Train what this attacker's data gives without asking anything: with its true classes.

    The target's own recipe and a generic one of its family: the better of the two is the best
    that can be had without access. None without data. `attacker` is everything that the attacker
    has, whatever part of it the attack uses.
    """
    knowledge = attacker.knowledge
    data = app.data.train if knowledge.data is Grade.FULL else app.data.similar
    if knowledge.data is Grade.NONE or len(np.unique(data.y)) < 2:
        return ()
    return tuple(trainer.fit(data, seed) for trainer in _list_baseline_trainers(app))


def _list_baseline_trainers(app: Application) -> tuple[Trainer, ...]:
    if app.trainer is not None:
        return app.trainer, app.lookalike or lookalike(app.trainer)
    if app.lookalike is not None:
        return (app.lookalike,)
    return (SklearnTrainer(_build_generic_model(app), app.classes, plain_rows(app.domain)),)


def _build_generic_model(app: Application) -> Any:
    from goalkeeper.training.lookalikes import build_generic_estimator

    return build_generic_estimator(None, app.domain)


# ---- parameters --------------------------------------------------------------------------------


def measure_parameter_error(
    app: Application,
    substitute: Any,
    parameters: Mapping[str, Any] | None = None,
    *,
    scale_free: bool = False,
) -> tuple[float, int] | None:
    """Compare parameters with the target's: the largest error over the largest parameter.

    Weights are compared per range of their column, up to what is common to all classes; of texts
    only the words that both know. Returns the relative error and the number of parameters that
    were compared; None where either has no parameters or they cannot be compared.

    `scale_free`: all parameters of the copy may be off by one positive factor, which labels cannot
    show; the factor that fits best is taken out.
    """
    copied = getattr(substitute, "parameters", None)
    if not isinstance(copied, Mapping):
        return None
    try:
        parameters = parameters or app.target.parameters()
    except NotOffered:
        return None
    if "weights" not in parameters or "weights" not in copied:
        return None
    if _feature_names(parameters) != _feature_names(copied):
        return None
    true, guess = _stack_parameters(parameters, app), _stack_parameters(copied, app)
    if "vocabulary" in parameters:
        if "idf" in parameters and parameters.get("norm") is None:
            return None
        true, guess = _select_shared(true, guess, parameters, copied)
    if true.shape != guess.shape or not np.abs(true).max(initial=0.0):
        return None
    if not np.isfinite(guess).all():  # a class that the copy never gives
        return None
    if scale_free and np.any(guess):
        guess = guess * max(0.0, float((true * guess).sum() / (guess**2).sum()))
    return float(np.abs(true - guess).max() / np.abs(true).max()), true.size


def _feature_names(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the features that the weights multiply; none where these are the columns or words."""
    return parameters["design"].names if "design" in parameters else ()


def _stack_parameters(parameters: Mapping[str, Any], app: Application) -> Floats:
    """Return weights with the bias as last column, `(k, d + 1)`, per range and per class."""
    weights = np.atleast_2d(np.asarray(parameters["weights"], dtype=np.float64))
    bias = np.asarray(parameters["bias"], dtype=np.float64).reshape(-1)
    domain = app.domain
    plain = "design" not in parameters and weights.shape[1] == len(getattr(domain, "columns", ()))
    if isinstance(domain, TableDomain) and plain:
        low, high = domain.bounds()
        finite = np.isfinite(low) & np.isfinite(high)
        low, high = np.where(finite, low, 0.0), np.where(finite, high, 1.0)
        bias = bias + weights @ ((low + high) / 2)
        weights = weights * (high - low)
    both = np.column_stack([weights, bias])
    if len(both) == 1:
        both = np.vstack([np.zeros_like(both), both])
    return np.asarray(both - both.mean(axis=0))


def _select_shared(
    true: Floats,
    guess: Floats,
    parameters: Mapping[str, Any],
    copied: Mapping[str, Any],
) -> tuple[Floats, Floats]:
    """Keep the words that both know, and the bias."""
    true_place = {word: i for i, word in enumerate(parameters["vocabulary"])}
    copied_place = {word: i for i, word in enumerate(copied.get("vocabulary", ()))}
    words = [word for word in copied_place if word in true_place]
    left = [*(true_place[word] for word in words), -1]
    right = [*(copied_place[word] for word in words), -1]
    return true[:, left], guess[:, right]
