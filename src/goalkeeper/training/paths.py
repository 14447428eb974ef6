"""Choose how many models are trained together, by looking at the structure of the pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from goalkeeper.core.data import Bools, Data
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.errors import DataError
from goalkeeper.core.means import Means
from goalkeeper.targets.linear import steps_of
from goalkeeper.training.finals import Kind, kind_of


@dataclass(frozen=True, eq=False)
class Path:
    """How `fit_many` trains: the kind, the reason in words, and the parts of the pipeline.

    `counts` is the vectoriser, `weighing` what gives tf-idf (the vectoriser itself or a
    transformer behind it), `scaler` a StandardScaler, `columns` what else treats a table.
    """

    kind: Kind
    why: str
    final: Any = None
    counts: Any = None
    weighing: Any = None
    scaler: Any = None
    columns: Any = None


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
    texts = isinstance(domain, TextDomain)
    front = _text_front(before) if texts else _table_front(before, domain)
    if isinstance(front, str):
        return _generic(front)
    counts, weighing, scaler, columns = front
    kind, why = kind_of(final)
    if kind == "generic":
        return _generic(why)
    if kind not in ("bayes", "logistic") and texts:
        return _generic(f"{type(final).__name__} on texts has no fast path")
    if kind != "logistic" and columns is not None:
        said = f"{type(final).__name__} behind a {type(columns).__name__}"
        return _generic(f"{said} has no fast path")
    if kind in ("bayes", "neighbours") and scaler is not None:
        return _generic(f"{type(final).__name__} behind a scaler has no fast path")
    if kind == "bayes" and weighing is not None and type(final).__name__ == "BernoulliNB":
        return _generic("BernoulliNB on tf-idf has no fast path")
    return Path(kind, why, final, counts, weighing, scaler, columns)


def _generic(reason: str) -> Path:
    return Path("generic", f"one after the other: {reason}")


# ---- the front: each returns what is in it, or why there is no fast path ------------------------

Front = tuple[Any, Any, Any, Any]  # counts, weighing, scaler, columns


def _text_front(before: list[Any]) -> Front | str:
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
    return counts, weighing, None, None


def _table_front(before: list[Any], domain: Domain) -> Front | str:
    from sklearn.preprocessing import StandardScaler

    columns = domain.columns if isinstance(domain, TableDomain) and domain.named else ()
    coded = any(c.categories for c in columns)
    coders = (["ColumnTransformer"], ["OneHotEncoder"])
    if coded and [type(step).__name__ for step in before] not in coders:
        return "the table has named categories, and no ColumnTransformer"
    if not before:
        return None, None, None, None
    if [type(step) for step in before] == [StandardScaler]:
        return None, None, before[0], None
    if len(before) > 1:
        said = " > ".join(type(step).__name__ for step in before)
        return f"rows go through {said}, not just one step"
    return _refused(before[0]) or (None, None, None, before[0])


def _refused(step: Any) -> str:
    """Say why what treats columns cannot be fitted in all subsets at once; "" where it can."""
    from sklearn.compose import ColumnTransformer, make_column_selector
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, OneHotEncoder, StandardScaler

    if type(step) is ColumnTransformer:
        chosen = [columns for _, _, columns in step.transformers]
        if step.transformer_weights or not all(
            isinstance(columns, list | make_column_selector) for columns in chosen
        ):
            return "the ColumnTransformer has weights, or columns that are no list or selector"
        inner = [s for _, s, _ in step.transformers] + [step.remainder]
        return next(filter(None, (_refused(s) for s in inner if not isinstance(s, str))), "")
    if type(step) not in (MaxAbsScaler, MinMaxScaler, OneHotEncoder, StandardScaler):
        return f"rows go through a {type(step).__name__}"
    for name, value in PLAIN.items():
        given = getattr(step, name, value)
        if not isinstance(given, type(value)) or given != value:
            return f"rows go through a {type(step).__name__} with {name}={given!r}"
    return ""


PLAIN = {
    "categories": "auto",
    "drop": None,
    "handle_unknown": "ignore",
    "min_frequency": None,
    "max_categories": None,
    "dtype": np.float64,
    "clip": False,
}
