"""Read CSV files as `pandas.read_csv` reads them for the user."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goalkeeper.describe.document import Document, Key
from goalkeeper.describe.form import ApplicationForm
from goalkeeper.describe.form_data import ColumnForm
from goalkeeper.describe.problems import problem
from goalkeeper.describe.raw import first_line

if TYPE_CHECKING:
    import pandas as pd

# What `pandas.read_csv` takes for a missing value.
MISSING = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
LOOKED_AT = 5000  # records in which numbers with leading zeros are looked for
VALUE = re.compile(r"[-+]?\d*[.,]\d+([eE][-+]?\d+)?|[-+]\d+")  # and no number of a column
LEADING_ZERO = re.compile(r"[-+]?0\d+")


@dataclass(frozen=True, eq=False)
class CsvReader:
    """Reads the CSV files of a description."""

    document: Document
    form: ApplicationForm

    def read(self, key: Key, path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
        """Return the frame and what is odd about it; raises DescriptionError."""
        import pandas as pd

        separator = self._separator(path)
        with self._well_formed(key, path):
            header = self._header(key, path, separator)
            names = [name or f"Unnamed: {j}" for j, name in enumerate(header)]
            words = self._words() & set(names)
            frame = pd.read_csv(path, na_values=self._missing(names, words), low_memory=False,
                                **self._options(path, separator, names, words))  # fmt: skip
        if not isinstance(frame.index, pd.RangeIndex):
            raise problem(
                self.document,
                key,
                "lines have more cells than the header",
                expected=f"{len(header)} cells a line",
                advice="give every column a name in the first line",
            )
        return frame, (*_unnamed(header, names), *self._zeros(path, separator, frame, words))

    # ---- how it is read -------------------------------------------------------------------------

    def _separator(self, path: Path) -> str:
        tabs = any(suffix.lower() == ".tsv" for suffix in path.suffixes)
        return self.form.data.separator or ("\t" if tabs else ",")

    def _options(
        self, path: Path, separator: str, names: Sequence[str], words: set[str]
    ) -> dict[str, Any]:
        """Gather what `read_csv` is given beside the words for missing values."""
        data = self.form.data
        types = {
            n: c.dtype
            for n, c in self.form.columns.items()
            if c.dtype and n in names and not c.dtype.startswith("datetime")
        }
        options = {
            "sep": separator,
            "encoding": _bom(data.encoding),
            "compression": "gzip" if path.suffix.lower() == ".gz" else None,
            "dtype": {**types, **dict.fromkeys(words, "str")},
            "keep_default_na": False,
            "decimal": data.decimal or ".",
            "thousands": data.thousands,
        }
        return {name: value for name, value in options.items() if value is not None}

    def _missing(self, names: Sequence[str], words: set[str]) -> dict[str, list[str]]:
        """Map each column to its words for a missing value; none in texts, labels and persons."""
        columns, plain = self.form.columns, ColumnForm()
        given = {name: columns.get(name, plain).missing_words for name in names}
        return {
            name: list(MISSING if given[name] is None else given[name] or ())
            for name in names
            if name not in words
        }

    def _words(self) -> set[str]:
        """List the columns that are read as they stand, `NA` and `007` included."""
        data = self.form.data
        apart = {*data.subgroups, *data.sensitive} if data.text else set(data.subgroups)
        named = {data.text, data.label, data.person, data.part, *apart}
        return {n for n in named if n is not None} - {*(data.features or ()), *self.form.columns}

    # ---- what is wrong --------------------------------------------------------------------------

    @contextmanager
    def _well_formed(self, key: Key, path: Path) -> Iterator[None]:
        """Tell what is wrong with a CSV file."""
        import pandas as pd

        encoding = self.form.data.encoding
        try:
            yield
        except LookupError as error:
            raise problem(self.document, ("data", "encoding"), str(error)) from error
        except UnicodeError as error:
            raise problem(
                self.document,
                key,
                f"the file is not {encoding} text ({error})",
                expected=f"text in {encoding}",
                advice="save it as UTF-8, or state its encoding: `encoding: latin-1`",
            ) from error
        except (gzip.BadGzipFile, EOFError) as error:
            raise problem(
                self.document,
                key,
                f"the file cannot be unpacked ({first_line(error)})",
                expected="a whole gzip file",
                advice=f"copy {path.name} again",
            ) from error
        except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as error:
            raise problem(
                self.document,
                key,
                f"the file is not well-formed CSV ({first_line(error)})",
                advice="every line needs as many cells as the header; cells with commas or line "
                "breaks need quotes",
            ) from error
        except (ValueError, TypeError) as error:  # a stated type or mark that does not fit
            raise problem(
                self.document,
                key,
                f"the file cannot be read as stated ({first_line(error)})",
                advice="correct `decimal`, `thousands`, `separator`, or `dtype` under columns",
            ) from error

    def _header(self, key: Key, path: Path, separator: str) -> list[str]:
        how: dict[str, Any] = {"encoding": _bom(self.form.data.encoding), "newline": ""}
        packed = path.suffix.lower() == ".gz"
        with gzip.open(path, "rt", **how) if packed else path.open(**how) as stream:
            header = next(csv.reader(stream, delimiter=separator), [])
        twice = {name for name in header if name and header.count(name) > 1}
        if twice:
            raise problem(
                self.document,
                key,
                f"two columns are called {min(twice)!r}",
                advice="give every column a name of its own in the first line",
            )
        others = [s for s in (";", "\t", "|") if s != separator and s in "".join(header)]
        self._is_header(key, header)
        if len(header) == 1 and not others and len(header[0].split()) > 2:
            others = [" "]
        if len(header) == 1 and others:
            raise problem(
                self.document,
                key,
                "the file has only one column",
                expected=f"cells separated by {separator!r}",
                given=header[0][:60],
                advice=f"state the separator: `separator: {others[0]!r}`",
            )
        return header

    def _is_header(self, key: Key, header: Sequence[str]) -> None:
        """Refuse a first line that does not name columns; a comment, a title, or a record."""
        first = header[0].strip() if header else ""
        filled = [name for name in header if name.strip()]
        values = [name for name in filled if VALUE.fullmatch(name.strip())]
        what = ""
        if first.startswith("#"):
            what = "the first line is a comment"
        elif len(header) > 2 and len(filled) == 1 and first:
            what = "the first line is a title: it names only one of the columns"
        elif len(values) > len(filled) / 2:
            what = "the first line holds values, and no names of columns"
        if what:
            raise problem(
                self.document,
                key,
                what,
                expected="the names of the columns in the first line",
                given=", ".join(header[:6])[:60],
                advice="take out the lines above the names, or write the names of the columns as "
                "the first line",
            )

    def _zeros(self, path: Path, separator: str, frame: pd.DataFrame, words: set[str]) -> list[str]:
        """Say where words such as 00012 were read as numbers."""
        import pandas as pd

        numbers = [
            str(name) for name in frame.columns
            if name not in words and pd.api.types.is_integer_dtype(frame[name].dtype)
        ]  # fmt: skip
        if not numbers:
            return []
        raw = pd.read_csv(
            path, sep=separator, encoding=_bom(self.form.data.encoding), dtype="str",
            usecols=numbers, nrows=LOOKED_AT, keep_default_na=False,
            compression="gzip" if path.suffix.lower() == ".gz" else None,
        )  # fmt: skip
        notes = []
        for name in numbers:
            found = next((v for v in raw[name] if LEADING_ZERO.fullmatch(v.strip())), None)
            if found is not None:
                notes.append(
                    f"column {name} has leading zeros: {found} was read as {int(found)}; if the "
                    f"model gets the digits as a word, say so: `columns: {{{name}: {{type: "
                    "category, dtype: str}}`"
                )
        return notes


def _unnamed(header: Sequence[str], names: Sequence[str]) -> list[str]:
    return [
        f"a column has no name in the file, and is called {name} as pandas does: if it holds the "
        f"row numbers of an earlier to_csv, leave it out: `drop: ['{name}']`"
        for given, name in zip(header, names, strict=True)
        if not given
    ]


def _bom(encoding: str) -> str:
    return "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding
