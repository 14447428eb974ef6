"""Turn goalkeeper's inputs into what a model was written for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Inputs
from goalkeeper.core.domain import Column, Domain, TableDomain, TextDomain
from goalkeeper.core.errors import DataError


def prepared(x: Inputs, domain: Domain) -> Any:
    """Give the model its own kind of input.

    Texts stay an object array `(n,)`; images are flattened to `(n, pixels)`; a table stays a
    float array `(n, d)`, or becomes a DataFrame with names and decoded categories when the
    domain is `named`. The model may write to what it gets, as a scaler with `copy=False` does:
    read-only inputs, which are the application's records, are copied.

    Raises
    ------
    DataError
        The inputs do not have the shape of the domain.
    """
    if isinstance(domain, TextDomain):
        if x.ndim != 1:
            raise DataError(f"texts must come as an array (n,), given shape {x.shape}")
        return _writable(x)
    if not isinstance(domain, TableDomain):
        return _writable(np.asarray(x, dtype=np.float64).reshape(len(x), -1))
    rows = np.asarray(x, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(domain.columns):
        raise DataError(
            f"rows of shape {rows.shape} do not fit a table of {len(domain.columns)} columns; "
            "give one value for every column of the domain"
        )
    return _frame(rows, domain) if domain.named else _writable(rows)


def _writable(x: Inputs) -> Inputs:
    return x if x.flags.writeable else np.array(x)


def _frame(rows: NDArray[np.float64], domain: TableDomain) -> Any:
    import pandas as pd

    columns = {c.name: _decoded(rows[:, j], c) for j, c in enumerate(domain.columns)}
    return pd.DataFrame(columns)


def _decoded(values: NDArray[np.float64], column: Column) -> Any:
    """Decode categories (an unknown code becomes a missing value) and whole numbers."""
    import pandas as pd

    if column.kind == "category":
        listed = np.isin(values, np.arange(len(column.categories)))
        codes = np.where(listed, values, -1).astype(np.int64)
        return pd.Categorical.from_codes(codes, categories=pd.Index(column.categories))
    whole = column.kind == "integer" and np.isfinite(values).all()
    return values.astype(np.int64) if whole and (values == np.round(values)).all() else values
