"""Which final estimators are trained together, and why another one is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

StrategyKind = Literal[
    "bayes",
    "logistic",
    "gaussian",
    "centroid",
    "discriminant",
    "ridge",
    "neighbours",
    "networks",
    "one_by_one",
]
# Solvers of the objective that the batched fit minimises; liblinear penalises the bias, too.
LOGISTIC_SOLVERS = ("lbfgs", "newton-cg", "newton-cholesky", "sag", "saga")
# Direct solvers; the iterative ones stop at a tolerance and differ from the closed form by it.
RIDGE_SOLVERS = ("auto", "cholesky", "svd")
MIN_ALPHA = 1e-10  # smoothing below which scikit-learn itself may replace it by this (force_alpha)

REASONS: Mapping[StrategyKind, str] = {
    "bayes": "together: {} by one matrix product of masks and counts",
    "logistic": "together: {} by a batched Newton method, at the optimum which scikit-learn "
    "approaches (tol and max_iter do not matter)",
    "gaussian": "together: {} by matrix products of masks, values and squares",
    "centroid": "together: {} by one matrix product of masks and values",
    "discriminant": "together: {} from means and scatter of every subset",
    "ridge": "together: {} in closed form from the scatter of every subset",
    "neighbours": "together: {} by masks over one matrix of distances",
}


def classify_estimator(final: Any) -> tuple[StrategyKind, str]:
    """Return how many models of a final estimator are trained, and the reason in words."""
    name = type(final).__name__
    kind, check = CHECKS.get(name, (None, None))
    if kind is None or check is None or not _from_sklearn(final):
        return "one_by_one", f"{name} has no fast path"
    obstacle = check(final)
    return ("one_by_one", obstacle) if obstacle else (kind, REASONS[kind].format(name))


def _from_sklearn(final: Any) -> bool:
    return type(final).__module__.startswith("sklearn.")


def _unsupported_parameter(final: Any, allowed: dict[str, tuple[Any, ...]]) -> str:
    """Return the first parameter with another value, "" without; a version may lack some."""
    params = final.get_params(deep=False)
    for name, values in allowed.items():
        value = params.get(name, values[0])
        if not isinstance(value, str | int | float | None) or value not in values:
            return f"{type(final).__name__} with {name}={value!r} has no fast path"
    return ""


def _check_bayes(final: Any) -> str:
    if not isinstance(final.alpha, int | float) or final.alpha < MIN_ALPHA:
        return f"naive Bayes with alpha={final.alpha!r} has no fast path"
    if final.class_prior is not None:
        return "naive Bayes with a class_prior of its own has no fast path"
    if getattr(final, "binarize", 0.0) not in (0.0, None):
        return f"BernoulliNB with binarize={final.binarize!r} has no fast path"
    return ""


def _check_logistic(final: Any) -> str:
    """Look for the plain L2 objective; parameters that later versions drop are optional."""
    allowed: dict[str, tuple[Any, ...]] = {
        "penalty": ("l2", "deprecated"),
        "l1_ratio": (None, 0),
        "multi_class": ("auto", "deprecated"),
        "class_weight": (None, "balanced"),
        "dual": (False,),
        "warm_start": (False,),
        "solver": LOGISTIC_SOLVERS,
    }
    return _unsupported_parameter(final, allowed) or _check_positive(final, "C")


def _check_gaussian(final: Any) -> str:
    return _unsupported_parameter(final, {"priors": (None,)}) or _check_positive(
        final, "var_smoothing"
    )


def _check_centroid(final: Any) -> str:
    allowed: dict[str, tuple[Any, ...]] = {
        "metric": ("euclidean",),
        "shrink_threshold": (None,),
        "priors": ("uniform", "empirical"),
    }
    return _unsupported_parameter(final, allowed)


def _check_discriminant(final: Any) -> str:
    allowed: dict[str, tuple[Any, ...]] = {
        "solver": ("svd", "lsqr"),
        "shrinkage": (None,),
        "priors": (None,),
        "covariance_estimator": (None,),
    }
    return _unsupported_parameter(final, allowed)


def _check_ridge(final: Any) -> str:
    allowed: dict[str, tuple[Any, ...]] = {
        "class_weight": (None, "balanced"),
        "positive": (False,),
        "solver": RIDGE_SOLVERS,
    }
    return _unsupported_parameter(final, allowed) or _check_positive(final, "alpha")


def _check_neighbours(final: Any) -> str:
    if final.metric == "minkowski" and final.p not in (1, 2):
        return f"KNeighborsClassifier with p={final.p} has no fast path"
    allowed: dict[str, tuple[Any, ...]] = {
        "weights": ("uniform", "distance"),
        "metric": ("minkowski", "euclidean", "manhattan", "l1", "l2", "cityblock"),
        "metric_params": (None,),
    }
    return _unsupported_parameter(final, allowed)


def _check_positive(final: Any, name: str) -> str:
    value = getattr(final, name)
    if isinstance(value, int | float | np.number) and 0 < value < np.inf:
        return ""
    return f"{type(final).__name__} with {name}={value!r} has no fast path"


CHECKS: Mapping[str, tuple[StrategyKind, Callable[[Any], str]]] = {
    "MultinomialNB": ("bayes", _check_bayes),
    "ComplementNB": ("bayes", _check_bayes),
    "BernoulliNB": ("bayes", _check_bayes),
    "LogisticRegression": ("logistic", _check_logistic),
    "GaussianNB": ("gaussian", _check_gaussian),
    "NearestCentroid": ("centroid", _check_centroid),
    "LinearDiscriminantAnalysis": ("discriminant", _check_discriminant),
    "RidgeClassifier": ("ridge", _check_ridge),
    "KNeighborsClassifier": ("neighbours", _check_neighbours),
}
