"""Usual model families: what anybody with data of their own would train, and which fits best."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import numpy as np

from goalkeeper.core.data import Data, Floats, Inputs, Ints
from goalkeeper.core.domain import Domain, ImageDomain, TableDomain, TextDomain
from goalkeeper.targets.shortcuts import FeatureMaker, Shortcut, same_features
from goalkeeper.training.lookalikes import build_encoder

__all__ = [
    "FamilyModel",
    "build_family",
    "can_boost",
    "choose_family",
    "fit_family",
    "list_families",
]

# Sparse before dense, cheap before dear: ties are won by the first.
OF_TEXTS = ("linear", "naive bayes", "phrases")
OF_ROWS = ("linear", "naive bayes", "tree", "forest", "boosting", "kernel", "neighbours", "network")
FOLDS = 3
MOST_CHOSEN_ON = 1000  # records on which families are compared, at most
MOST_KERNEL_ROWS = 4000  # training a kernel machine takes the square of its records
MOST_BOOSTED = 500  # columns: each step of boosting looks at all of them, once for every class
PASSES = 200_000  # records that a network sees in training, at most
NEIGHBOURS = 5


@dataclass(frozen=True, eq=False)
class FamilyModel:
    """A fitted model of one family; it stands on its own."""

    family: str
    model: Any
    domain: Domain

    def predict(self, x: Inputs) -> Ints:
        """Return classes `(n,)` of inputs."""
        return np.asarray(self.model[-1].predict(self._features(x)), dtype=np.int64)

    def margins(self, x: Inputs) -> Floats:
        """Return what classes are chosen by `(n, k)`; k = 1 is towards the later of two."""
        return self._margins(self._features(x))

    def judge(self, x: Inputs) -> tuple[Ints, Floats]:
        """Return classes `(n,)` and margins `(n, k)`, with one preprocessing for both."""
        features = self._features(x)
        return np.asarray(self.model[-1].predict(features), dtype=np.int64), self._margins(features)

    def _margins(self, features: Any) -> Floats:
        final = self.model[-1]
        if hasattr(final, "predict_proba"):
            return np.asarray(final.predict_proba(features), dtype=np.float64)
        return np.asarray(final.decision_function(features), dtype=np.float64).reshape(
            features.shape[0], -1
        )

    def _features(self, x: Inputs) -> Any:
        return self._make_features(as_rows(x, text=isinstance(self.domain, TextDomain)))

    @cached_property
    def _make_features(self) -> Callable[[Any], Any]:
        """Return what stands before the classifier; for tables a shortcut, once it is proved."""
        before = self.model[:-1]
        if not isinstance(self.domain, TableDomain):
            return cast("Callable[[Any], Any]", before.transform)
        maker = FeatureMaker(before, as_plain_numbers(self.domain), _call)
        return Shortcut(maker.slow, maker.find, same_features)


def as_plain_numbers(domain: TableDomain) -> TableDomain:
    """Return the domain of the same rows where they are numbers and codes, and no frame."""
    columns = tuple(replace(column, dtype="", values=()) for column in domain.columns)
    return replace(domain, columns=columns, named=False)


def _call(function: Callable[[Any], Any], x: Any) -> Any:
    return function(x)


def as_rows(x: Inputs, *, text: bool) -> Any:
    """Return texts as they are, everything else as rows of numbers `(n, d)`."""
    return x if text else np.asarray(x, dtype=np.float64).reshape(len(x), -1)


def list_families(domain: Domain, records: int) -> tuple[str, ...]:
    """List the families that can be trained on so many records of a domain."""
    if isinstance(domain, TextDomain):
        return OF_TEXTS
    dear = set() if records <= MOST_KERNEL_ROWS else {"kernel"}
    if not can_boost(domain):
        dear.add("boosting")
    return tuple(f for f in OF_ROWS if f not in dear)


def can_boost(domain: TableDomain | ImageDomain) -> bool:
    """Tell whether boosting is tried: of larger images it takes longer than all else together."""
    width = len(domain.columns) if isinstance(domain, TableDomain) else math.prod(domain.shape)
    return width <= MOST_BOOSTED


def build_family(
    family: str, domain: Domain, records: int, seed: int, *, quick: bool = False
) -> Any:
    """Build the usual unfitted classifier of a family, from raw inputs to classes.

    `quick`: with a third of the trees and passes, which is enough to compare families.
    """
    from sklearn.pipeline import make_pipeline

    if isinstance(domain, TextDomain):
        return make_pipeline(*_text_steps(family))
    return make_pipeline(
        build_encoder(domain), _final_step(family, records, seed, 1 if quick else 3)
    )


def fit_family(
    family: str, data: Data, domain: Domain, seed: int, *, quick: bool = False
) -> FamilyModel:
    """Train one family on data of at least two classes."""
    text = isinstance(domain, TextDomain)
    model = build_family(family, domain, len(data), seed, quick=quick)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nearly converged is good enough
        model.fit(as_rows(data.x, text=text), data.y)
    return FamilyModel(family, model, domain)


def choose_family(data: Data, domain: Domain, seed: int) -> str:
    """Choose the family that predicts the classes of data best, by cross-validation."""
    rng = np.random.default_rng(seed)
    part = data.take(np.sort(rng.permutation(len(data))[:MOST_CHOSEN_ON]))
    folds = rng.permutation(np.arange(len(part)) % FOLDS)
    return max(
        list_families(domain, len(data)),
        key=lambda family: int(
            (predict_held_back(family, part, domain, folds, seed) == part.y).sum()
        ),
    )


def predict_held_back(family: str, data: Data, domain: Domain, folds: Ints, seed: int) -> Ints:
    """Predict each record `(n,)` by a model trained on the other folds; -1 where none can be."""
    found = np.full(len(data), -1, dtype=np.int64)
    for fold in np.unique(folds):
        rest = data.take(np.flatnonzero(folds != fold))
        if len(np.unique(rest.y)) < 2:
            continue
        here = folds == fold
        found[here] = fit_family(family, rest, domain, seed, quick=True).predict(data.x[here])
    return found


def _text_steps(family: str) -> Sequence[Any]:
    from sklearn import linear_model, naive_bayes
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

    logistic = linear_model.LogisticRegression(C=10, tol=1e-4, max_iter=300)
    match family:
        case "linear":
            return (TfidfVectorizer(), logistic)
        case "naive bayes":
            return (CountVectorizer(), naive_bayes.MultinomialNB())
        case _:
            return (TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), logistic)


def _final_step(family: str, records: int, seed: int, size: int) -> Any:
    from sklearn import ensemble, linear_model, naive_bayes, neighbors, neural_network, svm, tree

    match family:
        case "linear":
            return linear_model.LogisticRegression(C=1.0, tol=1e-4, max_iter=300)
        case "naive bayes":
            return naive_bayes.GaussianNB()
        case "tree":
            return tree.DecisionTreeClassifier(random_state=seed)
        case "forest":
            return ensemble.RandomForestClassifier(33 * size, random_state=seed)
        case "boosting":
            return ensemble.HistGradientBoostingClassifier(max_iter=33 * size, random_state=seed)
        case "kernel":
            return svm.SVC(random_state=seed)
        case "neighbours":
            return neighbors.KNeighborsClassifier(min(NEIGHBOURS, records))
        case _:
            epochs = size * int(np.clip(PASSES // max(1, records), 20, 200) / 3)
            return neural_network.MLPClassifier((64,), max_iter=epochs, random_state=seed)
