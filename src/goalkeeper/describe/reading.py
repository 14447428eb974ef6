"""Read records from CSV, Parquet, npz and npy files and from Python functions; no pickles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.errors import MissingExtra
from goalkeeper.core.noticeboard import Activity
from goalkeeper.describe.arrays import ArrayReader
from goalkeeper.describe.csv_files import CsvReader
from goalkeeper.describe.document import Document, Key
from goalkeeper.describe.form import ApplicationForm
from goalkeeper.describe.form_data import SourceForm
from goalkeeper.describe.looks import odd_words
from goalkeeper.describe.problems import problem
from goalkeeper.describe.raw import LABEL, Raw, first_line, free_name
from goalkeeper.describe.references import References

if TYPE_CHECKING:
    import pandas as pd

KINDS = {
    ".csv": "CSV",
    ".tsv": "CSV",
    ".txt": "CSV",
    ".csv.gz": "gzip",
    ".tsv.gz": "gzip",
    ".parquet": "Parquet",
    ".npz": "npz",
    ".npy": "npy",
}
READERS = {
    ".json": "read_json('{}')",
    ".jsonl": "read_json('{}', lines=True)",
    ".xlsx": "read_excel('{}')",
    ".xls": "read_excel('{}')",
    ".feather": "read_feather('{}')",
    ".zip": "read_csv('{}')",
    ".bz2": "read_csv('{}')",
    ".xz": "read_csv('{}')",
}
_STARTS = {
    b"PAR1": "Parquet",
    b"PK\x03\x04": "npz",
    b"PK\x05\x06": "npz",  # without any array
    b"\x80": "a pickle",
    b"\x93NUMPY": "npy",
    b"\x89HDF": "HDF5",
    b"\x1f\x8b": "gzip",
    b"\xd0\xcf\x11\xe0": "Excel",
    b"%PDF": "PDF",
    b"version https://git-lfs": "a pointer of Git LFS: fetch the file with `git lfs pull`",
    b"<!DOCTYPE": "a page in HTML, perhaps of a download that failed",
    b"<!doctype": "a page in HTML, perhaps of a download that failed",
    b"<html": "a page in HTML, perhaps of a download that failed",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}


class RecordReader:
    """Reads what the `data` section names."""

    def __init__(self, references: References, form: ApplicationForm) -> None:
        self._references, self._whole, self._form = references, form, form.data
        self._arrays = ArrayReader(references, form)

    @property
    def _document(self) -> Document:
        return self._references.document

    def read(self) -> tuple[Raw, NDArray[np.bool_] | None]:
        """Read all records, and which of them `(n,)` are training data if files say so."""
        form = self._form
        if form.function is not None:
            return self._called(form.function), None
        if form.train is not None and form.test is not None:
            parts = [
                self._file(("data", key), source)
                for key, source in (("train", form.train), ("test", form.test))
            ]
            first = np.arange(sum(len(p.frame) for p in parts)) < len(parts[0].frame)
            return self._joined(*parts), first
        source = SourceForm(file=form.file or "", inputs=form.inputs, label=form.label)
        return self._file(("data", "file"), source), None

    # ---- files ----------------------------------------------------------------------------------

    def read_file(self, key: Key, source: SourceForm) -> Raw:
        """Read the records of one file that the entry `key` names."""
        return self._file(key, source)

    def _file(self, key: Key, source: SourceForm) -> Raw:
        if key in self._document.given:
            return self._paired(key, source.file, *self._document.given[key])
        if self._document.at((*key, "file")) is not None:
            key = (*key, "file")
        path = self._references.file(key, source.file, "data file")
        ending = "".join(path.suffixes[-2:]).lower()
        kind = KINDS.get(ending) or KINDS.get(path.suffix.lower())
        if kind is None:
            raise problem(
                self._document,
                key,
                f"goalkeeper does not read {path.suffix or 'files without a suffix'}",
                expected="a file ending in " + ", ".join(KINDS),
                advice="convert it to CSV or Parquet, or write a Python function that returns a "
                f"DataFrame{_reader_of(path)} and name it as `data.function: file.py:name`",
            )
        self._sniffed(key, path, kind)
        self._references.note_hash(path, source.file)
        if kind == "npz":
            return self._arrays.npz(key, path, source)
        if kind == "npy":
            return self._arrays.npy(key, path, source)
        if kind == "Parquet":
            return self._framed(key, self._parquet(key, path), path.name)
        frame, notes = CsvReader(self._document, self._whole).read(key, path)
        return replace(self._framed(key, frame, path.name, notes), written=True)

    def _sniffed(self, key: Key, path: Path, kind: str) -> None:
        with path.open("rb") as stream:
            head = stream.read(4096)
        looks = next((what for start, what in _STARTS.items() if head.startswith(start)), None)
        if kind == "CSV" and "16" in self._form.encoding and looks in (None, "UTF-16 text"):
            return
        advice = "give the right file, or the right suffix"
        if kind == "CSV" and looks is None and b"\0" in head:
            looks = "binary data"
            if not head[1:40:2].strip(b"\0") or not head[0:40:2].strip(b"\0"):
                little = not head[1:40:2].strip(b"\0")
                looks = "UTF-16 text"
                advice = f"state its encoding: `encoding: utf-16-{'le' if little else 'be'}`"
        elif kind == "CSV" and looks == "UTF-16 text":
            advice = "state its encoding: `encoding: utf-16`"
        if kind == "CSV" and looks == "npz":
            looks = "a ZIP archive, as npz and Excel files are"
        if (kind == "CSV" and looks is not None) or (kind != "CSV" and looks != kind):
            raise problem(
                self._document,
                key,
                f"the file is not what its name says: it should be {kind}, but it starts like "
                f"{looks or 'text'}",
                expected=kind,
                advice=advice,
            )

    def _parquet(self, key: Key, path: Path) -> pd.DataFrame:
        import pandas as pd

        try:
            import pyarrow as pa
        except ImportError as error:
            raise MissingExtra("pyarrow", "parquet") from error
        try:
            return pd.read_parquet(path)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise problem(
                self._document,
                key,
                f"the Parquet file cannot be read ({first_line(error)})",
                advice="write it again, with DataFrame.to_parquet",
            ) from error

    # ---- frames ---------------------------------------------------------------------------------

    def _framed(
        self, key: Key, frame: pd.DataFrame, origin: str, notes: tuple[str, ...] = ()
    ) -> Raw:
        """Make records of a frame, with its own types and names."""
        frame = frame.reset_index(drop=True)
        own: list[Any] = frame.columns.tolist()
        labels = {str(name): name for name in own if not isinstance(name, str)}
        names = [str(name) for name in own]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise problem(
                self._document,
                key,
                f"two columns are called {twice!r}",
                advice="give every column a name of its own",
            )
        frame.columns = names
        whole: tuple[tuple[str, int], ...] = ((origin, len(frame)),)
        typed = self._typed(frame)
        return Raw(frame=typed, origin=whole, label=self._form.label, labels=labels, notes=notes)

    def _typed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give columns the types that the user states."""
        import pandas as pd

        for name, column in self._whole.columns.items():
            if column.dtype is None or name not in frame or str(frame[name].dtype) == column.dtype:
                continue
            try:
                series = frame[name]
                if column.dtype.startswith("datetime"):
                    series = pd.to_datetime(series)
                frame[name] = series.astype(column.dtype)  # type: ignore[call-overload]
            except (ValueError, TypeError, ArithmeticError) as error:
                raise problem(
                    self._document,
                    ("columns", name, "dtype"),
                    f"column {name} cannot have this type ({first_line(error)})",
                    expected="a pandas type, such as str, category, float32 or Int64",
                    advice="leave dtype out, or correct it",
                ) from error
        return frame

    # ---- functions ------------------------------------------------------------------------------

    def _called(self, reference: str) -> Raw:
        import pandas as pd

        key: Key = ("data", "function")
        function = self._references.function(key, reference)
        with self._references.running(key, reference, Activity.DATA):
            made = function()
        if isinstance(made, pd.DataFrame):
            return self._framed(key, made, reference)
        if not isinstance(made, tuple) or len(made) != 2:
            raise problem(
                self._document,
                key,
                f"{reference} returned a {type(made).__name__}",
                expected="a DataFrame, or a pair (inputs, classes)",
                advice="return one of these",
            )
        return self._paired(key, reference, *made, {})

    # ---- what is in memory ------------------------------------------------------------------

    def _paired(
        self, key: Key, origin: str, x: Any, y: Any, columns: Mapping[str, NDArray[Any]]
    ) -> Raw:
        """Make records of inputs, their classes (None: in a column) and what else is known."""
        import pandas as pd

        if not isinstance(x, pd.DataFrame):
            return self._arrays.paired(key, origin, x, y, columns)
        raw = self._framed(key, x, origin)
        self._arrays.check_columns(key, origin, x, columns)
        if y is None:
            return replace(raw, frame=raw.frame.assign(**columns))
        name = free_name(LABEL, (*raw.frame.columns, *columns))
        classes = self._arrays.classes(key, origin, np.asarray(y), len(raw.frame))
        return replace(raw, frame=raw.frame.assign(**columns, **{name: classes}), label=name)

    def _joined(self, train: Raw, test: Raw) -> Raw:
        import pandas as pd

        absent = [name for name in train.frame.columns if name not in test.frame.columns]
        shapes = [None if r.images is None else r.images.shape[1:] for r in (train, test)]
        if absent or shapes[0] != shapes[1]:
            differ = f"the column {absent[0]} is missing" if absent else f"images are {shapes[1]}"
            raise problem(
                self._document,
                ("data", "test"),
                f"train and test do not fit together: in test, {differ}",
                expected="the same columns and shapes in both",
                advice="prepare both files in the same way",
            )
        self._same_kinds(train, test)
        images = None
        if train.images is not None and test.images is not None:
            images = np.concatenate([train.images, test.images])
        return Raw(
            frame=pd.concat(_alike(train.frame, test.frame), ignore_index=True),
            origin=(*train.origin, *test.origin),
            label=train.label,
            images=images,
            text=train.text,
            features=train.features,
            labels=train.labels,
            written=train.written,
            notes=tuple(dict.fromkeys((*train.notes, *test.notes))),
        )

    def _same_kinds(self, train: Raw, test: Raw) -> None:
        """Refuse a feature that is numbers in one part and words in the other.

        Codes such as 10 and A16 are read as numbers where a file happens to hold digits only: the
        model, which learnt the word 10, would not know the number.
        """
        form = self._form
        apart = {form.label, form.person, form.part, form.text, *form.subgroups, *form.drop}
        for name in train.frame.columns:
            one, other = train.frame[name], test.frame[name]
            if name in apart or name not in (form.features or (name,)):
                continue
            if (_are_words(one) and _are_numbers(other)) or (
                _are_numbers(one) and _are_words(other)
            ):
                words, numbers = (train, test) if _are_words(one) else (test, train)
                raise problem(
                    self._document,
                    ("data", "test"),
                    f"column {name} holds words in {words.origin[0][0]} and numbers in "
                    f"{numbers.origin[0][0]}",
                    expected="the same kind of values in both",
                    given=f"{_first(words.frame[name])!r} and {_first(numbers.frame[name])}",
                    advice="if they are words, such as codes, say so: "
                    f"`columns: {{{name}: {{type: category, dtype: str}}}}`; else correct the file",
                )


