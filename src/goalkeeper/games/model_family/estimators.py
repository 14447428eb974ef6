"""The families of models for tables that the game knows, and an estimator of each."""

from __future__ import annotations

from typing import Any

import numpy as np

from goalkeeper.core.domain import Domain
from goalkeeper.training import build_encoder

FAMILIES = ("linear", "naive Bayes", "tree", "nearest neighbours", "kernel", "network")


def build_estimator(family: int, domain: Domain, rng: np.random.Generator) -> Any:
    """Build an estimator of a family for tables, with settings drawn within what is usual."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    strength = float(10 ** rng.uniform(-1, 1))
    models = (
        lambda: LogisticRegression(C=strength, max_iter=500),
        GaussianNB,
        lambda: DecisionTreeClassifier(max_depth=int(rng.integers(4, 9)), min_samples_leaf=3),
        lambda: KNeighborsClassifier(n_neighbors=int(rng.choice([3, 5, 7, 9, 11]))),
        lambda: SVC(C=strength),
        lambda: MLPClassifier((int(rng.choice([8, 16, 32])),), solver="lbfgs", max_iter=60),
    )
    return make_pipeline(build_encoder(domain), models[family]())
