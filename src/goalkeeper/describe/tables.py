"""From the columns of a table to rows of numbers, with the type and bounds of each column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Floats
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import DescriptionError
from goalkeeper.describe.document import Document, Key, as_text
from goalkeeper.describe.form import ApplicationForm, ColumnForm
from goalkeeper.describe.problems import nearest, problem
from goalkeeper.describe.reading import Raw

if TYPE_CHECKING:
    import pandas as pd

MANY = 50  # Categories of which more may be names or numbers of records.

Kind = Literal["number", "integer", "category"]


@dataclass(frozen=True, eq=False)
class Tabulator:
    """Codes the features of a table and finds their types and bounds."""

    document: Document
    form: ApplicationForm
    raw: Raw

    def tabulate(self, names: tuple[str, ...]) -> tuple[Floats, TableDomain]:
        """Return rows `(n, d)` and their domain; raises DescriptionError."""
        for name in self.form.columns:
            if name not in names:
                raise self._problem(
                    ("columns", name),
                    "the table has no such feature",
                    expected="one of " + ", ".join(names[:12]),
                    given=name,
                    advice=nearest(name, names)
                    or "write the name of a column as it is in the data",
                )
        pairs = [self._column(name, self.form.columns.get(name, ColumnForm())) for name in names]
        columns = tuple(column for column, _ in pairs)
        x = np.column_stack([values for _, values in pairs])
        groups = tuple(self._group(i, names, x) for i in range(len(self.form.data.one_hot)))
        coded = any(column.kind == "category" for column in columns)
        return x, TableDomain(columns=columns, one_hot=groups, named=coded)

    def _problem(self, key: Key, what: str, **details: Any) -> DescriptionError:
        return problem(self.document, key, what, **details)

    def _column(self, name: str, form: ColumnForm) -> tuple[Column, Floats]:
        import pandas as pd

        series = self.raw.frame[name]
        missing = np.flatnonzero(series.isna().to_numpy())
        if len(missing):
            raise self._problem(
                ("data",),
                f"{self.raw.record(int(missing[0]))} has no value in column {name} "
                f"({len(missing)} records)",
                expected="a value in every cell of a feature",
                given="a missing value (NaN)",
                advice="fill these cells, take the records out, or leave the column out: "
                f"`drop: [{name}]`",
            )
        numeric = pd.api.types.is_numeric_dtype(series.dtype)
        kind = form.type or ("category" if form.categories is not None else _kind(series))
        if kind is None:
            raise self._problem(
                ("data",),
                f"column {name} holds neither numbers nor words",
                expected="numbers or words",
                given=str(series.dtype),
                advice=f"convert it to numbers, or leave it out: `drop: [{name}]`",
            )
        if kind == "category":
            return self._category(name, form, series)
        return self._number(name, form, series, numeric=numeric, kind=kind)

    def _number(
        self, name: str, form: ColumnForm, series: pd.Series[Any], *, numeric: bool, kind: Kind
    ) -> tuple[Column, Floats]:
        import pandas as pd

        clean = series if numeric else pd.to_numeric(series, errors="coerce")
        values = clean.to_numpy(dtype=np.float64, na_value=np.nan)
        key: Key = ("columns", name) if name in self.form.columns else ("data",)
        off = ~np.isfinite(values)
        what = "is not a finite number"
        if kind == "integer" and not off.any():
            off, what = values != np.round(values), "is not a whole number"
        if off.any():
            row = int(off.argmax())
            raise self._problem(
                key,
                f"{self.raw.record(row)} {what} in column {name}",
                given=str(series.iloc[row]),
                advice=f"correct it, or leave the column out: `drop: [{name}]`",
            )
        low = float(values.min()) if form.low is None else form.low
        high = float(values.max()) if form.high is None else form.high
        outside = (values < low) | (values > high)
        if outside.any():
            row = int(outside.argmax())
            raise self._problem(
                key,
                f"{self.raw.record(row)} lies outside of the bounds of column {name}",
                expected=f"a number from {low:g} to {high:g}",
                given=f"{values[row]:g}",
                advice="widen low and high, or correct the record",
            )
        column = Column(name=name, kind=kind, low=low, high=high, immutable=form.immutable)
        return column, values

    def _category(
        self, name: str, form: ColumnForm, series: pd.Series[Any]
    ) -> tuple[Column, Floats]:
        words = np.array([str(as_text(_item(v))) for v in series.to_numpy(dtype=object)])
        found = sorted(set(words.tolist()))
        if form.type is None and len(found) > max(MANY, len(words) // 2):
            raise self._problem(
                ("data",),
                f"column {name} has {len(found)} different words in {len(words)} records, "
                "which looks like a name or number of the record",
                given=", ".join(found[:3]) + ", ...",
                advice=f"leave it out: `drop: [{name}]`; or, if the model does see it, describe "
                f"it: `columns: {{{name}: {{type: category}}}}`",
            )
        categories = tuple(found) if form.categories is None else form.categories
        code = {word: float(i) for i, word in enumerate(categories)}
        unknown = next((word for word in found if word not in code), None)
        if unknown is not None:
            row = int(np.flatnonzero(words == unknown)[0])
            raise self._problem(
                ("columns", name, "categories"),
                f"{self.raw.record(row)} has the category {unknown!r}, which is not listed",
                expected="one of " + ", ".join(categories),
                given=unknown,
                advice=nearest(unknown, categories) or "add it to the categories",
            )
        values = np.array([code[word] for word in words.tolist()])
        column = Column(name=name, kind="category", categories=categories, immutable=form.immutable)
        return column, values

    def _group(self, i: int, names: tuple[str, ...], x: Floats) -> tuple[int, ...]:
        group = self.form.data.one_hot[i]
        key: Key = ("data", "one_hot", i)
        for name in group:
            if name not in names:
                raise self._problem(
                    key,
                    f"there is no feature {name}",
                    given=name,
                    advice=nearest(name, names) or "write a column's name",
                )
        places = tuple(names.index(name) for name in group)
        block: NDArray[Any] = x[:, list(places)]
        off = ~(np.isin(block, (0, 1)).all(axis=1) & (block.sum(axis=1) == 1))
        if off.any():
            raise self._problem(
                key,
                f"in {self.raw.record(int(off.argmax()))}, not exactly one of these columns is 1",
                expected="a single 1, and 0 elsewhere",
                advice="correct the group or the record",
            )
        return places


def _kind(series: pd.Series[Any]) -> Kind | None:
    import pandas as pd

    types, dtype = pd.api.types, series.dtype
    if types.is_bool_dtype(dtype) or types.is_integer_dtype(dtype):
        return "integer"
    if types.is_float_dtype(dtype):
        return "number"
    words = isinstance(dtype, pd.CategoricalDtype) or types.is_string_dtype(dtype)
    return "category" if words or types.is_object_dtype(dtype) else None


def _item(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
