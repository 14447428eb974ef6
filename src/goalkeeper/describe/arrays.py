"""Read npz and npy files, and pair arrays of inputs with arrays of classes."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.errors import DescriptionError
from goalkeeper.describe.document import Document, Key
from goalkeeper.describe.form import ApplicationForm
from goalkeeper.describe.form_data import SourceForm
from goalkeeper.describe.problems import problem
from goalkeeper.describe.raw import LABEL, Raw, first_line, free_name
from goalkeeper.describe.references import References

TEXT = "text"  # the name of an array of texts
BROKEN = (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, OSError, EOFError, KeyError,
          MemoryError, NotImplementedError)  # fmt: skip
DENSE = 50_000_000  # values up to which a sparse matrix is written out: 400 MB


@dataclass(frozen=True, eq=False)
class ArrayReader:
    """Reads arrays of a description, and makes records of them."""

    references: References
    form: ApplicationForm

    @property
    def _document(self) -> Document:
        return self.references.document

    def npz(self, key: Key, path: Path, source: SourceForm) -> Raw:
        """Read the arrays that the description names; raises DescriptionError."""
        data = self.form.data
        inputs = source.inputs or data.inputs or "x"
        label = source.label or data.label or "y"
        try:
            # Opened here: numpy leaves a file that it cannot read open.
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
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
        except BROKEN as error:
            raise self._broken(key, "npz", error) from error
        x, y = arrays.pop(inputs), arrays.pop(label)
        return self.paired(key, path.name, x, y, arrays)

    def npy(self, key: Key, path: Path, source: SourceForm) -> Raw:
        """Read an array of inputs, and the array of classes in the file that `label` names."""
        label = source.label or self.form.data.label
        where = (*key[:-1], "label")
        if label is None:
            raise problem(
                self._document,
                key,
                f"{path.name} holds inputs only",
                expected="a second file with the classes",
                advice="name the file of the classes: `label: y.npy`",
            )
        other = self.references.file(where, label, "file of the classes")
        self.references.note_hash(other, label)
        try:
            with path.open("rb") as one, other.open("rb") as two:
                x, y = (np.load(stream, allow_pickle=False) for stream in (one, two))
        except BROKEN as error:
            raise self._broken(key, "npy", error) from error
        return self.paired(key, path.name, x, y, {})

    def _wanted(self, inputs: str, label: str) -> set[str]:
        data = self.form.data
        named = {data.person, data.part, *data.subgroups, *data.sensitive}
        return {inputs, label} | {name for name in named if name is not None}

    def _broken(self, key: Key, kind: str, error: BaseException) -> DescriptionError:
        return problem(
            self._document,
            key,
            f"the {kind} file cannot be read ({first_line(error)})",
            expected="plain arrays of numbers or text",
            advice="save it with np.savez(file, x=inputs, y=classes); arrays of Python "
            "objects are pickles and are not loaded",
        )

    # ---- pairs --------------------------------------------------------------------------------

    def paired(
        self, key: Key, origin: str, x: Any, y: Any, columns: Mapping[str, NDArray[Any]]
    ) -> Raw:
        """Make records of inputs `(n, ...)`, their classes and what else is known of each."""
        import pandas as pd

        x, notes = self._dense(key, origin, x)
        self._known_shape(key, origin, x)
        y = self.classes(key, origin, np.asarray(y), len(x))
        self.check_columns(key, origin, x, columns)
        features = self._feature_names(x.shape[1]) if x.ndim == 2 else ()
        taken = next((name for name in columns if name in features), None)
        if taken is not None:
            raise problem(
                self._document,
                key,
                f"an array and a feature are both called {taken}",
                advice="call one of them differently in `data.features`",
            )
        label = free_name(LABEL, (*features, *columns))
        known = {label: y, **columns}
        frame = pd.DataFrame({n: list(v) if v.dtype == object else v for n, v in known.items()})
        whole: tuple[tuple[str, int], ...] = ((origin, len(x)),)
        if x.ndim == 1:
            text = free_name(TEXT, known)
            told = frame.assign(**{text: pd.Series(x.tolist(), dtype=object)})
            return Raw(frame=told, origin=whole, label=label, text=text, notes=notes)
        if x.ndim == 2:
            table = pd.DataFrame(x, columns=list(features))
            joined = pd.concat([table, frame], axis=1)
            return Raw(frame=joined, origin=whole, label=label, features=features, notes=notes)
        return Raw(frame=frame, origin=whole, label=label, images=x, notes=notes)

    def check_columns(
        self, key: Key, origin: str, x: Any, columns: Mapping[str, NDArray[Any]]
    ) -> None:
        """Check that what else is known has one entry for each input."""
        for name, values in columns.items():
            if values.ndim != 1 or len(values) != len(x):
                raise self._unfit(key, origin, x, name, values)

    def classes(self, key: Key, origin: str, y: NDArray[Any], n: int) -> NDArray[Any]:
        """Check that there is one class for each input `(n,)`; a single column counts as one."""
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.ndim == 1 and len(y) == n:
            return y
        binary = y.ndim == 2 and len(y) == n and y.dtype.kind in "uifb" and np.isin(y, (0, 1)).all()
        if binary and (y.sum(axis=1) == 1).all():
            raise problem(
                self._document,
                key,
                f"the classes of {origin} are one-hot: {y.shape[1]} columns, of which one is 1",
                expected=f"one class a record, of shape ({n},)",
                given=f"an array of shape {y.shape}",
                advice="give the number of the class: y.argmax(axis=1)",
            )
        if binary:
            raise problem(
                self._document,
                key,
                f"records of {origin} have several labels (multi-label), which goalkeeper does "
                "not assess yet",
                expected=f"one class a record, of shape ({n},)",
                given=f"0 and 1 of shape {y.shape}",
                advice="describe an application for each label, with classes 0 and 1: y[:, 0]",
            )
        raise problem(
            self._document,
            key,
            f"the shapes of {origin} do not fit: {n} inputs, classes {y.shape}",
            expected=f"classes of shape ({n},)",
            advice="give one entry for every input",
        )

    def _dense(self, key: Key, origin: str, x: Any) -> tuple[NDArray[Any], tuple[str, ...]]:
        """Write a sparse matrix out, where that fits into memory."""
        if not hasattr(x, "toarray"):
            return np.asarray(x), ()
        values = int(np.prod([int(side) for side in x.shape], dtype=object))
        if values > DENSE:
            raise problem(
                self._document,
                key,
                f"the sparse matrix of {origin} would have {values:,} values when written out",
                expected=f"at most {DENSE:,}",
                given=f"shape {x.shape}",
                advice="give texts, and let the model count the words; or fewer columns",
            )
        note = (
            f"the inputs are a sparse matrix: they were written out, {x.shape[1]} values a record"
        )
        return np.asarray(x.toarray()), (note,)

    def _known_shape(self, key: Key, origin: str, x: NDArray[Any]) -> None:
        if 1 <= x.ndim <= 4:
            return
        raise problem(
            self._document,
            key,
            f"inputs of shape {x.shape} are not of a known kind"
            + ("; videos and volumes are not assessed yet" if x.ndim == 5 else ""),
            expected="texts (n,), rows (n, d), images (n, h, w) or (n, c, h, w)",
            given=origin,
            advice="give one input for each record along the first axis",
        )

    def _unfit(
        self, key: Key, origin: str, x: Any, other: str, values: NDArray[Any]
    ) -> DescriptionError:
        return problem(
            self._document,
            key,
            f"the shapes of {origin} do not fit: inputs {x.shape}, {other} {values.shape}",
            expected=f"{other} of shape ({len(x)},)",
            advice="give one entry for every input",
        )

    def _feature_names(self, width: int) -> tuple[str, ...]:
        names = self.form.data.features
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
