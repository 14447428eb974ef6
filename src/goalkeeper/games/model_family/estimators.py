"""The families of models that the game knows, and estimators of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.targets import SklearnTarget, TorchTarget
from goalkeeper.training import build_encoder

MOST_WORDS = 1000  # that an estimator for texts weighs: it is trained on 300 of them

FAMILIES = (
    "linear",
    "naive Bayes",
    "tree",
    "forest",
    "boosting",
    "nearest neighbours",
    "kernel",
    "network",
)
# A word in the name of an estimator's class, and its family; the first that fits counts.
WORDS: Mapping[str, str] = {
    "Forest": "forest",
    "ExtraTrees": "forest",
    "Boost": "boosting",
    "XGB": "boosting",
    "LGBM": "boosting",
    "Tree": "tree",
    "NeighborsClassifier": "nearest neighbours",
    "MLP": "network",
    "LinearSVC": "linear",
    "SVC": "kernel",
    "GaussianProcess": "kernel",
    "NB": "naive Bayes",
    "LogisticRegression": "linear",
    "RidgeClassifier": "linear",
    "SGDClassifier": "linear",
    "Perceptron": "linear",
    "LinearDiscriminant": "linear",
}


def find_family(app: Application) -> int | None:
    """Return the index of the family of an application's own model; None if it is not known."""
    if isinstance(app.target, TorchTarget):
        linear = "weights" in app.target.parameters()  # one layer, and nothing else
        return FAMILIES.index("linear" if linear else "network")
    if not isinstance(app.target, SklearnTarget):
        return None
    final = app.target.model
    while True:  # the last step of pipelines, and what a search or a calibration wraps
        inner = _unwrapped(final)
        if inner is None:
            break
        final = inner
    name = type(final).__name__
    if getattr(final, "kernel", None) == "linear":
        return FAMILIES.index("linear")
    return next((FAMILIES.index(f) for word, f in WORDS.items() if word in name), None)


def _unwrapped(model: Any) -> Any:
    from sklearn.pipeline import Pipeline

    if isinstance(model, Pipeline):
        return model.steps[-1][1]
    if hasattr(model, "best_estimator_"):
        return model.best_estimator_
    inside = getattr(model, "estimator", None)
    wraps = type(model).__name__.startswith(("Calibrated", "TunedThreshold", "FixedThreshold"))
    return inside if wraps else None


def build_estimator(family: int, domain: Domain, rng: np.random.Generator) -> Any:
    """Build an estimator of a family, with settings drawn within what is usual.

    It gets rows as numbers and codes, flattened images, or texts, of which it weighs the words.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline

    name, text = FAMILIES[family], isinstance(domain, TextDomain)
    if name in ("tree", "forest", "boosting"):
        model = _build_trees(name, rng, wide=not isinstance(domain, TableDomain))
    else:
        model = _build_other(name, rng, counts=text)
    before = TfidfVectorizer(max_features=MOST_WORDS) if text else build_encoder(domain)
    return make_pipeline(before, model)


def _build_trees(name: str, rng: np.random.Generator, *, wide: bool) -> Any:
    from sklearn import ensemble
    from sklearn.tree import DecisionTreeClassifier

    leaf = int(rng.choice([1, 3, 5]))
    if name == "tree":
        depth = None if rng.random() < 0.3 else int(rng.integers(3, 10))
        return DecisionTreeClassifier(max_depth=depth, min_samples_leaf=leaf)
    if name == "forest":
        kind = (
            ensemble.RandomForestClassifier
            if rng.random() < 0.7
            else (ensemble.ExtraTreesClassifier)
        )
        return kind(n_estimators=int(rng.choice([30, 50, 100])), min_samples_leaf=leaf)
    rate = float(rng.choice([0.05, 0.1, 0.2]))
    if rng.random() < 0.5 and not wide:
        return ensemble.HistGradientBoostingClassifier(
            learning_rate=rate, max_iter=40, min_samples_leaf=int(rng.choice([5, 20]))
        )
    return ensemble.GradientBoostingClassifier(
        learning_rate=rate,
        n_estimators=40,
        max_depth=int(rng.integers(1, 4)),
        max_features="sqrt" if wide else None,  # of hundreds of pixels or words, else too slow
    )


def _build_other(name: str, rng: np.random.Generator, *, counts: bool) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import ComplementNB, GaussianNB, MultinomialNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVC

    strength = float(10 ** rng.uniform(-1, 1))
    if name == "linear":
        return LogisticRegression(C=strength, max_iter=500)
    if name == "naive Bayes" and counts:
        kind = MultinomialNB if rng.random() < 0.7 else ComplementNB
        return kind(alpha=strength)
    if name == "naive Bayes":
        return GaussianNB(var_smoothing=float(10 ** rng.uniform(-9, -3)))
    if name == "nearest neighbours":
        weights = "uniform" if rng.random() < 0.7 else "distance"
        return KNeighborsClassifier(int(rng.choice([1, 3, 5, 7, 9, 11])), weights=weights)
    if name == "kernel":
        return SVC(C=strength)
    return MLPClassifier(
        (int(rng.choice([8, 16, 32, 64])),), solver="lbfgs", alpha=1e-3 * strength, max_iter=100
    )
