"""Small random data for tests, and scikit-learn in a loop as the reference."""

from __future__ import annotations

from typing import Any

import numpy as np

from goalkeeper.core.data import Bools, Data, Floats
from goalkeeper.core.domain import Column, TableDomain, TextDomain

TEXT = TextDomain()
WORDS = [f"{a}{b}" for a in "bcdfgklmnp" for b in ("ala", "Obo", "iri", "etu", "unu", "Ysy")]


def texts(n: int = 120, classes: int = 2, seed: int = 0) -> Data:
    """Texts of 3 to 25 words with class-dependent frequencies; words repeat, some are rare."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    tilt = rng.gamma(0.3, size=(classes, len(WORDS)))
    chance = tilt / tilt.sum(axis=1, keepdims=True)
    lines = [" ".join(rng.choice(WORDS, rng.integers(3, 26), p=chance[c])) for c in y]
    x = np.empty(n, dtype=object)
    x[:] = lines
    return Data(x=x, y=y.astype(np.int64))


def rows(n: int = 150, d: int = 6, classes: int = 2, seed: int = 0) -> Data:
    """Rows of very different scales; the last column is nearly always 0."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    x = rng.normal(size=(n, d)) + rng.normal(size=(classes, d))[y]
    x = x * np.logspace(-1, 2, d) + np.linspace(0, 50, d)
    x[:, -1] = (np.arange(n) < 3) * 7.0
    return Data(x=x, y=y.astype(np.int64))


def counts(n: int = 150, d: int = 12, classes: int = 2, seed: int = 0) -> Data:
    """Whole numbers, some columns empty in some subsets."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    rate = rng.gamma(0.5, size=(classes, d))
    return Data(x=rng.poisson(rate[y]).astype(np.float64), y=y.astype(np.int64))


def table(d: int, *, named: bool = False) -> TableDomain:
    """Plain columns of numbers."""
    return TableDomain(columns=tuple(Column(name=f"c{j}") for j in range(d)), named=named)


def subsets(data: Data, models: int = 9, seed: int = 1) -> Bools:
    """Random subsets of very different sizes."""
    rng = np.random.default_rng(seed)
    return rng.random((models, len(data))) < np.linspace(0.25, 0.9, models)[:, None]


def loop(estimator: Any, data: Data, masks: Bools, x: Any) -> Floats:
    """Train and score with scikit-learn, one model after the other."""
    from sklearn.base import clone

    return np.stack([clone(estimator).fit(data.x[m], data.y[m]).predict_proba(x) for m in masks])
