"""Logistic regression on data that are hard on it: random draws of everything that may go wrong.

The reference is scikit-learn, driven to its optimum. Where it says that it did not get there,
nothing is compared; where its probabilities differ, ours must have the lower loss.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from goalkeeper.core.compute_settings import PRECISIONS, ComputeSettings
from goalkeeper.core.data import Data, Floats
from goalkeeper.targets import SklearnTarget
from goalkeeper.targets.linear import steps_of
from goalkeeper.training import SklearnTrainer, fit_strategy
from tests.training.samples import TEXT, table

FAR = {"full": 1e-6, "fast": 1e-4}  # how far probabilities may be from the reference
SIZES = [2, 3, 5, 8, 20, 60, 200, 800, 3000]
ROOT = 1300  # unknowns up to which the reference inverts its curvature
WORD = r"\w+"


@dataclass(frozen=True, eq=False)
class Case:
    """Records, what is put before the model, its parameters, and how many classes there are."""

    data: Data
    front: list[Any]
    params: dict[str, Any]
    classes: int


def params_of(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "C": float(10 ** rng.uniform(-4, 4)),
        "class_weight": "balanced" if rng.random() < 0.3 else None,
        "fit_intercept": bool(rng.random() < 0.8),
    }


def labels(rng: np.random.Generator, score: Floats) -> Any:
    """Draw classes `(n,)` from scores `(n, k)`, each at least once, some rarely."""
    n, k = score.shape
    y = (score + rng.gumbel(size=(n, k)) * rng.choice([0.01, 1, 3])).argmax(axis=1)
    if rng.random() < 0.2:
        y[rng.random(n) < 0.9] = 0
    y[:k] = np.arange(k)
    return y.astype(np.int64)


def any_table(rng: np.random.Generator) -> Case:
    k, d = int(rng.choice([2, 2, 2, 3, 10])), int(rng.choice([1, 2, 5, 12, 40, 120]))
    n = max(k, int(rng.choice(SIZES)))
    x = rng.normal(size=(n, d))
    if rng.random() < 0.3:
        width = d // 2 + 1
        x[:, :width] = np.eye(width)[np.minimum(rng.geometric(0.3, size=n), width) - 1]
    y = labels(rng, x @ rng.normal(size=(d, k)) * rng.choice([0.1, 1, 10]) / np.sqrt(d))
    for change, chance in CHANGES:
        if rng.random() < chance:
            change(rng, x, y)
    scalers = [
        *([None] * 4),
        *([StandardScaler()] * 4),
        StandardScaler(with_mean=False),
        StandardScaler(with_std=False),
    ]
    scaler = scalers[rng.integers(len(scalers))]
    return Case(Data(x=x, y=y), [scaler] if scaler else [], params_of(rng), k)


def units(rng: np.random.Generator, x: Floats, y: Any) -> None:
    x *= 10 ** rng.uniform(-4, 4, x.shape[1])


def offsets(rng: np.random.Generator, x: Floats, y: Any) -> None:
    x += 10 ** rng.uniform(-1, 5, x.shape[1])


def twice(rng: np.random.Generator, x: Floats, y: Any) -> None:
    x[:, -1] = 2 * x[:, 0]


def nearly_twice(rng: np.random.Generator, x: Floats, y: Any) -> None:
    x[:, -1] = x[:, 0] * (1 + 1e-7 * rng.normal(size=len(x)))


def constant(rng: np.random.Generator, x: Floats, y: Any) -> None:
    x[:, 0] = rng.choice([0, 3, 1e4])


def outlier(rng: np.random.Generator, x: Floats, y: Any) -> None:
    x[0] *= 1e3


def repeated(rng: np.random.Generator, x: Floats, y: Any) -> None:
    x[len(x) // 2 :] = x[: len(x) - len(x) // 2]


def separable(rng: np.random.Generator, x: Floats, y: Any) -> None:
    x[:, -1] = y * rng.choice([1, 100])


CHANGES = [
    *((change, 0.3) for change in (units, offsets, twice, constant)),
    *((change, 0.2) for change in (nearly_twice, outlier, repeated, separable)),
]


def any_texts(rng: np.random.Generator) -> Case:
    k, words = int(rng.choice([2, 2, 3, 10])), int(rng.choice([3, 30, 300, 2000]))
    n, longest = max(k, int(rng.choice([4, 10, 30, 100, 400]))), int(rng.choice([3, 20, 200]))
    y = labels(rng, np.zeros((n, k)))
    tilt = rng.gamma(0.2, size=(k, words)) + 1e-9
    chance = tilt / tilt.sum(axis=1, keepdims=True)
    drawn = (rng.choice(words, rng.integers(1, longest + 1), p=chance[c]) for c in y)
    x = np.empty(n, dtype=object)
    x[:] = [" ".join(f"w{word}" for word in some) for some in drawn]
    preprocessing: list[list[Any]] = [
        [TfidfVectorizer(token_pattern=WORD)],
        [TfidfVectorizer(token_pattern=WORD, norm=None)],
        [CountVectorizer(token_pattern=WORD)],
        [CountVectorizer(token_pattern=WORD), TfidfTransformer(norm=None, use_idf=False)],
    ]
    return Case(Data(x=x, y=y), preprocessing[rng.integers(len(preprocessing))], params_of(rng), k)


def reference(case: Case, rows: Any) -> Any:
    """Fit scikit-learn to its optimum; None where it says that it did not get there."""
    width = case.data.x.shape[1] if case.data.x.ndim > 1 else ROOT
    exact = width * case.classes < ROOT
    final = LogisticRegression(
        solver="newton-cholesky" if exact else "newton-cg",
        tol=1e-10 if exact else 1e-9,
        max_iter=5000,
        **case.params,
    )
    model = make_pipeline(*[clone(step) for step in case.front] or [FunctionTransformer()], final)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model.fit(case.data.x[rows], case.data.y[rows])
    return None if said else model


def loss(x: Any, final: Any, y: Any, params: dict[str, Any]) -> float:
    """Value of what logistic regression minimises, on features `x (n, d)`."""
    z = np.asarray(x @ final.coef_.T) + final.intercept_
    z = np.hstack([np.zeros_like(z), z]) if z.shape[1] == 1 else z
    sample = np.full(len(y), params["C"])
    if params["class_weight"]:
        sample *= (len(y) / (z.shape[1] * np.bincount(y)))[y]
    losses = logsumexp(z, axis=1) - z[np.arange(len(y)), y]
    return float(0.5 * (final.coef_**2).sum() + sample @ losses)


def check(seed: int) -> None:
    rng = np.random.default_rng(seed)
    case = (any_texts if seed % 4 == 3 else any_table)(rng)
    data, precision = case.data, PRECISIONS[int(seed % 3 == 0)]
    masks = rng.random((int(rng.choice([1, 3, 6])), len(data))) < rng.choice([0.2, 0.5, 0.9])
    masks[:, : case.classes] = True
    models = [reference(case, rows) for rows in masks]
    if any(model is None for model in models):
        return
    domain = TEXT if data.x.ndim == 1 else table(data.x.shape[1])
    pipeline = make_pipeline(*case.front, LogisticRegression(**case.params))
    classes = tuple(f"k{c}" for c in range(case.classes))
    trainer = SklearnTrainer(
        pipeline, classes, domain, compute=ComputeSettings(precision=precision)
    )
    assert fit_strategy(trainer).reason.startswith("together")
    ensemble = trainer.fit_many(data, masks, range(len(masks)))
    for i, (scores, rows, model) in enumerate(
        zip(ensemble.scores(data.x), masks, models, strict=True)
    ):
        gap = np.abs(scores - model.predict_proba(data.x))[rows].max()
        if gap > FAR[precision]:
            x, y = model[:-1].transform(data.x[rows]), data.y[rows]
            target = ensemble.target(i)
            assert isinstance(target, SklearnTarget)
            ours, theirs = steps_of(target.model)[1], model[-1]
            assert loss(x, ours, y, case.params) <= loss(x, theirs, y, case.params) * (1 + 1e-12)


@pytest.mark.parametrize("start", range(0, 30, 10))
def test_anything_is_trained_as_scikit_learn_does(start: int) -> None:
    for seed in range(start, start + 10):
        check(seed)


@pytest.mark.validation
@pytest.mark.parametrize("start", [*range(30, 60, 10), *range(1000, 1500, 10)])
def test_much_is_trained_as_scikit_learn_does(start: int) -> None:
    for seed in range(start, start + 10):
        check(seed)
