"""Code one column of a pandas frame as floats, and remember how to give it back as it was."""

from __future__ import annotations

import datetime as dt
import decimal
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Bools, Floats
from goalkeeper.core.domain import Column
from goalkeeper.describe.document import as_text
from goalkeeper.targets.frames import cells, dtype_name

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["number", "integer", "category", "date"]
EXACT = 2.0**53  # whole numbers up to which floats are exact
TRIED = 2000  # cells that are given back for a trial
LONGEST = 60  # characters of a cell that are shown
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


class CodingError(ValueError):
    """A column that cannot be coded.

    Parameters
    ----------
    what
        What is wrong, as the end of a sentence that begins with the column.
    row
        The record with which it is wrong; None where it is the whole column.
    given
        What stands there.
    advice
        What to do.
    """

    def __init__(
        self, what: str, row: int | None = None, given: str = "", advice: str = ""
    ) -> None:
        super().__init__(what)
        self.what, self.row, self.given, self.advice = what, row, given, advice


@dataclass(frozen=True, eq=False)
class Coded:
    """A column, its cells as floats `(n,)` with NaN where one is missing, and what is odd."""

    column: Column
    values: Floats
    notes: tuple[str, ...] = ()


def kind_of(series: pd.Series[Any]) -> Kind:
    """Tell what a column holds by its type, and by its cells where these are Python objects.

    Raises
    ------
    CodingError
        It holds lists, complex numbers or other things that no model of tables takes.
    """
    import pandas as pd

    types, dtype = pd.api.types, series.dtype
    if isinstance(dtype, pd.CategoricalDtype | pd.IntervalDtype | pd.PeriodDtype):
        return "category"
    if types.is_datetime64_any_dtype(dtype):
        return "date"
    if types.is_bool_dtype(dtype) or types.is_integer_dtype(dtype):
        return "integer"
    if types.is_float_dtype(dtype) or types.is_timedelta64_dtype(dtype):
        return "number"
    if types.is_complex_dtype(dtype):
        raise CodingError("holds complex numbers", advice="give their parts as two columns")
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        return _kind_of_objects(series)
    if types.is_string_dtype(dtype):
        return "category"
    if types.is_numeric_dtype(dtype):
        return "number"
    raise CodingError(f"holds {dtype}, which is neither numbers nor words")


def coded(series: pd.Series[Any], column: Column) -> Coded:
    """Code a column as floats `(n,)`; of `column`, name, kind and what the user states are known.

    Raises
    ------
    CodingError
        What stands in a cell is not of this kind.
    """
    import pandas as pd

    gap = np.asarray(series.isna(), dtype=bool)
    coder = _CODERS[column.kind]
    if column.kind != "category" and pd.api.types.is_timedelta64_dtype(series.dtype):
        coder = _times
    made = coder(series, gap, column)
    _check_given_back(series, made)
    return made


def words_of(values: tuple[Any, ...]) -> tuple[str, ...]:
    """Write values as words, each different: 1 and "1" stay apart."""
    words = [str(as_text(value.item() if isinstance(value, np.generic) else value))
             for value in values]  # fmt: skip
    if len(set(words)) == len(words):
        return tuple(words)
    seen: dict[str, int] = {}
    for i, (word, value) in enumerate(zip(words, values, strict=True)):
        words[i] = word if word not in seen else f"{value!r} ({type(value).__name__})"
        seen[words[i]] = i
    return tuple(words)


# ---- numbers ------------------------------------------------------------------------------------


def _numbers(series: pd.Series[Any], gap: Bools, column: Column) -> Coded:
    import pandas as pd

    notes: tuple[str, ...] = ()
    plain = series
    if not pd.api.types.is_numeric_dtype(series.dtype):
        plain = pd.to_numeric(series, errors="coerce")  # objects, or words
    values = plain.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    _refuse(~np.isfinite(values) & ~gap, series, "is not a finite number")
    full = values[~gap]
    if column.kind == "integer":
        _refuse(~gap & (values != np.round(values)), series, "is not a whole number")
    if len(full) and np.abs(full).max() > EXACT and pd.api.types.is_integer_dtype(plain.dtype):
        notes = (
            f"column {column.name} has whole numbers beyond 2^53: the model gets them rounded to "
            "16 digits",
        )
    own = series if series.dtype.kind == "O" or plain is series else plain
    return Coded(_bounded(column, full, dtype_name(own.dtype), series, gap), values, notes)


def _refuse(off: Bools, series: pd.Series[Any], what: str) -> None:
    if off.any():
        row = int(off.argmax())
        raise CodingError(what, row, str(series.iloc[row])[:LONGEST])


def _bounded(column: Column, full: Floats, dtype: str, series: Any, gap: Bools) -> Column:
    """Take bounds from the data."""
    low, high = (float(full.min()), float(full.max())) if len(full) else (0.0, 0.0)
    return replace(column, low=low, high=high, dtype=dtype, gap=_gap(series, gap))


def _gap(series: pd.Series[Any], gap: Bools) -> str:
    """Name what stands for a missing value in a column of objects."""
    import pandas as pd

    if series.dtype.kind != "O" or not gap.any():
        return "nan"
    first = series.iloc[int(gap.argmax())]
    kinds = {id(None): "none", id(pd.NA): "na", id(pd.NaT): "nat"}
    return kinds.get(id(first), "nan")


# ---- dates and spans of time --------------------------------------------------------------------


