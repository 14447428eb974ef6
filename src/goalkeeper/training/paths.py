"""Choose how many models are trained together, by looking at the structure of the pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from goalkeeper.core.data import Bools, Data
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.errors import DataError
from goalkeeper.core.means import Means
from goalkeeper.targets.linear import steps_of

SOLVERS = ("lbfgs", "newton-cg", "newton-cholesky", "sag", "saga")


@dataclass(frozen=True, eq=False)
class Path:
    """How `fit_many` trains: the kind, the reason in words, and the parts of the pipeline.

    `counts` is the vectoriser, `weighing` what gives tf-idf (the vectoriser itself or a
    transformer behind it), `scaler` a StandardScaler.
    """

    kind: Literal["bayes", "logistic", "generic"]
    why: str
    final: Any = None
    counts: Any = None
    weighing: Any = None
    scaler: Any = None


@dataclass(frozen=True, eq=False)
class Job:
    """One call of `fit_many` on a fast path."""

    path: Path
    estimator: Any
    classes: tuple[str, ...]
    domain: Domain
    data: Data
    masks: Bools
    means: Means = field(default_factory=Means)

    def __post_init__(self) -> None:
        """Refuse subsets without a class."""
        width = len(self.classes)
        member = np.eye(width, dtype=np.float64)[self.data.y]
        counts = self.masks.astype(np.float64) @ member
        models, classes = np.nonzero(counts == 0)
        if len(models):
            raise DataError(
                f"model {models[0]} of {len(self.masks)}: none of its "
                f"{int(self.masks[models[0]].sum())} records is of class "
                f"{self.classes[classes[0]]!r}; give every model at least one record of every "
                "class (draw the subsets class by class, or larger)"
            )

    @property
    def dtype(self) -> Any:
        """What is computed with: float32 where fast means are enough."""
        return np.float32 if self.means.precision == "fast" else np.float64


def path_of(estimator: Any, domain: Domain) -> Path:
    """Look at an unfitted estimator and choose."""
    before, final = steps_of(estimator)
    front = _text_front(before) if isinstance(domain, TextDomain) else _table_front(before, domain)
    if isinstance(front, str):
        return _generic(front)
    counts, weighing, scaler = front
    kind = _final_kind(final)
    if kind not in ("bayes", "logistic"):
        return _generic(kind)
    if kind == "bayes" and scaler is not None:
        return _generic("naive Bayes behind a scaler has no fast path")
    if kind == "bayes" and weighing is not None and type(final).__name__ == "BernoulliNB":
        return _generic("BernoulliNB on tf-idf has no fast path")
    if kind == "bayes":
        why = f"together: {type(final).__name__} by one matrix product of masks and counts"
        return Path("bayes", why, final, counts, weighing, scaler)
    why = (
        "together: LogisticRegression by a batched Newton method, at the optimum which "
        "scikit-learn approaches (tol and max_iter do not matter)"
    )
    return Path("logistic", why, final, counts, weighing, scaler)


def _generic(reason: str) -> Path:
    return Path("generic", f"one after the other: {reason}")


# ---- the front: each returns (counts, weighing, scaler), or why there is no fast path -----------


def _text_front(before: list[Any]) -> tuple[Any, Any, Any] | str:
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer

    names = [type(step) for step in before]
    if names == [CountVectorizer]:
        weighing = None
    elif names in ([TfidfVectorizer], [CountVectorizer, TfidfTransformer]):
        weighing = before[-1]
    else:
        said = " > ".join(n.__name__ for n in names) or "no vectoriser"
        return f"texts go through {said}, not just CountVectorizer or TfidfVectorizer"
    counts = before[0]
    if counts.max_features is not None or counts.vocabulary is not None:
        return "the vectoriser has max_features or a vocabulary of its own"
    if counts.input != "content" or np.dtype(counts.dtype) not in (np.float64, np.int64):
        return "the vectoriser has an unusual input or dtype"
    if weighing is not None and weighing.norm not in ("l2", None):
        return f"tf-idf is normalised by {weighing.norm}"
    return counts, weighing, None


def _table_front(before: list[Any], domain: Domain) -> tuple[Any, Any, Any] | str:
    from sklearn.preprocessing import StandardScaler

    columns = domain.columns if isinstance(domain, TableDomain) and domain.named else ()
    if any(c.categories for c in columns):
        return "the table has named categories"
    if not before:
        return None, None, None
    if [type(step) for step in before] == [StandardScaler]:
        return None, None, before[0]
    said = " > ".join(type(step).__name__ for step in before)
    return f"rows go through {said}, not just a StandardScaler"


# ---- the final estimator ------------------------------------------------------------------------


def _final_kind(final: Any) -> str:
    """Return "bayes", "logistic", or why there is no fast path."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB

    if type(final) in (MultinomialNB, ComplementNB, BernoulliNB):
        return _bayes_kind(final)
    if type(final) is LogisticRegression:
        return _logistic_kind(final)
    return f"{type(final).__name__} has no fast path"


def _bayes_kind(final: Any) -> str:
    if not isinstance(final.alpha, int | float) or final.alpha < 1e-10:
        return f"naive Bayes with alpha={final.alpha!r} has no fast path"
    if final.class_prior is not None:
        return "naive Bayes with a class_prior of its own has no fast path"
    if getattr(final, "binarize", 0.0) not in (0.0, None):
        return f"BernoulliNB with binarize={final.binarize!r} has no fast path"
    return "bayes"


def _logistic_kind(final: Any) -> str:
    """Check for the plain L2 objective; parameters that later versions drop are optional."""
    params = final.get_params(deep=False)
    plain = {
        "penalty": ("l2", "deprecated"),
        "l1_ratio": (None, 0),
        "multi_class": ("auto", "deprecated"),
        "class_weight": (None, "balanced"),
        "dual": (False,),
        "warm_start": (False,),
        "solver": SOLVERS,
    }
    for name, allowed in plain.items():
        value = params.get(name, allowed[0])
        if not isinstance(value, str | int | float | None) or value not in allowed:
            return f"logistic regression with {name}={value!r} has no fast path"
    if not 0 < final.C < np.inf:
        return f"logistic regression with C={final.C} has no fast path"
    return "logistic"
