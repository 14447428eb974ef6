"""The user's own pandas frame, rebuilt from rows of floats: names, order, types and gaps."""

from __future__ import annotations

from typing import Any

import numpy as np

from goalkeeper.core.data import Bools, Floats
from goalkeeper.core.domain import Column, TableDomain

STEPS = 1_000_000  # of a second, to which times are kept: finer ones are lost in a float
CATEGORY, ARROW = "category[", "arrow:"
GAPS = ("nan", "none", "na", "nat")


def frame_of(rows: Floats, domain: TableDomain) -> Any:
    """Build the frame for rows `(n, d)`, as pandas gave it to the user.

    A column with values that its type cannot hold, as a hostile input may have, comes as floats:
    a fraction among whole numbers, a value that is neither true nor false.
    """
    import pandas as pd

    labels = [c.name if c.label is None else c.label for c in domain.columns]
    if all(c.dtype == "float64" and c.kind == "number" for c in domain.columns):
        # Rows as they lie in memory: sums in another order would move the last digits.
        return pd.DataFrame(np.array(rows), columns=labels, copy=False)
    columns = {j: cells(rows[:, j], column) for j, column in enumerate(domain.columns)}
    frame = pd.DataFrame(columns, index=pd.RangeIndex(len(rows)))
    frame.columns = pd.Index(labels)
    return frame


def cells(values: Floats, column: Column) -> Any:
    """Turn the floats `(n,)` of a column into what stands in the user's frame."""
    gap = np.isnan(values)
    if column.kind == "category":
        return _categories(values, column)
    if column.kind == "date" or column.dtype.startswith("timedelta"):
        return _times(values, gap, column)
    return _numbers(values, gap, column)


# ---- types by name ------------------------------------------------------------------------------


def dtype_name(dtype: Any) -> str:
    """Name a pandas or numpy type so that `dtype_named` finds it again."""
    import pandas as pd

    if isinstance(dtype, pd.CategoricalDtype):
        return f"{CATEGORY}{dtype_name(dtype.categories.dtype)}]"
    if isinstance(dtype, pd.StringDtype):
        word = "string" if getattr(dtype, "na_value", pd.NA) is pd.NA else "str"
        return f"{word}[{dtype.storage}]"
    if isinstance(dtype, pd.ArrowDtype):
        return f"{ARROW}{dtype.pyarrow_dtype}"
    return str(dtype)


def dtype_named(name: str) -> Any:
    """Return the type of a name; categories are known by the column only."""
    import pandas as pd

    if name.startswith(ARROW):
        word = name.removeprefix(ARROW)
        if word == "string":
            import pyarrow as pa

            return pd.ArrowDtype(pa.string())
        return pd.api.types.pandas_dtype(f"{word}[pyarrow]")
    if name.startswith(("str[", "string[")):
        word, _, storage = name.rstrip("]").partition("[")
        return pd.StringDtype(storage) if word == "string" else pd.StringDtype(storage, np.nan)
    return pd.api.types.pandas_dtype(name)


# ---- cells --------------------------------------------------------------------------------------


def _categories(values: Floats, column: Column) -> Any:
    """Decode categories; an unknown code becomes a missing value."""
    import pandas as pd

    count = len(column.categories)
    listed = np.isin(values, np.arange(count))
    codes = np.where(listed, values, -1).astype(np.int64)
    own = column.values or column.categories
    if not column.dtype:
        return pd.Categorical.from_codes(codes, categories=pd.Index(column.categories))
    if column.dtype.startswith(CATEGORY):
        inner = dtype_named(column.dtype.removeprefix(CATEGORY)[:-1])
        index = pd.Index(list(own), dtype=inner)
        return pd.Categorical.from_codes(codes, categories=index, ordered=column.ordered)
    chosen = np.empty(count + 1, dtype=object)
    chosen[:count] = own
    chosen[count] = _gap(column)  # found by the code -1
    made = chosen[codes]
    if column.dtype == "object":
        return pd.Series(made, dtype=object)  # an array of words would become another type
    dtype = dtype_named(column.dtype)
    if not listed.all() and dtype.kind in "iub" and isinstance(dtype, np.dtype):
        dtype = np.dtype(np.float64)  # numpy has no missing whole number
    return pd.array(made, dtype=dtype)


def _gap(column: Column) -> Any:
    import pandas as pd

    return dict(zip(GAPS, (np.nan, None, pd.NA, pd.NaT), strict=True))[column.gap]


def _times(values: Floats, gap: Bools, column: Column) -> Any:
    """Turn seconds into dates or spans of the user's own unit and zone."""
    import pandas as pd

    with np.errstate(invalid="ignore", over="ignore"):
        steps = np.round(values * STEPS)
    lost = gap | ~np.isfinite(steps) | (np.abs(steps) >= 2.0**62)
    whole = np.where(lost, 0, steps).astype(np.int64)
    span = column.kind != "date"
    raw = whole.view("m8[us]" if span else "M8[us]").copy()
    raw[lost] = np.timedelta64("NaT") if span else np.datetime64("NaT")
    dtype = dtype_named(column.dtype or "datetime64[us]")
    series = pd.Series(raw)
    zone = getattr(getattr(dtype, "pyarrow_dtype", dtype), "tz", None)
    if zone is not None:
        series = series.dt.tz_localize("UTC").dt.tz_convert(zone)
    try:
        return series.astype(dtype).array
    except (pd.errors.OutOfBoundsDatetime, pd.errors.OutOfBoundsTimedelta):
        return series.array  # beyond what nanoseconds can say


def _numbers(values: Floats, gap: Bools, column: Column) -> Any:
    if not column.dtype:  # an array of the user's, or a domain without a frame
        whole = column.kind == "integer" and np.isfinite(values).all()
        return values.astype(np.int64) if whole and (values == np.round(values)).all() else values
    dtype = dtype_named(column.dtype)
    if isinstance(dtype, np.dtype):
        return _plain(values, gap, dtype, column)
    return _extension(values, gap, dtype)


def _plain(values: Floats, gap: Bools, dtype: Any, column: Column) -> Any:
    import pandas as pd

    if dtype.kind == "f":
        return values if dtype == values.dtype else values.astype(dtype)
    if dtype.kind == "O":
        if column.kind == "integer" and _fit(values[~gap], "i"):
            made = np.where(gap, 0, values).astype(np.int64).astype(object)
        else:
            made = values.astype(object)
        made[gap] = _gap(column)
        return pd.Series(made, dtype=object)
    return values.astype(dtype) if not gap.any() and _fit(values, dtype.kind) else values


def _extension(values: Floats, gap: Bools, dtype: Any) -> Any:
    import pandas as pd

    series = pd.Series(values)
    kind = getattr(dtype, "kind", "f")
    if kind in "iub":
        if not _fit(values[~gap], kind):
            return series.array
        filled = np.where(gap, 0, values)
        plain = {"b": np.bool_, "i": np.int64, "u": np.uint64}[kind]
        series = pd.Series(filled.astype(plain)).astype(dtype)
        return series.mask(gap, pd.NA).array
    made = series.astype(dtype)
    if gap.any() and not isinstance(dtype, pd.SparseDtype):
        made = made.mask(gap, pd.NA)
    return made.array


def _fit(values: Floats, kind: str) -> bool:
    """Tell whether floats are values of a type of whole or true-or-false numbers."""
    if kind == "b":
        return bool(np.isin(values, (0.0, 1.0)).all())
    inside = np.abs(values) < 2.0**63 if kind == "i" else (values >= 0) & (values < 2.0**64)
    return bool((np.isfinite(values) & inside & (values == np.round(values))).all())
