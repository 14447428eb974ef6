"""Ordinary model files: every scikit-learn estimator, boosters, pipelines, torch parameters.

None of them runs anything, so each one that is refused or called unknown is a false alarm.
"""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import joblib
import numpy as np
import pandas as pd

ROWS = 40
WORDS = ["alpha", "beta", "gamma", "delta", "offer", "meeting"]
DUMPS: dict[str, Callable[[Any], bytes]] = {
    **{f"pickle{p}": partial(pickle.dumps, protocol=p) for p in range(6)},
    "joblib": lambda m: dumped(m, 0),
    "joblib-zlib": lambda m: dumped(m, 3),
    "joblib-gzip": lambda m: dumped(m, ("gzip", 3)),
    "joblib-bz2": lambda m: dumped(m, ("bz2", 3)),
    "joblib-xz": lambda m: dumped(m, ("xz", 1)),
    "joblib-lzma": lambda m: dumped(m, ("lzma", 1)),
}


@dataclass(frozen=True, eq=False)
class Ordinary:
    """A harmless file, and the model that is in it."""

    name: str
    model: Any
    content: bytes


def dumped(model: Any, compress: Any) -> bytes:
    stream = io.BytesIO()
    joblib.dump(model, stream, compress=compress)
    return stream.getvalue()


# ---- data ----------------------------------------------------------------------------------------


def numbers() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = np.abs(rng.normal(size=(ROWS, 4))) + 0.1
    return x, (x[:, 0] > np.median(x[:, 0])).astype(int)


def texts() -> list[str]:
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS, 5)) for _ in range(ROWS)]


def frame() -> Any:
    x, _ = numbers()
    table = pd.DataFrame(x, columns=["age", "income", "debt", "years"])
    table["region"] = pd.Categorical(np.where(x[:, 1] > 1, "north", "south"))
    table["job"] = np.where(x[:, 2] > 1, "nurse", "clerk")
    return table


# ---- scikit-learn --------------------------------------------------------------------------------


def estimators() -> Iterator[tuple[str, Any]]:
    """Yield every estimator of the installed version, fitted where small data allow it."""
    from sklearn.base import clone, is_classifier
    from sklearn.frozen import FrozenEstimator
    from sklearn.linear_model import LogisticRegression
    from sklearn.utils import all_estimators
    from sklearn.utils._test_common.instance_generator import _construct_instances

    for name, cls in all_estimators():
        if cls is FrozenEstimator:
            yield name, FrozenEstimator(fitted(LogisticRegression()))
            continue
        with warnings.catch_warnings(action="ignore"):  # of estimators that will be removed
            instances = list(_construct_instances(cls))
            copies = [clone(estimator) for estimator in instances]
        for i, estimator in enumerate(instances):
            yield f"{name}-{i}", fitted(estimator)
            if is_classifier(estimator):
                yield f"{name}-{i}-three", fitted(copies[i], classes=3)


def fitted(estimator: Any, classes: int = 2) -> Any:
    """Fit on whichever data the estimator takes; an unfitted one is a model file, too."""
    x, y = numbers()
    y = y + (x[:, 1] > np.quantile(x[:, 1], 0.6)) if classes > 2 else y
    binary = (x > 1).astype(float)
    for given in ((x, y), (x, np.c_[y, y]), (texts(), y), (y,), (x[:, :1], y), (binary, y),
                  (x[:, :2], x[:, :2]), (frame(), y), ([{"a": 1, "b": "x"}] * ROWS,)):  # fmt: skip
        try:
            with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
                return estimator.fit(*given)
        except Exception:  # noqa: BLE001, S112 - the next form of data is tried
            continue
    return estimator


