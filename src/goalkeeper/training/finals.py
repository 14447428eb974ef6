"""Which final estimators are trained together, and why another one is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

Kind = Literal[
    "bayes", "logistic", "gaussian", "centroid", "discriminant", "ridge", "neighbours", "generic"
]
LOGISTIC_SOLVERS = ("lbfgs", "newton-cg", "newton-cholesky", "sag", "saga")
RIDGE_SOLVERS = ("auto", "cholesky", "svd")

WAYS: dict[Kind, str] = {
    "bayes": "together: {} by one matrix product of masks and counts",
    "logistic": "together: {} by a batched Newton method, at the optimum which scikit-learn "
    "approaches (tol and max_iter do not matter)",
    "gaussian": "together: {} by matrix products of masks, values and squares",
    "centroid": "together: {} by one matrix product of masks and values",
    "discriminant": "together: {} from means and scatter of every subset",
    "ridge": "together: {} in closed form from the scatter of every subset",
    "neighbours": "together: {} by masks over one matrix of distances",
}


def kind_of(final: Any) -> tuple[Kind, str]:
    """Return how a final estimator is trained, and the way in words or the reason."""
    name = type(final).__name__
    kind, check = CHECKS.get(name, (None, None))
    if kind is None or check is None or not _from_sklearn(final):
        return "generic", f"{name} has no fast path"
    reason = check(final)
    return ("generic", reason) if reason else (kind, WAYS[kind].format(name))


def _from_sklearn(final: Any) -> bool:
    return type(final).__module__.startswith("sklearn.")


def _refused(final: Any, allowed: dict[str, tuple[Any, ...]]) -> str:
    """Name the first parameter with another value; parameters that versions lack are fine."""
    params = final.get_params(deep=False)
    for name, values in allowed.items():
        value = params.get(name, values[0])
        if not isinstance(value, str | int | float | None) or value not in values:
            return f"{type(final).__name__} with {name}={value!r} has no fast path"
    return ""


def _bayes(final: Any) -> str:
    if not isinstance(final.alpha, int | float) or final.alpha < 1e-10:
        return f"naive Bayes with alpha={final.alpha!r} has no fast path"
    if final.class_prior is not None:
        return "naive Bayes with a class_prior of its own has no fast path"
    if getattr(final, "binarize", 0.0) not in (0.0, None):
        return f"BernoulliNB with binarize={final.binarize!r} has no fast path"
    return ""


def _logistic(final: Any) -> str:
    """Check for the plain L2 objective; parameters that later versions drop are optional."""
    plain: dict[str, tuple[Any, ...]] = {
        "penalty": ("l2", "deprecated"),
        "l1_ratio": (None, 0),
        "multi_class": ("auto", "deprecated"),
        "class_weight": (None, "balanced"),
        "dual": (False,),
        "warm_start": (False,),
        "solver": LOGISTIC_SOLVERS,
    }
    return _refused(final, plain) or _positive(final, "C")


def _gaussian(final: Any) -> str:
    return _refused(final, {"priors": (None,)}) or _positive(final, "var_smoothing")


def _centroid(final: Any) -> str:
    plain: dict[str, tuple[Any, ...]] = {
        "metric": ("euclidean",),
        "shrink_threshold": (None,),
        "priors": ("uniform", "empirical"),
    }
    return _refused(final, plain)


def _discriminant(final: Any) -> str:
    plain: dict[str, tuple[Any, ...]] = {
        "solver": ("svd", "lsqr"),
        "shrinkage": (None,),
        "priors": (None,),
        "covariance_estimator": (None,),
    }
    return _refused(final, plain)


def _ridge(final: Any) -> str:
    plain: dict[str, tuple[Any, ...]] = {
        "class_weight": (None, "balanced"),
        "positive": (False,),
        "solver": RIDGE_SOLVERS,
    }
    return _refused(final, plain) or _positive(final, "alpha")


def _neighbours(final: Any) -> str:
    if final.metric == "minkowski" and final.p not in (1, 2):
        return f"KNeighborsClassifier with p={final.p} has no fast path"
    plain: dict[str, tuple[Any, ...]] = {
        "weights": ("uniform", "distance"),
        "metric": ("minkowski", "euclidean", "manhattan", "l1", "l2", "cityblock"),
        "metric_params": (None,),
    }
    return _refused(final, plain)


def _positive(final: Any, name: str) -> str:
    value = getattr(final, name)
    if isinstance(value, int | float | np.number) and 0 < value < np.inf:
        return ""
    return f"{type(final).__name__} with {name}={value!r} has no fast path"


CHECKS: dict[str, tuple[Kind, Callable[[Any], str]]] = {
    "MultinomialNB": ("bayes", _bayes),
    "ComplementNB": ("bayes", _bayes),
    "BernoulliNB": ("bayes", _bayes),
    "LogisticRegression": ("logistic", _logistic),
    "GaussianNB": ("gaussian", _gaussian),
    "NearestCentroid": ("centroid", _centroid),
    "LinearDiscriminantAnalysis": ("discriminant", _discriminant),
    "RidgeClassifier": ("ridge", _ridge),
    "KNeighborsClassifier": ("neighbours", _neighbours),
}
