"""Generic recipes of the same family, for attackers who know the algorithm partially."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from goalkeeper.core.application import Trainer
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.errors import TargetError
from goalkeeper.targets.linear import steps_of
from goalkeeper.targets.torch import need_torch
from goalkeeper.training.networks import TorchTrainer
from goalkeeper.training.trainers import FunctionTrainer, SklearnTrainer

if TYPE_CHECKING:
    from torch import nn

HIDDEN_UNITS = 64  # wider than the tables of most applications, small enough to train in seconds
# scikit-learn's default of 100 iterations often stops short of the optimum on unscaled columns.
LOGISTIC_ITERATIONS = 1000


def lookalike(trainer: Trainer) -> Trainer:
    """Build a trainer with a generic recipe of the same family.

    The same kind of vectoriser or preprocessing with default settings; naive Bayes and forests
    stay what they are, with defaults; torch modules become a network with one hidden layer and
    the default recipe, everything else, networks for texts among it, logistic regression.
    """
    inner = trainer.inner or trainer if isinstance(trainer, FunctionTrainer) else trainer
    if isinstance(inner, TorchTrainer) and not isinstance(inner.domain, TextDomain):
        build = partial(build_generic_network, inner.domain, len(inner.classes))
        return TorchTrainer(build, inner.classes, inner.domain, compute=inner.compute)
    if isinstance(inner, SklearnTrainer):
        estimator = build_generic_estimator(inner.estimator, inner.domain)
        return SklearnTrainer(estimator, inner.classes, inner.domain, compute=inner.compute)
    if isinstance(inner, FunctionTrainer | TorchTrainer):
        estimator = build_generic_estimator(None, inner.domain)
        return SklearnTrainer(estimator, inner.classes, inner.domain, compute=inner.compute)
    return trainer


def build_generic_network(domain: Domain, classes: int, hidden: int = HIDDEN_UNITS) -> nn.Module:
    """Build a network with one hidden layer; raises TargetError for texts."""
    if isinstance(domain, TextDomain):
        raise TargetError("a generic network takes numbers, not texts")
    layers = need_torch().nn
    size = len(domain.columns) if isinstance(domain, TableDomain) else math.prod(domain.shape)
    module: nn.Module = layers.Sequential(
        layers.Flatten(),
        layers.BatchNorm1d(size),  # columns come in any unit
        layers.Linear(size, hidden),
        layers.ReLU(),
        layers.Linear(hidden, classes),
    )
    return module


def build_generic_estimator(estimator: Any, domain: Domain) -> Any:
    """Build the generic estimator of the same family; None stands for an unknown one."""
    from sklearn.pipeline import make_pipeline

    before, final = steps_of(estimator)
    generic = _generic_final(final)
    if isinstance(domain, TextDomain):
        return make_pipeline(_generic_vectoriser(before), generic)
    counts = type(generic).__name__ in ("MultinomialNB", "BernoulliNB", "ComplementNB")
    trees = type(generic).__name__ == "RandomForestClassifier"
    if not _has_categories(domain) and (counts or trees):
        return generic  # counts must not be centred, and trees do not look at units
    return make_pipeline(build_encoder(domain), generic)


def build_encoder(domain: Domain) -> Any:
    """Build the preprocessing that turns rows into numbers: one-hot codes, and columns scaled."""
    return _column_encoder(domain) if _has_categories(domain) else _scaler()


def _has_categories(domain: Domain) -> bool:
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
    return LogisticRegression(max_iter=LOGISTIC_ITERATIONS)


def _generic_vectoriser(before: list[Any]) -> Any:
    from sklearn.feature_extraction import text

    names = {type(step).__name__ for step in before}
    if names & {"TfidfVectorizer", "TfidfTransformer"} or not names:
        return text.TfidfVectorizer()
    return text.HashingVectorizer() if "HashingVectorizer" in names else text.CountVectorizer()


def _scaler() -> Any:
    from sklearn.preprocessing import StandardScaler

    return StandardScaler()


def _column_encoder(domain: Domain) -> Any:
    """Encode categories one-hot, and scale numbers."""
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder

    columns = domain.columns if isinstance(domain, TableDomain) else ()
    named = isinstance(domain, TableDomain) and domain.named
    keys = [c.name if named else j for j, c in enumerate(columns)]
    coded = [k for k, c in zip(keys, columns, strict=True) if c.categories]
    plain = [k for k, c in zip(keys, columns, strict=True) if not c.categories]
    onehot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([("codes", onehot, coded), ("numbers", _scaler(), plain)])
