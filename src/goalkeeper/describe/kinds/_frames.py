"""Which kind of table a scikit-learn model gets, and whether it can use it at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from goalkeeper.core.data import Bools, Data
from goalkeeper.core.domain import Domain, TableDomain
from goalkeeper.core.errors import DataError, TargetError

T = TypeVar("T")
WORDS = ("str[", "string[", "object", "arrow:string", "arrow:large_string")
NO_CLASSES = {
    "regressor": "a regressor: it answers with numbers (regression)",
    "clusterer": "a clusterer: it answers with numbers of clusters",
    "outlier_detector": "an outlier detector: it answers with 1 and -1",
    "density_estimator": "a density estimator: it gives no classes",
}


def domain_of(model: Any, domain: Domain) -> Domain:
    """Let an estimator get the user's own frame where the data are one.

    A model that was fitted without names of columns was fitted on arrays, and gets those.
    """
    if not isinstance(domain, TableDomain) or domain.named:
        return domain
    wanted = _wants_names(model, domain)
    if domain.framed and wanted is None:
        wanted = not _fitted_on_arrays(model)
    return replace(domain, named=True) if wanted else domain


def with_names(domain: Domain) -> Domain:
    """Let a model get words as they are: a DataFrame where columns hold any, else an array."""
    if not isinstance(domain, TableDomain):
        return domain
    words = any(column.kind == "category" for column in domain.columns)
    return domain if domain.named == words else replace(domain, named=words)


def with_words_or_categories(
    domain: Domain, attempt: Callable[[Domain], T]
) -> tuple[T, Domain, tuple[str, ...]]:
    """Try words as the user's frame has them, and as pandas categories where that fails.

    LightGBM, XGBoost and others take words as categories only, so that whoever uses them converts
    the words first; a file does not say so.

    Raises
    ------
    DataError, TargetError
        What the first attempt raised, where both fail.
    """
    try:
        return attempt(domain), domain, ()
    except (DataError, TargetError):
        changed, names = _categorical(domain)
        if not names:
            raise
        try:
            made = attempt(changed)
        except (DataError, TargetError):
            made = None
        if made is None:
            raise
    note = f"the model takes no plain words: it gets the pandas type category in {_few(names)}"
    return made, changed, (note,)


def refuse_other_columns(model: Any, domain: Domain) -> None:
    """Raise TargetError where a fitted model knows its columns by name, and the data have others.

    A ColumnTransformer finds its columns by name itself.
    """
    if not isinstance(domain, TableDomain) or not domain.named:
        return
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    first = model
    while isinstance(first, Pipeline) and first.steps:
        first = first.steps[0][1]
    wanted = getattr(first, "feature_names_in_", None)
    names = [str(column.label or column.name) for column in domain.columns]
    if isinstance(first, ColumnTransformer) or wanted is None or list(wanted) == names:
        return
    known = [str(name) for name in wanted]
    absent = [name for name in known if name not in names]
    if absent:
        raise TargetError(
            f"the model was trained on columns that the data do not have: {_few(absent)}",
            f"give them under these names; the data have {_few(names)}",
        )
    raise TargetError(
        f"the model was trained on the columns {_few(known)}, and the data have {_few(names)}",
        f"name them as in training: `features: [{', '.join(known)}]` under data",
    )


def refuse_no_classifier(model: Any) -> None:
    """Raise TargetError where an estimator answers with something other than classes."""
    kind = _estimator_type(model)
    if kind in NO_CLASSES:
        raise TargetError(
            f"{type(model).__name__} is {NO_CLASSES[kind]}, which goalkeeper does not assess yet; "
            "give a classifier, or a function of your own (model.function) that returns the class "
            "which the application decides on"
        )


def refusing_missing(domain: Domain, data: Data, attempt: Callable[[Data], object]) -> str:
    """Say that a model takes no missing values, where it works without them; else nothing."""
    if not isinstance(domain, TableDomain) or not domain.missing.any():
        return ""
    gaps: Bools = np.isnan(np.asarray(data.x, dtype=np.float64))
    lacking: Bools = np.asarray(gaps.any(axis=1))
    empty = [
        c.name for c, gap in zip(domain.columns, gaps.all(axis=0).tolist(), strict=True) if gap
    ]
    if empty:
        return f"no training record has a value in {_few(empty)}: leave out such columns"
    complete = data.take(~lacking)
    if len(complete) == len(data) or len(np.unique(complete.y)) < len(np.unique(data.y)):
        return ""
    try:
        attempt(complete)
    except (DataError, TargetError):
        return ""
    some = np.asarray(gaps.any(axis=0)).tolist()
    names = [c.name for c, gap in zip(domain.columns, some, strict=True) if gap]
    return (
        f"the model takes no missing values, but {int(lacking.sum())} of its "
        f"{len(data)} training records have some, in {_few(names)}"
    )


def unseen_columns(model: Any, domain: Domain) -> tuple[str, ...]:
    """Note the columns that a fitted ColumnTransformer passes to none of its transformers."""
    if not isinstance(domain, TableDomain):
        return ()
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    first = model
    while isinstance(first, Pipeline) and first.steps:
        first = first.steps[0][1]
    if not isinstance(first, ColumnTransformer) or not hasattr(first, "transformers_"):
        return ()
    rest = [columns for name, step, columns in first.transformers_
            if name == "remainder" and isinstance(step, str) and step == "drop"]  # fmt: skip
    names = [c.name for c in domain.columns]
    left = [names[j] if isinstance(j, int | np.integer) else str(j) for one in rest for j in one]
    if not left:
        return ()
    return (
        f"the ColumnTransformer drops columns that none of its transformers takes: {_few(left)}; "
        "if the model should see them, name them there, or set remainder='passthrough'",
    )


# ---- what is looked at -------------------------------------------------------------------------


def _estimator_type(model: Any) -> str | None:
    from sklearn.utils import get_tags

    try:
        found = get_tags(model).estimator_type
    except Exception:  # noqa: BLE001 - a class of the user's own may have no tags at all
        found = getattr(model, "_estimator_type", None)
    return found if isinstance(found, str) else None


def _categorical(domain: Domain) -> tuple[Domain, list[str]]:
    """Turn columns of words into pandas categories, and name them."""
    if not isinstance(domain, TableDomain):
        return domain, []
    words = [c.kind == "category" and c.dtype.startswith(WORDS) for c in domain.columns]
    columns = [
        replace(c, dtype=f"category[{c.dtype}]") if word else c
        for c, word in zip(domain.columns, words, strict=True)
    ]
    named = [c.name for c, word in zip(columns, words, strict=True) if word]
    return replace(domain, columns=tuple(columns)), named


def _wants_names(model: Any, domain: TableDomain) -> bool | None:
    """Tell whether a model was made for names of columns; None where that cannot be told."""
    feature_names = getattr(model, "feature_names_in_", None)
    if feature_names is not None:  # LightGBM makes up names for columns that had none
        names = {str(name) for name in feature_names}
        return bool({column.name for column in domain.columns} & names)
    from sklearn.compose import ColumnTransformer

    parts: Sequence[Any] = [model]
    if hasattr(model, "get_params"):
        parts = [model, *model.get_params(deep=True).values()]
    chosen = [
        columns
        for part in parts
        if isinstance(part, ColumnTransformer)
        for _, _, columns in part.transformers
    ]
    named = any(
        isinstance(columns, str)
        or (isinstance(columns, list) and columns and isinstance(columns[0], str))
        for columns in chosen
    )
    return True if named else None


def _fitted_on_arrays(model: Any) -> bool:
    """Tell whether a model of scikit-learn is fitted, and knows a number of columns, no names."""
    from sklearn.pipeline import Pipeline

    first = model
    while isinstance(first, Pipeline) and first.steps:
        first = first.steps[0][1]
    own = type(first).__module__.startswith("sklearn.")
    return own and hasattr(first, "n_features_in_") and not hasattr(first, "feature_names_in_")


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