def with_functions() -> Iterator[tuple[str, Any]]:
    """Yield estimators whose arguments are functions, methods, splines, scorers or kernels."""
    from sklearn import feature_selection as fs
    from sklearn import gaussian_process as gp
    from sklearn.compose import make_column_selector
    from sklearn.feature_extraction import text
    from sklearn.kernel_approximation import Nystroem
    from sklearn.metrics.pairwise import cosine_similarity, rbf_kernel
    from sklearn.neighbors import KernelDensity, KNeighborsClassifier
    from sklearn.preprocessing import FunctionTransformer, PowerTransformer, SplineTransformer
    from sklearn.svm import SVC

    ufuncs = (np.log1p, np.sqrt, np.exp, np.abs, np.square, np.sign, np.tanh, np.cbrt)
    for function in (*ufuncs, np.nan_to_num, np.ravel, np.clip, np.round, None):
        name = getattr(function, "__name__", "none")
        yield f"function-{name}", FunctionTransformer(function)
    yield "function-inverse", FunctionTransformer(np.log1p, inverse_func=np.expm1)
    for method in (str.split, str.lower, str.strip, str.upper):
        yield f"analyzer-{method.__name__}", text.TfidfVectorizer(analyzer=method)
    yield "tokenizer", text.CountVectorizer(tokenizer=str.split, token_pattern=None)
    yield "preprocessor", text.CountVectorizer(preprocessor=str.lower)
    yield "hashing", text.HashingVectorizer(tokenizer=str.split, token_pattern=None)
    yield "accents", text.CountVectorizer(strip_accents=text.strip_accents_unicode)
    yield "dtype", text.TfidfVectorizer(dtype=np.float32)
    scores = (fs.f_classif, fs.chi2, fs.f_regression, fs.mutual_info_classif)
    for score in (*scores, fs.mutual_info_regression, fs.r_regression):
        yield f"k-best-{score.__name__}", fs.SelectKBest(score, k=2)
        yield f"percentile-{score.__name__}", fs.SelectPercentile(score)
    for knots in ("uniform", "quantile"):
        yield f"spline-{knots}", SplineTransformer(knots=knots)
    yield "power", PowerTransformer()
    yield "nystroem", Nystroem(kernel=rbf_kernel, n_components=3)
    yield "svc-kernel", SVC(kernel=cosine_similarity)
    for kernel in ("gaussian", "tophat"):
        yield f"density-{kernel}", KernelDensity(kernel=kernel)
    for algorithm in ("ball_tree", "kd_tree", "brute"):
        for metric in ("minkowski", "manhattan", "chebyshev", "euclidean"):
            yield f"knn-{algorithm}-{metric}", KNeighborsClassifier(2, algorithm=algorithm,
                                                                    metric=metric)  # fmt: skip
    yield "knn-haversine", KNeighborsClassifier(2, algorithm="ball_tree", metric="haversine")
    k = gp.kernels
    for i, kernel in enumerate((k.RBF(), 1.0 * k.Matern() + k.WhiteKernel(), k.DotProduct() ** 2,
                                k.RationalQuadratic(), k.ExpSineSquared(), k.ConstantKernel(),
                                k.CompoundKernel([k.RBF(), k.RBF(2.0)]),
                                k.PairwiseKernel(metric="rbf"))):  # fmt: skip
        yield f"gp-{i}", gp.GaussianProcessClassifier(kernel, optimizer=None)
        yield f"gpr-{i}", gp.GaussianProcessRegressor(kernel, optimizer=None)
    yield "selector", make_column_selector(dtype_include=np.number)
    yield "selector-pattern", make_column_selector(pattern="age.*", dtype_exclude=[object])
    yield from searches()


def searches() -> Iterator[tuple[str, Any]]:
    """Yield searches over parameters, with scorers, splits, distributions and generators."""
    from scipy.stats import loguniform, uniform
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score, make_scorer
    from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, StratifiedKFold

    for seed in (0, np.random.RandomState(3)):
        search = {"C": [0.1, 1.0]}
        yield f"grid-{type(seed).__name__}", GridSearchCV(
            LogisticRegression(), search, cv=StratifiedKFold(2, shuffle=True, random_state=seed),
            scoring=make_scorer(f1_score, average="macro"),
        )  # fmt: skip
    yield "random-search", RandomizedSearchCV(
        LogisticRegression(), {"C": loguniform(0.1, 1), "tol": uniform(1e-4, 1e-3)},
        n_iter=2, cv=2, random_state=0, scoring="accuracy",
    )  # fmt: skip
    for generator in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"):
        bits = getattr(np.random, generator)(0)
        yield f"random-{generator}", LogisticRegression(random_state=np.random.RandomState(bits))
        yield f"generator-{generator}", {"rng": np.random.Generator(bits)}