def _times(series: pd.Series[Any], gap: Bools, column: Column) -> Coded:
    import pandas as pd

    times = series
    if isinstance(series.dtype, pd.ArrowDtype) or series.dtype.kind not in "mM":
        times = _parsed(series, gap)
    zoned = getattr(times.dtype, "tz", None) is not None
    raw = (times.dt.tz_convert("UTC").dt.tz_localize(None) if zoned else times).to_numpy()
    steps = PER_SECOND[np.datetime_data(raw.dtype)[0]]
    whole = np.where(gap, 0, raw.view(np.int64))
    values = whole // steps + (whole % steps) / steps
    values[gap] = np.nan
    own = series if series.dtype.kind in "mM" else times
    notes: tuple[str, ...] = ()
    if steps == PER_SECOND["ns"] and (whole % 1000).any():
        notes = (f"column {column.name} has times in nanoseconds: the model gets microseconds",)
    return Coded(_bounded(column, values[~gap], dtype_name(own.dtype), series, gap), values, notes)


def _parsed(series: pd.Series[Any], gap: Bools) -> pd.Series[Any]:
    """Read words as dates."""
    import pandas as pd

    words = series.astype(object)
    made: pd.Series[Any] = pd.to_datetime(words, errors="coerce", format="ISO8601")
    if (np.asarray(made.isna()) & ~gap).any():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that every word is read for itself
            made = pd.to_datetime(words, errors="coerce")
    _refuse(np.asarray(made.isna()) & ~gap, series, "is not a date")
    return made


# ---- categories ---------------------------------------------------------------------------------


def _categories(series: pd.Series[Any], gap: Bools, column: Column) -> Coded:
    """Code words; a pandas category keeps its own, others are sorted as words."""
    import pandas as pd

    dtype, ordered = dtype_name(series.dtype), False
    if isinstance(series.dtype, pd.CategoricalDtype):
        own, ordered = tuple(series.dtype.categories.tolist()), bool(series.dtype.ordered)
        words = words_of(own)
        codes = np.asarray(series.cat.codes, dtype=np.int64)
    else:
        codes, found = pd.factorize(series, use_na_sentinel=True)
        items = tuple(found.tolist() if hasattr(found, "tolist") else list(found))
        unsorted = words_of(items)
        order = sorted(range(len(items)), key=unsorted.__getitem__)
        own, words = tuple(items[i] for i in order), tuple(unsorted[i] for i in order)
        place = np.empty(len(items) + 1, dtype=np.int64)
        place[order], place[-1] = np.arange(len(items)), -1
        codes = place[codes]
    if column.categories:
        codes, own, words = _listed(codes, own, words, column.categories)
    values = np.where(codes < 0, np.nan, codes.astype(np.float64))
    same = all(type(value) is str and value == word for value, word in zip(own, words, strict=True))
    made = replace(
        column,
        categories=words,
        values=() if same else own,
        dtype=dtype,
        ordered=ordered,
        gap=_gap(series, gap),
    )
    return Coded(made, values)


def _listed(
    codes: NDArray[Any],
    own: tuple[Any, ...],
    words: tuple[str, ...],
    stated: tuple[str, ...],
) -> tuple[NDArray[Any], tuple[Any, ...], tuple[str, ...]]:
    """Code by the categories that the user lists, in this order."""
    new = {word: i for i, word in enumerate(stated)}
    used = set(np.unique(codes[codes >= 0]).tolist())
    for i, word in enumerate(words):
        if word not in new and i in used:
            row = int(np.flatnonzero(codes == i)[0])
            raise CodingError(f"has the category {word!r}, which is not listed", row, word)
    place = np.array([*(new.get(word, -1) for word in words), -1], dtype=np.int64)
    known = dict(zip(words, own, strict=True))
    convert = type(own[0]) if own and all(type(v) is type(own[0]) for v in own) else str
    values = tuple(known[word] if word in known else _read(word, convert) for word in stated)
    return place[codes], values, stated


def _read(word: str, convert: type) -> Any:
    """Read a category that is listed and not in the data as the others are."""
    if convert is bool:
        return word == "True"
    try:
        return convert(word)
    except (TypeError, ValueError):
        return word


def _kind_of_objects(series: pd.Series[Any]) -> Kind:
    """Look at the cells of a column of Python objects."""
    full = series[series.notna()]
    kinds = set(map(type, full))
    if kinds and kinds <= {int, float, np.float64, np.int64, np.float32, np.int32}:
        whole = not kinds & {float, np.float64, np.float32}
        return "integer" if whole else "number"
    if kinds & {dt.date, dt.datetime} or "Timestamp" in {k.__name__ for k in kinds}:
        raise CodingError(
            "holds dates as Python objects",
            given=str(full.iloc[0]),
            advice="convert it with pandas.to_datetime",
        )
    if decimal.Decimal in kinds:
        raise CodingError(
            "holds decimals as Python objects",
            given=str(full.iloc[0]),
            advice="convert it to floats",
        )
    odd = next(
        (k for k in kinds if vars(k).get("__hash__", 0) is None or issubclass(k, tuple)), None
    )
    if odd is not None:
        raise CodingError(
            f"holds values of type {odd.__name__}",
            given=str(full.iloc[0])[:LONGEST],
            advice="spread it over columns of numbers or words",
        )
    return "category"


# ---- giving back --------------------------------------------------------------------------------


def _check_given_back(series: pd.Series[Any], made: Coded) -> None:
    """Give some cells back: what the model would get must be what the user has."""
    import pandas as pd

    if made.notes:
        return
    some = slice(0, TRIED)
    back = pd.Series(cells(made.values[some], made.column))
    own = series.iloc[some].reset_index(drop=True)
    if made.column.dtype == dtype_name(own.dtype) and not back.equals(own):
        raise CodingError(f"holds {own.dtype}, whose values cannot be kept as they are")


_CODERS: Mapping[Kind, Callable[..., Coded]] = {
    "number": _numbers,
    "integer": _numbers,
    "date": _times,
    "category": _categories,
}
