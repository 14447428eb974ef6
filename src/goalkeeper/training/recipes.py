"""Recipes in words, seeds set in every corner, and generic recipes of the same family."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from goalkeeper.core.application import Trainer
from goalkeeper.core.data import fingerprint
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.targets.linear import steps_of


def recipe_of(value: Any) -> str:
    """Say what an estimator is: its class, and every parameter that is not the default.

    Seeds are left out: they belong to a training, not to the recipe.
    """
    if not hasattr(value, "get_params") or isinstance(value, type):
        return _plain(value)
    name = type(value).__qualname__
    if not type(value).__module__.startswith("sklearn."):
        name = f"{type(value).__module__}.{name}"
    defaults = inspect.signature(type(value).__init__).parameters
    said = []
    for key, given in sorted(value.get_params(deep=False).items()):
        default = defaults[key].default if key in defaults else inspect.Parameter.empty
        text = recipe_of(given)
        if key != "random_state" and text != recipe_of(default):
            said.append(f"{key}={text}")
    return f"{name}({', '.join(said)})"


def _plain(value: Any) -> str:
    if isinstance(value, np.generic):
        return repr(value.item())
    if isinstance(value, np.ndarray):
        return f"array {value.shape} #{fingerprint(value)[:12]}"
    if isinstance(value, list | tuple):
        inside = ", ".join(recipe_of(v) for v in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {recipe_of(v)}" for k, v in value.items()) + "}"
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(map(repr, value))) + "}"
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    return function_recipe(value) if callable(value) else repr(value)


def function_recipe(function: Callable[..., Any]) -> str:
    """Name a function and hash its source, so that a changed function is another recipe."""
    name = getattr(function, "__qualname__", type(function).__qualname__)
    module = getattr(function, "__module__", "") or type(function).__module__
    try:
        source = inspect.getsource(function).encode()
    except (OSError, TypeError):
        code = getattr(function, "__code__", None)
        source = b"" if code is None else code.co_code + repr(code.co_names).encode()
    said = f"function {module}.{name}"
    return f"{said} #{hashlib.blake2b(source, digest_size=6).hexdigest()}" if source else said


def seeded(estimator: Any, seed: int) -> Any:
    """Clone an estimator and set every `random_state` inside it from one seed."""
    from sklearn.base import clone

    fresh = clone(estimator)
    keys = sorted(
        key
        for key in fresh.get_params(deep=True)
        if key == "random_state" or key.endswith("__random_state")
    )
    if keys:
        drawn = np.random.SeedSequence(seed).generate_state(len(keys)) >> 1
        fresh.set_params(**{key: int(state) for key, state in zip(keys, drawn, strict=True)})
    return fresh


def lookalike(trainer: Trainer) -> Trainer:
    """Return a generic recipe of the same family, for attackers who know the algorithm partially.

    The same kind of vectoriser or preprocessing with default settings; naive Bayes and forests
    stay what they are, with defaults; torch modules become a network with one hidden layer and
    the default recipe, everything else, networks for texts among it, logistic regression.
    """
    from goalkeeper.training.networks import TorchTrainer, generic_network
    from goalkeeper.training.trainers import FunctionTrainer, SklearnTrainer

    inner = trainer.inner or trainer if isinstance(trainer, FunctionTrainer) else trainer
    if isinstance(inner, TorchTrainer) and not isinstance(inner.domain, TextDomain):
        return TorchTrainer(
            partial(generic_network, inner), inner.classes, inner.domain, means=inner.means
        )
    if isinstance(inner, SklearnTrainer):
        estimator = generic_of(inner.estimator, inner.domain)
        return SklearnTrainer(estimator, inner.classes, inner.domain, means=inner.means)
    if isinstance(inner, FunctionTrainer | TorchTrainer):
        estimator = generic_of(None, inner.domain)
        return SklearnTrainer(estimator, inner.classes, inner.domain, means=inner.means)
    return trainer


def generic_of(estimator: Any, domain: Domain) -> Any:
    """Build the generic estimator of the same family; None stands for an unknown one."""
    from sklearn.pipeline import make_pipeline

    before, final = steps_of(estimator)
    last = _generic_final(final)
    if isinstance(domain, TextDomain):
        return make_pipeline(_generic_vectoriser(before), last)
    counts = type(last).__name__ in ("MultinomialNB", "BernoulliNB", "ComplementNB")
    trees = type(last).__name__ == "RandomForestClassifier"
    if not _has_codes(domain) and (counts or trees):
        return last
    return make_pipeline(numbers_of(domain), last)


def numbers_of(domain: Domain) -> Any:
    """Build what turns rows of this domain into numbers: one-hot codes, and columns scaled."""
    return _columns(domain) if _has_codes(domain) else _scaler()


def _has_codes(domain: Domain) -> bool:
    return isinstance(domain, TableDomain) and any(c.categories for c in domain.columns)


def _generic_final(final: Any) -> Any:
    from sklearn import naive_bayes
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    name = type(final).__name__
    if name in ("MultinomialNB", "ComplementNB", "BernoulliNB", "GaussianNB"):
        return getattr(naive_bayes, name)()
    if any(word in name for word in ("Forest", "Tree", "Boost", "XGB", "LGBM")):
        return RandomForestClassifier()
    return LogisticRegression(max_iter=1000)


def _generic_vectoriser(before: list[Any]) -> Any:
    from sklearn.feature_extraction import text

    names = {type(step).__name__ for step in before}
    if names & {"TfidfVectorizer", "TfidfTransformer"} or not names:
        return text.TfidfVectorizer()
    return text.HashingVectorizer() if "HashingVectorizer" in names else text.CountVectorizer()


def _scaler() -> Any:
    from sklearn.preprocessing import StandardScaler

    return StandardScaler()


def _columns(domain: Domain) -> Any:
    """One-hot codes for categories, the scaler for numbers."""
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder

    columns = domain.columns if isinstance(domain, TableDomain) else ()
    named = isinstance(domain, TableDomain) and domain.named
    keys = [c.name if named else j for j, c in enumerate(columns)]
    coded = [k for k, c in zip(keys, columns, strict=True) if c.categories]
    plain = [k for k, c in zip(keys, columns, strict=True) if not c.categories]
    onehot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([("codes", onehot, coded), ("numbers", _scaler(), plain)])