def pipelines() -> Iterator[tuple[str, Any]]:
    """Yield pipelines, column transformers, votes, stacks, searches and calibrations."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
    from sklearn.compose import make_column_selector as select
    from sklearn.ensemble import (
        BaggingClassifier,
        HistGradientBoostingClassifier,
        RandomForestClassifier,
        StackingClassifier,
        VotingClassifier,
    )
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.naive_bayes import GaussianNB, MultinomialNB
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    two = [("a", LogisticRegression()), ("b", GaussianNB())]
    finals = (
        LogisticRegression(),
        RandomForestClassifier(3, random_state=0),
        HistGradientBoostingClassifier(max_iter=3),
        DecisionTreeClassifier(random_state=0),
        VotingClassifier(two, voting="soft"),
        StackingClassifier(two, cv=2),
        BaggingClassifier(n_estimators=2, random_state=0),
        CalibratedClassifierCV(GaussianNB(), cv=2),
        OneVsRestClassifier(LogisticRegression()),
    )
    for final in finals:
        name = type(final).__name__
        yield f"scaled-{name}", make_pipeline(StandardScaler(), final)
        words = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        columns = ColumnTransformer(
            [
                (
                    "n",
                    make_pipeline(SimpleImputer(), StandardScaler()),
                    select(dtype_include="number"),
                ),
                ("c", words, ["region"]),
                ("o", OrdinalEncoder(), ["job"]),
            ],
            remainder="drop",
        )
        yield f"columns-{name}", make_pipeline(columns, final).fit(frame(), named_classes())
    yield "text", make_pipeline(TfidfVectorizer(), MultinomialNB()).fit(texts(), named_classes())
    union = make_union(TfidfVectorizer(), TfidfVectorizer(analyzer="char"))
    yield "union", make_pipeline(union, LogisticRegression()).fit(texts(), named_classes())
    yield "target", TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1)
    yield "memory", make_pipeline(StandardScaler(), LogisticRegression(), verbose=True)


def named_classes() -> Any:
    return np.where(numbers()[1] == 1, "grant", "deny")


# ---- other packages ------------------------------------------------------------------------------


def boosters() -> Iterator[tuple[str, Any]]:
    """Yield the scikit-learn wrappers of XGBoost, LightGBM and CatBoost, fitted."""
    import catboost
    import lightgbm
    import xgboost

    x, y = numbers()
    few: Any = {"n_estimators": 3, "n_jobs": 1}
    for cls in (xgboost.XGBClassifier, xgboost.XGBRegressor, xgboost.XGBRFClassifier):
        yield cls.__name__, cls(**few).fit(x, y)
    yield "XGBRanker", xgboost.XGBRanker(**few).fit(x, y, group=[ROWS])
    for cls in (lightgbm.LGBMClassifier, lightgbm.LGBMRegressor):
        yield cls.__name__, cls(**few, verbose=-1, min_child_samples=2).fit(x, y)
        yield f"{cls.__name__}-frame", cls(**few, verbose=-1).fit(frame().drop(columns="job"), y)
    quiet = {"iterations": 3, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
    for cls in (catboost.CatBoostClassifier, catboost.CatBoostRegressor):
        yield cls.__name__, cls(**quiet).fit(x, y)


def balanced() -> Iterator[tuple[str, Any]]:
    """Yield pipelines and ensembles of imbalanced-learn, fitted."""
    from imblearn import ensemble, over_sampling, under_sampling
    from imblearn.pipeline import make_pipeline
    from sklearn.linear_model import LogisticRegression

    x, y = numbers()
    rng = {"random_state": 0}
    samplers = (
        over_sampling.SMOTE(k_neighbors=2, **rng),
        over_sampling.ADASYN(n_neighbors=2, **rng),
        over_sampling.RandomOverSampler(**rng),
        over_sampling.BorderlineSMOTE(k_neighbors=2, m_neighbors=3, **rng),
        under_sampling.RandomUnderSampler(**rng),
        under_sampling.TomekLinks(),
        under_sampling.NearMiss(n_neighbors=2),
    )
    y = np.r_[y[:-8], np.zeros(8, int)]
    for sampler in samplers:
        name = type(sampler).__name__
        yield f"imblearn-{name}", fit_quietly(make_pipeline(sampler, LogisticRegression()), x, y)
    for cls in (ensemble.BalancedRandomForestClassifier, ensemble.EasyEnsembleClassifier,
                ensemble.BalancedBaggingClassifier, ensemble.RUSBoostClassifier):  # fmt: skip
        yield cls.__name__, fit_quietly(cls(n_estimators=2, random_state=0), x, y)


def fit_quietly(model: Any, x: Any, y: Any) -> Any:
    with warnings.catch_warnings(action="ignore"):
        return model.fit(x, y)


def torch_files() -> Iterator[Ordinary]:
    """Yield parameters as torch.save writes them, in both of its formats."""
    import torch

    modules = {
        "linear": torch.nn.Linear(4, 2),
        "norm": torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2)),
        "half": torch.nn.Linear(4, 2).half(),
        "double": torch.nn.Linear(4, 2).double(),
        "lstm": torch.nn.LSTM(3, 2),
        "embedding": torch.nn.EmbeddingBag(7, 2),
    }
    for name, module in modules.items():
        optimiser = torch.optim.Adam(module.parameters()).state_dict()
        both = {"epoch": 3, "net": module.state_dict(), "opt": optimiser}
        for value, kind in ((module.state_dict(), "state"), (both, "both")):
            for modern in (True, False):
                stream = io.BytesIO()
                torch.save(value, stream, _use_new_zipfile_serialization=modern)
                yield Ordinary(f"torch-{name}-{kind}-{modern}", value, stream.getvalue())


# ---- all of them ---------------------------------------------------------------------------------


def models() -> Iterator[tuple[str, Any]]:
    """Yield every named model."""
    yield from estimators()
    for source in (with_functions, pipelines, boosters, balanced):
        for name, model in source():
            yield name, fitted(model) if hasattr(model, "fit") and not is_fitted(model) else model


def is_fitted(model: Any) -> bool:
    return any(key.endswith("_") and not key.startswith("__") for key in vars(model))


def files() -> Iterator[Ordinary]:
    """Yield every model in one of the ways to store it, by turns, and all ways for a few."""
    ways = list(DUMPS)
    for i, (name, model) in enumerate(models()):
        chosen = ways if i % 40 == 0 else {ways[i % len(ways)], "joblib", "pickle5"}
        for way in ways:
            if way in chosen:
                yield Ordinary(f"{name}-{way}", model, DUMPS[way](model))
    yield from torch_files()
