"""From the columns of a table to rows of numbers, with the type and bounds of each column."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Floats
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import DescriptionError
from goalkeeper.describe.coding import Coded, CodingError, coded, kind_of
from goalkeeper.describe.document import Document, Key
from goalkeeper.describe.form import ApplicationForm
from goalkeeper.describe.form_data import ColumnForm
from goalkeeper.describe.looks import are_amounts, look_of, numbering, sentinel
from goalkeeper.describe.problems import nearest, problem
from goalkeeper.describe.raw import Raw

if TYPE_CHECKING:
    import pandas as pd

MANY = 50  # Categories of which more may be names or numbers of records.


@dataclass(frozen=True, eq=False)
class Tabulator:
    """Codes the features of a table and finds their types and bounds."""

    document: Document
    form: ApplicationForm
    raw: Raw
    notes: list[str] = field(default_factory=list)

    def tabulate(self, names: tuple[str, ...]) -> tuple[Floats, TableDomain]:
        """Return rows `(n, d)` and their domain, and note what is odd; raises DescriptionError.

        A missing value is NaN. The domain is `named`, so that models get a frame, where not all
        columns are numbers.
        """
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
        x = np.empty((len(self.raw.frame), len(names)))
        columns = []
        for j, name in enumerate(names):
            made = self._column(name, self.form.columns.get(name, ColumnForm()))
            columns.append(self._labelled(made.column))
            x[:, j] = made.values
            self.notes.extend(made.notes)
        groups = tuple(self._group(i, names, x) for i in range(len(self.form.data.one_hot)))
        domain = TableDomain(columns=tuple(columns), one_hot=groups)
        self._note_missing(domain, x)
        return x, replace(domain, named=not domain.numeric)

    def _problem(self, key: Key, what: str, **details: Any) -> DescriptionError:
        return problem(self.document, key, what, **details)

    def _column(self, name: str, form: ColumnForm) -> Coded:
        series = self.raw.frame[name]
        if form.missing == "never":
            self._complete(name, series)
        key: Key = ("columns", name) if name in self.form.columns else ("data",)
        try:
            kind = form.type or ("category" if form.categories is not None else kind_of(series))
            if kind == "category" and form == ColumnForm():
                self._plain_words(name, series)
            column = Column(
                name=name,
                kind=kind,
                categories=form.categories or (),
                immutable=form.immutable,
                missing=form.missing == "allowed" or bool(series.isna().any()),
            )
            made = coded(series, column)
        except CodingError as error:
            raise self._uncoded(name, key, form, error) from error
        if kind == "category":
            return made
        return self._bounded(made, form, key)

    def _labelled(self, column: Column) -> Column:
        """Keep the name that the frame itself has; numbers of an array have no frame."""
        label = self.raw.labels.get(column.name)
        if label is not None:
            column = replace(column, label=label)
        plain = column.kind in ("number", "integer")
        return replace(column, dtype="") if self.raw.features is not None and plain else column

    def _complete(self, name: str, series: pd.Series[Any]) -> None:
        missing = np.flatnonzero(series.isna().to_numpy())
        if len(missing):
            raise self._problem(
                ("columns", name, "missing"),
                f"{self.raw.record(int(missing[0]))} has no value in column {name} "
                f"({len(missing)} records)",
                expected="a value in every cell of this column",
                given="a missing value (NaN)",
                advice="fill these cells, take the records out, or leave the column out: "
                f"`drop: [{name}]`",
            )

    def _uncoded(
        self, name: str, key: Key, form: ColumnForm, error: CodingError
    ) -> DescriptionError:
        if form.categories is not None:
            advice = nearest(error.given, form.categories) or "add it to the categories"
            return self._problem(
                ("columns", name, "categories"),
                f"{self.raw.record(error.row or 0)} {error.what}",
                expected="one of " + ", ".join(form.categories),
                given=error.given,
                advice=advice,
            )
        where = "column " + name
        what = f"{where} {error.what}"
        advice = (error.advice or "convert it to numbers") + f", or leave it out: `drop: [{name}]`"
        if error.row is not None:
            what = f"{self.raw.record(error.row)} {error.what} in {where}"
            advice = error.advice or f"correct it, or leave the column out: `drop: [{name}]`"
        return self._problem(
            key, what, given=error.given, expected="numbers or words", advice=advice
        )

    # ---- numbers and dates ------------------------------------------------------------------

    def _bounded(self, made: Coded, form: ColumnForm, key: Key) -> Coded:
        """Take the bounds that the user states, and check that all data keep them."""
        column, values = made.column, made.values
        low = column.low if form.low is None else form.low
        high = column.high if form.high is None else form.high
        outside = (values < low) | (values > high)
        if outside.any():
            row = int(outside.argmax())
            raise self._problem(
                key,
                f"{self.raw.record(row)} lies outside of the bounds of column {column.name}",
                expected=f"a number from {low:g} to {high:g}",
                given=f"{values[row]:g}",
                advice="widen low and high, or correct the record",
            )
        if column.kind == "integer" and form == ColumnForm():
            self._note_numbering(column.name, values)
        if form == ColumnForm() and column.kind in ("number", "integer"):
            self._note_sentinel(column.name, values)
        return replace(made, column=replace(column, low=low, high=high))

    def _note_numbering(self, name: str, values: Floats) -> None:
        counted = numbering(values, np.isnan(values))
        if counted:
            self.notes.append(
                f"column {name} {counted}: if it is a number of the record and not something that "
                f"the model should learn from, leave it out: `drop: [{name}]`"
            )

    def _note_sentinel(self, name: str, values: Floats) -> None:
        word, count = sentinel(values)
        if word:
            remedy = "write NaN in its place"
            if self.raw.written:
                remedy = f"say so: `columns: {{{name}: {{missing_words: ['{word}']}}}}`"
            self.notes.append(
                f"column {name} has the value {word} in {count} records, far from all others: if "
                f"it stands for a missing value, {remedy}"
            )

    def _note_missing(self, domain: TableDomain, x: Floats) -> None:
        counts = np.isnan(x).sum(axis=0).tolist()
        some = [
            f"{c.name} ({count})" for c, count in zip(domain.columns, counts, strict=True) if count
        ]
        if some:
            more = f" and {len(some) - 5} more columns" if len(some) > 5 else ""
            self.notes.append(
                "missing values are part of what the model takes, in records by column: "
                + ", ".join(some[:5])
                + more
            )
        for column, count in zip(domain.columns, counts, strict=True):
            if count == len(x):
                self.notes.append(f"column {column.name} has no value in any record")

    # ---- words ------------------------------------------------------------------------------

    def _plain_words(self, name: str, series: pd.Series[Any]) -> None:
        """Refuse words that were meant as numbers or dates, or that name the record."""
        import pandas as pd

        if isinstance(series.dtype, pd.CategoricalDtype):
            return
        found = series.dropna().unique()
        words = [str(value) for value in found]
        many = len(words) > max(MANY, int(series.notna().sum()) // 2)
        look = look_of(words, name, many=many, written=self.raw.written)
        if look is None and not many:
            if are_amounts(words):
                self.notes.append(
                    f"column {name} holds numbers with a unit or sign, such as {min(words)}, which "
                    "the model gets as words: if it should see numbers, write them without the unit"
                )
            return
        what = (
            f"column {name} has {len(words)} different words in {len(series)} records, which "
            "looks like a name or number of the record"
        )
        advice = (
            f"leave it out: `drop: [{name}]`; or, if the model does see it, describe it: "
            f"`columns: {{{name}: {{type: category}}}}`"
        )
        if look is not None:
            what, advice = f"column {name} {look[0]}", look[1]
        raise self._problem(
            ("data",), what, given=", ".join(sorted(words)[:3]) + ", ...", advice=advice
        )

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
