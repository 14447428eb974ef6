"""Hyperparameters of a recipe: which it has, what they are set to, and the recipe with another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from goalkeeper.core.application import Trainer
from goalkeeper.core.errors import NotOffered
from goalkeeper.training.lookalikes import lookalike
from goalkeeper.training.networks import TorchTrainer
from goalkeeper.training.recipes import fresh_copy
from goalkeeper.training.trainers import FunctionTrainer, SklearnTrainer

FACTORS = (0.01, 0.1, 1.0, 10.0, 100.0)  # of what is set over orders of magnitude
STEPS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of numbers of things
RATES = (0.1, 0.3, 1.0, 3.0, 10.0)  # of learning rates
DEEPEST = 12  # of a tree that has no limit, the deepest limit that is tried

# What each parameter of an estimator sets, in words.
KINDS: Mapping[str, str] = {
    "C": "regularisation",
    "alpha": "regularisation",
    "reg_lambda": "regularisation",
    "l2_regularization": "regularisation",
    "var_smoothing": "smoothing",
    "n_neighbors": "neighbours",
    "gamma": "kernel-width",
    "max_depth": "depth",
    "learning_rate": "learning-rate",
    "learning_rate_init": "learning-rate",
    "n_estimators": "number-of-trees",
    "max_iter": "number-of-trees",  # of histogram boosting; elsewhere a limit that is not reached
    "hidden_layer_sizes": "layer-width",
    "rate": "learning-rate",  # of torch's recipes
    "weight_decay": "regularisation",
    "epochs": "epochs",
}
# What the library takes where nothing is set.
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "XGBClassifier": {
        "n_estimators": 100,
        "max_depth": 6,
        "learning_rate": 0.3,
        "reg_lambda": 1.0,
    },
}
TREES = ("Tree", "Forest", "ExtraTrees", "Boost", "XGB", "LGBM")


@dataclass(frozen=True, slots=True)
class Setting:
    """A hyperparameter of a recipe.

    Parameters
    ----------
    kind
        What it sets, in kebab case, e.g. `regularisation`.
    key
        By what name the recipe takes it, e.g. `logisticregression__C`.
    own
        What the recipe sets it to.
    values
        Candidates around it, `own` among them.
    model
        The class of the estimator, or of the module, that it belongs to.
    """

    kind: str
    key: str
    own: Any
    values: tuple[Any, ...]
    model: str

    def name(self, value: Any) -> str:
        """Say what a value sets, e.g. `C = 0.1`."""
        text = f"{value:.3g}" if isinstance(value, float) else str(value)
        return f"{self.key.rpartition('__')[2]} = {text}"


def find_settings(trainer: Trainer) -> tuple[Setting, ...]:
    """List the hyperparameters of a recipe that are known here, in the order of `KINDS`.

    A recipe that searches for the best settings itself, and a function that shows no estimator,
    have none that could be set from outside.
    """
    inner = _inner(trainer)
    if isinstance(inner, SklearnTrainer):
        return _of_estimator(inner.estimator)
    if isinstance(inner, TorchTrainer):
        recipe = inner.torch_recipe
        keys = ("rate", "weight_decay", "epochs")
        found = [_setting("", key, getattr(recipe, key), "network") for key in keys]
        return tuple(setting for setting in found if setting is not None)
    return ()


def with_setting(trainer: Trainer, setting: Setting, value: Any) -> Trainer:
    """Return the same recipe with another value of a hyperparameter; raises NotOffered."""
    inner = _inner(trainer)
    if isinstance(inner, SklearnTrainer):
        estimator = fresh_copy(inner.estimator).set_params(**{setting.key: value})
        return SklearnTrainer(estimator, inner.classes, inner.domain, compute=inner.compute)
    if isinstance(inner, TorchTrainer):
        return inner.with_recipe(replace(inner.torch_recipe, **{setting.key: value}))
    raise NotOffered(f"the recipe {trainer.recipe} cannot be given another {setting.kind}")


def usual_recipe(trainer: Trainer, setting: Setting) -> Trainer:
    """Return what anybody would write down who knows the class of a model, and what is asked.

    The preprocessing is generic, and everything but the hyperparameter is a default.
    """
    from sklearn.pipeline import make_pipeline

    generic = lookalike(trainer)
    inner = _inner(trainer)
    if not isinstance(generic, SklearnTrainer) or not isinstance(inner, SklearnTrainer):
        return generic
    final = type(_final(inner.estimator)[1])()
    steps = getattr(generic.estimator, "steps", None)
    before = [step for _, step in steps[:-1]] if steps else []
    return SklearnTrainer(
        make_pipeline(*before, final), generic.classes, generic.domain, compute=generic.compute
    )


def setting_like(trainer: Trainer, setting: Setting) -> Setting | None:
    """Find the same hyperparameter in another recipe; None if that has none of this name."""
    name = setting.key.rpartition("__")[2]
    found = (s for s in find_settings(trainer) if s.key.rpartition("__")[2] == name)
    return next(found, None)


def _inner(trainer: Trainer) -> Trainer:
    """Look into a function that returns an unfitted estimator or module."""
    return trainer.inner or trainer if isinstance(trainer, FunctionTrainer) else trainer


def _of_estimator(estimator: Any) -> tuple[Setting, ...]:
    prefix, final = _final(estimator)
    name = type(final).__name__
    if hasattr(final, "param_grid") or hasattr(final, "param_distributions"):
        return ()
    given = final.get_params(deep=False) if hasattr(final, "get_params") else {}
    known = {k: v if v is not None else DEFAULTS.get(name, {}).get(k) for k, v in given.items()}
    if given.get("penalty", "") is None:
        known.pop("C", None)  # it regularises nothing
    found = {key: _setting(prefix, key, known[key], name) for key in KINDS if key in known}
    return tuple(setting for setting in found.values() if setting is not None)


def _final(estimator: Any) -> tuple[str, Any]:
    """Return the last estimator of pipelines and calibrations, and how its parameters are named."""
    steps = getattr(estimator, "steps", None)
    wraps = type(estimator).__name__.startswith(("Calibrated", "TunedThreshold", "FixedThreshold"))
    if isinstance(steps, list) and steps:
        name, last = steps[-1]
    elif wraps and hasattr(estimator.estimator, "fit"):
        name, last = "estimator", estimator.estimator
    else:
        return "", estimator
    prefix, final = _final(last)
    return f"{name}__{prefix}", final


def _setting(prefix: str, key: str, own: Any, model: str) -> Setting | None:
    """Return a hyperparameter with its candidates; None where it means something else, or is 0."""
    kind = KINDS[key]
    trees = any(word in model for word in TREES)
    if key == "alpha" and "NB" in model:
        kind = "smoothing"
    means = {
        "alpha": not trees,  # of gradient boosting, a quantile
        "gamma": "SVC" in model,  # of boosting, the least gain of a split
        "max_depth": trees,
        "max_iter": model == "HistGradientBoostingClassifier",
    }
    values = _candidates(kind, own) if means.get(key, True) else ()
    return Setting(kind, prefix + key, own, values, model) if len(values) > 1 else None


def _candidates(kind: str, own: Any) -> tuple[Any, ...]:
    if kind == "depth" and (own is None or own == -1):
        return (2, 4, DEEPEST // 2, DEEPEST, own)
    if kind == "layer-width":
        return _widths(own)
    if isinstance(own, bool) or not isinstance(own, int | float) or not 0 < own < math.inf:
        return ()
    if kind in ("neighbours", "depth"):
        return _numbers(own, STEPS)
    if kind in ("number-of-trees", "epochs"):
        return _numbers(own, STEPS[:4])  # more take long, and are ever more alike
    factors = RATES if kind == "learning-rate" else FACTORS
    values = [float(f"{own * factor:.6g}") for factor in factors]
    return tuple(v for v in values if kind != "learning-rate" or v <= 1 or v == own)


def _numbers(own: float, steps: Sequence[float]) -> tuple[int, ...]:
    return tuple(sorted({max(1, math.floor(own * step + 0.5)) for step in steps}))


def _widths(own: Any) -> tuple[Any, ...]:
    sizes = (own,) if isinstance(own, int) else tuple(own)
    by_step = [_numbers_of(sizes, step) for step in STEPS[:4]]
    return tuple(sorted(set(by_step)))


def _numbers_of(sizes: Sequence[int], step: float) -> tuple[int, ...]:
    return tuple(max(1, math.floor(size * step + 0.5)) for size in sizes)