def _reader_of(path: Path) -> str:
    """Name the function of pandas that reads such a file."""
    name = READERS.get(path.suffix.lower())
    return f", e.g. pandas.{name.format(path.name)}," if name else ""


def _are_words(series: pd.Series[Any]) -> bool:
    """Tell words from numbers among which a few words, such as `?`, stand for missing values."""
    words = [value for value in series.dropna().unique() if isinstance(value, str)]
    return bool(words) and not odd_words(words)


def _are_numbers(series: pd.Series[Any]) -> bool:
    kind = getattr(series.dtype, "kind", "")
    return kind in "iuf" and bool(series.notna().any())


def _first(series: pd.Series[Any]) -> Any:
    """Return a word that is no number, if there is one: it shows best what is wrong."""
    found = series.dropna().tolist()
    return next((v for v in found if isinstance(v, str) and not v.isdigit()), found[0])


def _alike(train: pd.DataFrame, test: pd.DataFrame) -> list[Any]:
    """Give the columns of the test records the types of the training records, where they can.

    The model knows the types of its training data: a category that lacks a word in one of two
    files would otherwise become another type in both.
    """
    import pandas as pd

    test = test[list(train.columns)].copy()
    for name in train.columns:
        have, want = test[name].dtype, train[name].dtype
        if have == want:
            continue
        if isinstance(have, pd.CategoricalDtype) and isinstance(want, pd.CategoricalDtype):
            more = have.categories.difference(want.categories, sort=False)
            both = pd.CategoricalDtype(want.categories.append(more), want.ordered)
            train, test = (f.assign(**{name: f[name].astype(both)}) for f in (train, test))
            continue
        numbers = all(isinstance(t, np.dtype) and t.kind in "iuf" for t in (have, want))
        if numbers and isinstance(want, np.dtype) and want.kind == "f":
            test[name] = test[name].astype(want)
    return [train, test]
