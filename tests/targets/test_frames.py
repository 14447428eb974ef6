"""A model gets the very frame that pandas gave the user, whatever types its columns have."""

from __future__ import annotations

import datetime as dt
import decimal
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.describe.coding import CodingError, coded, kind_of
from goalkeeper.targets.inputs import prepared

HOURS = pd.date_range("2020-01-01 00:00:00.123456", periods=6, freq="h")
GAPS = ["a", None, "b"] * 2
COLUMNS: dict[str, Any] = {
    "float64": [1.5, np.nan, 2, 3, 4, 5.0],
    "float32": np.arange(6, dtype=np.float32) / 3,
    "float16": np.arange(6, dtype=np.float16) / 3,
    "int64": range(6),
    "int8": np.arange(6, dtype=np.int8),
    "uint8": np.arange(6, dtype=np.uint8),
    "uint64": np.arange(6, dtype=np.uint64) * 2**50,
    "bool": [True, False] * 3,
    "str": pd.Series(["a", "NA", "null", "", "007", "no"]),
    "words with gaps": pd.Series(["a", None, "NA", "b", "", None]).astype("string"),
    "objects with None": pd.Series(GAPS, dtype=object),
    "objects with nan": pd.Series(["a", np.nan, "b"] * 2, dtype=object),
    "objects that are bools": pd.Series([True, None, False] * 2, dtype=object),
    "objects of all kinds": pd.Series([1, "1", 2.5, "x", None, "y"], dtype=object),
    "objects that are numbers": pd.Series([1, 2, 3, None, 4, 5], dtype=object),
    "Int64": pd.Series([1, None, 3, 4, 5, 6], dtype="Int64"),
    "UInt8": pd.Series([1, None, 3, 4, 5, 6], dtype="UInt8"),
    "Float32": pd.Series([1.5, None, 3, 4, 5, 6], dtype="Float32"),
    "boolean": pd.Series([True, None, False] * 2, dtype="boolean"),
    "category": pd.Categorical(GAPS, categories=["z", "b", "a"]),
    "ordered": pd.Categorical(["lo", "hi", None] * 2, categories=["lo", "hi"], ordered=True),
    "category of numbers": pd.Categorical([3, 1, 2] * 2),
    "category of fractions": pd.Categorical([0.5, 1, 2] * 2),
    "category of bools": pd.Categorical([True, False, None] * 2),
    "intervals": pd.cut(np.arange(6), 3),
    "periods": pd.period_range("2020-01", periods=6, freq="M"),
    "dates": HOURS,
    "dates in nanoseconds": HOURS.astype("datetime64[ns]"),
    "dates in seconds": HOURS.floor("s").astype("datetime64[s]"),
    "dates of a zone": HOURS.tz_localize("Europe/Berlin"),
    "dates with gaps": pd.Series([pd.Timestamp("2020-01-01"), pd.NaT] * 3),
    "old dates": pd.Series(pd.to_datetime(["1850-01-01 10:00:00.1"] * 6)),
    "spans": pd.to_timedelta(range(6), unit="h"),
    "spans with gaps": pd.Series(pd.to_timedelta([1, None, 2] * 2, unit="s")),
    "sparse": pd.arrays.SparseArray([0, 0, 1.0, 0, 2, 0]),
    "no value at all": [np.nan] * 6,
    "None only": pd.Series([None] * 6, dtype=object),
}


def told(series: pd.Series[Any]) -> tuple[Column, Any]:
    made = coded(series, Column(name="c", kind=kind_of(series), missing=bool(series.isna().any())))
    return made.column, made.values


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_comes_back_as_it_was(name: str) -> None:
    frame = pd.DataFrame({"c": COLUMNS[name]})
    column, values = told(frame["c"])
    domain = TableDomain(columns=(column,), named=True)
    assert domain.valid(values[:, None]).all()
    pd.testing.assert_frame_equal(prepared(values[:, None], domain), frame)
    some = prepared(values[2:4, None], domain)  # no type depends on what other records there are
    pd.testing.assert_frame_equal(some, frame.iloc[2:4].reset_index(drop=True))


@pytest.mark.parametrize("kind", ["int64[pyarrow]", "bool[pyarrow]", "double[pyarrow]",
                                  "string[pyarrow]", "timestamp[us][pyarrow]"])  # fmt: skip
def test_arrow_types_come_back(kind: str) -> None:
    pa = pytest.importorskip("pyarrow")
    plain: Any = {"bool": [True, None, False], "string": ["a", None, "b"]}.get(kind[:-9], [1, None])
    cells: Any = HOURS if kind.startswith("time") else pd.Series(plain * 2, dtype=object)
    dtype: Any = pd.ArrowDtype(pa.string()) if kind.startswith("string") else kind
    frame = pd.DataFrame({"c": pd.Series(cells).astype(dtype)})
    column, values = told(frame["c"])
    domain = TableDomain(columns=(column,), named=True)
    pd.testing.assert_frame_equal(prepared(values[:, None], domain), frame)


def test_names_that_are_no_texts_come_back() -> None:
    frame = pd.DataFrame({0: [1.5, 2.5], ("a", 1): [3, 4]})
    columns = tuple(
        replace(told(frame[label])[0], name=str(label), label=label) for label in frame.columns
    )
    domain = TableDomain(columns=columns, named=True)
    pd.testing.assert_frame_equal(prepared(frame.to_numpy(dtype=float), domain), frame)


def test_rows_of_floats_lie_as_the_array_does() -> None:
    """Sums in another order would move the last digits of every model."""
    columns = tuple(Column(name=n, dtype="float64") for n in "ab")
    x = np.arange(6.0).reshape(3, 2)
    frame = prepared(x, TableDomain(columns=columns, named=True))
    assert frame.to_numpy().flags.c_contiguous


@pytest.mark.parametrize(
    ("cell", "kind"), [(0.5, "int64"), (np.nan, "int64"), (2.0, "bool"), (1e300, "int64")]
)
def test_a_value_that_the_type_cannot_hold_comes_as_a_float(cell: float, kind: str) -> None:
    column = Column(name="c", kind="integer", dtype=kind)
    frame = prepared(np.array([[1.0], [cell]]), TableDomain(columns=(column,), named=True))
    assert frame["c"].dtype == np.float64


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([[1], [2]], "list"),
        ([{}, {}], "dict"),
        ([decimal.Decimal(1)] * 2, "decimals"),
        ([dt.date(2020, 1, 1)] * 2, "dates"),
        ([1j, 2j], "complex"),
    ],
)
def test_what_no_model_of_tables_takes_is_named(cells: list[Any], words: str) -> None:
    with pytest.raises(CodingError, match=words):
        kind_of(pd.Series(cells))
