"""Read records from CSV, Parquet and npz files and from Python functions; no pickles."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.errors import MissingExtra
from goalkeeper.core.noticeboard import Activity
from goalkeeper.describe.document import Document, Key
from goalkeeper.describe.form import ApplicationForm, SourceForm
from goalkeeper.describe.problems import problem
from goalkeeper.describe.references import References

if TYPE_CHECKING:
    import pandas as pd

MISSING = ("", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL")
KINDS = {".csv": "CSV", ".tsv": "CSV", ".txt": "CSV", ".parquet": "Parquet", ".npz": "npz"}
LABEL, TEXT = "label", "text"  # names for what comes without one
_STARTS = {
    b"PAR1": "Parquet",
    b"PK\x03\x04": "npz",
    b"\x80": "a pickle",
    b"\x93NUMPY": "an npy array",
    b"\x89HDF": "HDF5",
    b"\x1f\x8b": "gzip",
    b"\xd0\xcf\x11\xe0": "Excel",
    b"%PDF": "PDF",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Raw:
    """Records as they were read.

    `frame` has one row a record; `images` is set where inputs are arrays `(n, h, w)` or
    `(n, c, h, w)`, `text` names the column where inputs came as an array of texts, `features`
    the columns where they came as rows `(n, d)`.
    """

    frame: pd.DataFrame
    origin: tuple[tuple[str, int], ...]
    label: str | None = None
    images: NDArray[Any] | None = None
    text: str | None = None
    features: tuple[str, ...] | None = None

    def record(self, row: int) -> str:
        """Name a record for people: counted from 1, in its own file."""
        for name, count in self.origin:
            if row < count:
                return f"record {row + 1} of {name}"
            row -= count
        return f"record {row + 1}"


class RecordReader:
    """Reads what the `data` section names."""

    def __init__(self, references: References, form: ApplicationForm) -> None:
        self._references, self._form = references, form.data
        self._features = set(form.columns)

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

    def _file(self, key: Key, source: SourceForm) -> Raw:
        if self._document.at((*key, "file")) is not None:
            key = (*key, "file")
        path = self._references.file(key, source.file, "data file")
        kind = KINDS.get(path.suffix.lower())
        if kind is None:
            raise problem(
                self._document,
                key,
                f"goalkeeper does not read {path.suffix or 'files without a suffix'}",
                expected="a file ending in " + ", ".join(KINDS),
                advice="convert it to CSV or Parquet, or write a Python function that returns a "
                "DataFrame and name it as `data.function: file.py:name`",
            )
        self._sniffed(key, path, kind)
        self._references.note_hash(path, source.file)
        if kind == "npz":
            return self._arrays(key, path, source)
        frame = self._parquet(key, path) if kind == "Parquet" else self._csv(key, path)
        return Raw(frame=frame, origin=((path.name, len(frame)),), label=self._form.label)

    def _sniffed(self, key: Key, path: Path, kind: str) -> None:
        with path.open("rb") as stream:
            head = stream.read(4096)
        looks = next((what for start, what in _STARTS.items() if head.startswith(start)), None)
        if kind == "CSV" and looks == "UTF-16 text" and "16" in self._form.encoding:
            return
        if kind == "CSV" and looks is None and b"\0" in head:
            looks = "binary data"
        if (kind == "CSV" and looks is not None) or (kind != "CSV" and looks != kind):
            raise problem(
                self._document,
                key,
                f"the file is not what its name says: it should be {kind}, but it starts like "
                f"{looks or 'text'}",
                expected=kind,
                advice="give the right file, or the right suffix",
            )

    def _csv(self, key: Key, path: Path) -> pd.DataFrame:
        import pandas as pd

        form = self._form
        separator = form.separator or ("\t" if path.suffix.lower() == ".tsv" else ",")
        with self._well_formed(key):
            with path.open(encoding=_bom(form.encoding), newline="") as stream:
                header = next(csv.reader(stream, delimiter=separator), [])
            self._header(key, header, separator)
            words = self._words() & set(header)
            frame = pd.read_csv(
                path,
                sep=separator,
                encoding=_bom(form.encoding),
                dtype=dict.fromkeys(words, "str"),
                keep_default_na=False,
                na_values={name: list(MISSING) for name in header if name not in words},
                low_memory=False,
            )
        if not isinstance(frame.index, pd.RangeIndex):
            raise problem(
                self._document,
                key,
                "lines have more cells than the header",
                expected=f"{len(header)} cells a line",
                advice="give every column a name in the first line",
            )
        return frame

    @contextmanager
    def _well_formed(self, key: Key) -> Iterator[None]:
        """Tell what is wrong with a CSV file."""
        import pandas as pd

        encoding = self._form.encoding
        try:
            yield
        except LookupError as error:
            raise problem(self._document, ("data", "encoding"), str(error)) from error
        except UnicodeError as error:
            raise problem(
                self._document,
                key,
                f"the file is not {encoding} text ({error})",
                expected=f"text in {encoding}",
                advice="save it as UTF-8, or state its encoding: `encoding: latin-1`",
            ) from error
        except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as error:
            raise problem(
                self._document,
                key,
                f"the file is not well-formed CSV ({_first(error)})",
                advice="every line needs as many cells as the header; cells with commas or line "
                "breaks need quotes",
            ) from error

    def _words(self) -> set[str]:
        """List the columns that are read as they stand, `NA` and `007` included."""
        form = self._form
        apart = {*form.subgroups, *form.sensitive} if form.text else set(form.subgroups)
        named = {form.text, form.label, form.person, form.part, *apart}
        return {n for n in named if n is not None} - {*(form.features or ()), *self._features}

    def _header(self, key: Key, header: list[str], separator: str) -> None:
        twice = {name for name in header if header.count(name) > 1}
        if twice:
            raise problem(
                self._document,
                key,
                f"two columns are called {min(twice)!r}",
                advice="give every column a name of its own in the first line",
            )
        others = [s for s in (";", "\t", "|") if s != separator and s in "".join(header)]
        if len(header) == 1 and others:
            raise problem(
                self._document,
                key,
                "the file has only one column",
                expected=f"cells separated by {separator!r}",
                given=header[0][:60],
                advice=f"state the separator: `separator: {others[0]!r}`",
            )

    def _parquet(self, key: Key, path: Path) -> pd.DataFrame:
        import pandas as pd

        try:
            import pyarrow as pa
        except ImportError as error:
            raise MissingExtra("pyarrow", "parquet") from error
        try:
            frame = pd.read_parquet(path)
        except (pa.ArrowException, OSError) as error:
            raise problem(
                self._document, key, f"the Parquet file cannot be read ({_first(error)})"
            ) from error
        frame = frame.reset_index(drop=True)
        frame.columns = [str(name) for name in frame.columns]
        return frame

    def _arrays(self, key: Key, path: Path, source: SourceForm) -> Raw:
        inputs = source.inputs or self._form.inputs or "x"
        label = source.label or self._form.label or "y"
        try:
            with np.load(path, allow_pickle=False) as stored:
                for name in (inputs, label):
                    if name not in stored.files:
                        raise problem(
                            self._document,
                            key,
                            f"{path.name} has no array {name}",
                            expected="one of " + ", ".join(stored.files),
                            advice="name the arrays: `inputs: ...` and `label: ...`",
                        )
                arrays = {n: stored[n] for n in stored.files if n in self._wanted(inputs, label)}
        except (zipfile.BadZipFile, ValueError, OSError, EOFError) as error:
            raise problem(
                self._document,
                key,
                f"the npz file cannot be read ({_first(error)})",
                expected="plain arrays of numbers or text",
                advice="save it with np.savez(file, x=inputs, y=classes); arrays of Python "
                "objects are pickles and are not loaded",
            ) from error
        x, y = arrays.pop(inputs), arrays.pop(label)
        return self._paired(key, path.name, x, {LABEL: y, **arrays})

    def _wanted(self, inputs: str, label: str) -> set[str]:
        form = self._form
        named = {form.person, form.part, *form.subgroups, *form.sensitive}
        return {inputs, label} | {name for name in named if name is not None}

    # ---- functions ------------------------------------------------------------------------------

    def _called(self, reference: str) -> Raw:
        import pandas as pd

        key: Key = ("data", "function")
        function = self._references.function(key, reference)
        with self._references.running(key, reference, Activity.DATA):
            made = function()
        if isinstance(made, pd.DataFrame):
            frame = made.reset_index(drop=True)
            frame.columns = [str(name) for name in frame.columns]
            return Raw(frame=frame, origin=((reference, len(frame)),), label=self._form.label)
        if not isinstance(made, tuple) or len(made) != 2:
            raise problem(
                self._document,
                key,
                f"{reference} returned a {type(made).__name__}",
                expected="a DataFrame, or a pair (inputs, classes)",
                advice="return one of these",
            )
        x, y = made
        if isinstance(x, pd.DataFrame):
            whole = x.reset_index(drop=True).assign(**{LABEL: np.asarray(y)})
            whole.columns = [str(name) for name in whole.columns]
            return Raw(frame=whole, origin=((reference, len(whole)),), label=LABEL)
        return self._paired(key, reference, np.asarray(x), {LABEL: np.asarray(y)})

    def _paired(
        self, key: Key, origin: str, x: NDArray[Any], columns: dict[str, NDArray[Any]]
    ) -> Raw:
        import pandas as pd

        if not 1 <= x.ndim <= 4:
            raise problem(
                self._document,
                key,
                f"inputs of shape {x.shape} are not of a known kind",
                expected="texts (n,), rows (n, d), images (n, h, w) or (n, c, h, w)",
                given=origin,
                advice="give one input for each record along the first axis",
            )
        for other, values in columns.items():
            if values.ndim != 1 or len(values) != len(x):
                raise problem(
                    self._document,
                    key,
                    f"the shapes of {origin} do not fit: inputs {x.shape}, {other} {values.shape}",
                    expected=f"{other} of shape ({len(x)},)",
                    advice="give one entry for every input",
                )
        frame = pd.DataFrame({n: list(v) if v.dtype == object else v for n, v in columns.items()})
        whole: tuple[tuple[str, int], ...] = ((origin, len(x)),)
        if x.ndim == 1:
            return Raw(
                frame=frame.assign(**{TEXT: x.tolist()}), origin=whole, label=LABEL, text=TEXT
            )
        if x.ndim == 2:
            names = self._feature_names(x.shape[1])
            table = pd.DataFrame(x, columns=list(names))
            joined = pd.concat([table, frame], axis=1)
            return Raw(frame=joined, origin=whole, label=LABEL, features=names)
        return Raw(frame=frame, origin=whole, label=LABEL, images=x)

    def _feature_names(self, width: int) -> tuple[str, ...]:
        names = self._form.features
        if names is None:
            return tuple(f"x{j}" for j in range(width))
        if len(names) != width:
            raise problem(
                self._document,
                ("data", "features"),
                f"{len(names)} names do not fit rows of {width} values",
                advice="name every value, in order",
            )
        return names

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
        frame = pd.concat([train.frame, test.frame[list(train.frame.columns)]], ignore_index=True)
        images = None
        if train.images is not None and test.images is not None:
            images = np.concatenate([train.images, test.images])
        return Raw(
            frame=frame,
            origin=(*train.origin, *test.origin),
            label=train.label,
            images=images,
            text=train.text,
            features=train.features,
        )


def _bom(encoding: str) -> str:
    return "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding


def _first(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
