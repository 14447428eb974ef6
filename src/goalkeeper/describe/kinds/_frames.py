"""Whether a model was made for tables with named columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from goalkeeper.core.domain import Domain, TableDomain


def domain_of(model: Any, domain: Domain) -> Domain:
    """Let the model get a DataFrame where it was made for one."""
    if not isinstance(domain, TableDomain) or domain.named or not _wants_names(model, domain):
        return domain
    return replace(domain, named=True)


def with_names(domain: Domain) -> Domain:
    """Let a model get words as they are: a DataFrame where columns hold any, else an array."""
    if not isinstance(domain, TableDomain):
        return domain
    words = any(column.kind == "category" for column in domain.columns)
    return domain if domain.named == words else replace(domain, named=words)


def _wants_names(model: Any, domain: TableDomain) -> bool:
    feature_names = getattr(model, "feature_names_in_", None)
    if feature_names is not None:  # LightGBM makes up names for columns that had none
        return bool(
            {column.name for column in domain.columns} & {str(name) for name in feature_names}
        )
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
    return any(
        isinstance(columns, str)
        or (isinstance(columns, list) and columns and isinstance(columns[0], str))
        for columns in chosen
    )
