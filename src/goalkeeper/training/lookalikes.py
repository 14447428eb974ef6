"""Generic recipes of the same family, for attackers who know the algorithm partially."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from goalkeeper.core.application import Target, Trainer
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.errors import TargetError
from goalkeeper.targets import SklearnTarget
from goalkeeper.targets.linear import steps_of
from goalkeeper.targets.torch import need_torch
from goalkeeper.training.generic import COUNTS, DENSE_ONLY, TREES, densifier, generic_classifier
from goalkeeper.training.networks import TorchTrainer
from goalkeeper.training.trainers import FunctionTrainer, SklearnTrainer

if TYPE_CHECKING:
    from torch import nn

HIDDEN_UNITS = 64  # wider than the tables of most applications, small enough to train in seconds


def lookalike(trainer: Trainer, target: Target | None = None) -> Trainer:
    """Build a trainer with a generic recipe of the same family.

    The same kind of vectoriser or preprocessing and the same kind of model, both with default
    settings: see `generic_classifier`. Torch modules become a network with one hidden layer and the
    default recipe; networks for texts, linear models and what is unknown become logistic
    regression. Where a function of the user's returns fitted models, `target`, the trained model,
    says what they are.
    """
    inner = trainer.inner or trainer if isinstance(trainer, FunctionTrainer) else trainer
    if isinstance(inner, TorchTrainer) and not isinstance(inner.domain, TextDomain):
        build = partial(build_generic_network, inner.domain, len(inner.classes))
        return TorchTrainer(build, inner.classes, inner.domain, compute=inner.compute)
    if isinstance(inner, SklearnTrainer | FunctionTrainer | TorchTrainer):
        known = inner.estimator if isinstance(inner, SklearnTrainer) else None
        if isinstance(inner, FunctionTrainer) and isinstance(target, SklearnTarget):
            known = target.model
        estimator = build_generic_estimator(known, inner.domain)
        rows = plain_rows(inner.domain)
        return SklearnTrainer(estimator, inner.classes, rows, compute=inner.compute)
    return trainer


def plain_rows(domain: Domain) -> Domain:
    """Return the domain of recipes of our own: a table comes as numbers and codes, not a frame."""
    return domain.plain() if isinstance(domain, TableDomain) else domain


def build_generic_network(domain: Domain, classes: int, hidden: int = HIDDEN_UNITS) -> nn.Module:
    """Build a network with one hidden layer; raises TargetError for texts."""
    if isinstance(domain, TextDomain):
        raise TargetError("a generic network takes numbers, not texts")
    layers = need_torch().nn
    before = [_gap_filler()] if isinstance(domain, TableDomain) and domain.missing.any() else []
    if isinstance(domain, TableDomain):
        size = len(domain.columns)
        # columns come in any unit
        scaled = [*before, layers.Flatten(), layers.BatchNorm1d(size)]
    else:
        size = math.prod(domain.shape)
        # Pixels share one unit: scaled each by itself, those that hardly vary, such as corners,
        # would have the largest gradients, along which no other model changes its answer.
        scaled = [layers.BatchNorm2d(domain.shape[0]), layers.Flatten()]
    module: nn.Module = layers.Sequential(
        *scaled,
        layers.Linear(size, hidden),
        layers.ReLU(),
        layers.Linear(hidden, classes),
    )
    return module


def build_generic_estimator(estimator: Any, domain: Domain) -> Any:
    """Build the generic estimator of the same family; None stands for an unknown one."""
    from sklearn.pipeline import make_pipeline

    before, final = steps_of(estimator)
    generic = generic_classifier(final)
    name = type(generic).__name__
    if isinstance(domain, TextDomain):
        dense = [densifier()] if name in DENSE_ONLY else []
        return make_pipeline(_generic_vectoriser(before), *dense, generic)
    if not _has_categories(domain) and name in COUNTS | TREES:
        # Counts must not be centred, and trees do not look at units.
        return make_pipeline(_imputer(), generic) if _has_gaps(domain) else generic
    return make_pipeline(build_encoder(domain), generic)


def build_encoder(domain: Domain) -> Any:
    """Build the preprocessing that turns rows into numbers, for `plain_rows` of a domain.

    Codes become one-hot, a missing one too, and numbers are scaled; a missing number becomes the
    median, and a further column says that it is missing.
    """
    from sklearn.pipeline import make_pipeline

    if _has_categories(domain):
        return _column_encoder(domain)
    return make_pipeline(_imputer(), _scaler()) if _has_gaps(domain) else _scaler()


def _has_categories(domain: Domain) -> bool:
    return isinstance(domain, TableDomain) and any(c.categories for c in domain.columns)


def _has_gaps(domain: Domain) -> bool:
    return isinstance(domain, TableDomain) and bool(domain.missing.any())


def _imputer() -> Any:
    from sklearn.impute import SimpleImputer

    return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)


def _gap_filler() -> nn.Module:
    """Build the layer that takes a missing number for 0."""
    torch = need_torch()

    class GapFiller(torch.nn.Module):  # type: ignore[misc, name-defined]
        """Missing numbers become 0."""

        def forward(self, x: Any) -> Any:
            """Return the rows without gaps."""
            return torch.nan_to_num(x)

    module: nn.Module = GapFiller()
    return module


def _generic_vectoriser(before: list[Any]) -> Any:
    from sklearn.feature_extraction import text

    names = {type(step).__name__ for step in before}
    if names & {"TfidfVectorizer", "TfidfTransformer"} or not names:
        return text.TfidfVectorizer()
    # Hashed words are normalised counts, here of the words themselves: a million columns, most of
    # them empty, take minutes where a second suffices.
    hashed = "HashingVectorizer" in names
    return text.TfidfVectorizer(use_idf=False) if hashed else text.CountVectorizer()


def _scaler() -> Any:
    from sklearn.preprocessing import StandardScaler

    return StandardScaler()


def _column_encoder(domain: Domain) -> Any:
    """Encode categories one-hot, and scale numbers."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    columns = domain.columns if isinstance(domain, TableDomain) else ()
    coded = [j for j, c in enumerate(columns) if c.categories]
    plain = [j for j, c in enumerate(columns) if not c.categories]
    onehot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    numbers = make_pipeline(_imputer(), _scaler()) if _has_gaps(domain) else _scaler()
    return ColumnTransformer([("codes", onehot, coded), ("numbers", numbers, plain)])
