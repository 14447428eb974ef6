"""From what was read to records, classes and a domain: every value is checked here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Bools, Data, Inputs, Ints
from goalkeeper.core.domain import Domain, ImageDomain, TextDomain
from goalkeeper.core.errors import DescriptionError
from goalkeeper.describe.document import Document, Key, as_text
from goalkeeper.describe.form import ApplicationForm
from goalkeeper.describe.problems import nearest, problem
from goalkeeper.describe.reading import Raw
from goalkeeper.describe.tables import Tabulator

if TYPE_CHECKING:
    import pandas as pd

LEAST = 50  # Records; fewer cannot fill four parts.
SHORT = 2000  # Characters that a text may always have.
SEEN = 50  # Texts that are looked at to see that they are texts.


@dataclass(frozen=True, eq=False)
class ApplicationRecords:
    """All records of an application, checked."""

    data: Data
    domain: Domain
    raw: Raw
    parts: NDArray[Any] | None
    caveats: tuple[str, ...]


class Collector:
    """Finds the columns that a description names, and checks what stands in them."""

    def __init__(self, document: Document, form: ApplicationForm, raw: Raw) -> None:
        self._document, self._form, self._raw = document, form, raw
        self._caveats: list[str] = []

    def collect(self) -> ApplicationRecords:
        """Return the records; raises DescriptionError that names key, column and record."""
        raw, form = self._raw, self._form
        if len(raw.frame) < LEAST:
            raise self._problem(
                ("data",),
                f"{len(raw.frame)} records are too few",
                expected=f"{LEAST} or more, better some thousands",
                given=f"{len(raw.frame)} records",
                advice="give more data",
            )
        label = self._named(("data", "label"), raw.label, "classes")
        y = self._classes(label)
        x, domain = self._inputs(label)
        kept = {form.data.person, *form.data.subgroups, *self._apart(), *self._facts()}
        columns = {
            name: _words(raw.frame[self._checked(name)]) for name in sorted(filter(None, kept))
        }
        parts = None
        if form.data.part is not None:
            parts = _words(raw.frame[self._column(("data", "part"), form.data.part)])
        data = Data(x=x, y=y, columns=columns)
        return ApplicationRecords(data, domain, raw, parts, tuple(self._caveats))

    # ---- columns --------------------------------------------------------------------------------

    def _problem(self, key: Key, what: str, **details: Any) -> DescriptionError:
        return problem(self._document, key, what, **details)

    def _named(self, key: Key, name: str | None, holds: str) -> str:
        if name is None:
            names = [str(n) for n in self._raw.frame.columns]
            raise self._problem(
                key,
                f"the column of the {holds} is not named",
                expected="one of " + _few(names),
                advice=f"add `{key[-1]}: COLUMN` under data",
            )
        return self._column(key, name)

    def _column(self, key: Key, name: str) -> str:
        if name not in self._raw.frame.columns:
            names = [str(n) for n in self._raw.frame.columns]
            raise self._problem(
                key,
                f"{self._raw.origin[0][0]} has no column {name}",
                expected="one of " + _few(names),
                given=name,
                advice=nearest(name, names) or "write the name of a column as it is in the data",
            )
        return name

    def _checked(self, name: str) -> str:
        data = self._form.data
        key: Key = ("data", "person")
        if name != data.person:
            key = ("data", "subgroups" if name in data.subgroups else "sensitive")
        return self._column(key, name)

    def _apart(self) -> tuple[str, ...]:
        """Sensitive columns; those which the model sees as well are kept beside the inputs too."""
        return self._form.data.sensitive

    def _facts(self) -> tuple[str, ...]:
        """Columns whose shares must stay private; they are checked here, each at its own key."""
        facts = self._form.threats.properties if self._form.threats is not None else ()
        return tuple(
            self._column(("threats", "properties", i, "column"), fact.column)
            for i, fact in enumerate(facts)
            if fact.column is not None
        )

    # ---- classes --------------------------------------------------------------------------------

    def _classes(self, column: str) -> Ints:
        """Find each label among the classes, however the file writes it: 1, 1.0 and "1" agree."""
        classes = self._form.classes
        written = _words(self._raw.frame[column])
        place = {name: i for i, name in enumerate(classes)}
        found: dict[str, int] = {}
        for value in dict.fromkeys(written.tolist()):
            match = next((v for v in _spellings(value) if v in place), None)
            if match is None:
                row = int(np.flatnonzero(written == value)[0])
                raise self._problem(
                    ("classes",),
                    f"{self._raw.record(row)} has the label {value!r} in column {column}, which "
                    "is not one of the classes",
                    expected="one of " + ", ".join(classes),
                    given=repr(value),
                    advice=nearest(value, classes)
                    or "add it to `classes`, or take these records out",
                )
            found[value] = place[match]
        y = np.array([found[value] for value in written.tolist()], dtype=np.int64)
        absent = [name for i, name in enumerate(classes) if i not in set(found.values())]
        if absent:
            raise self._problem(
                ("classes",),
                f"no record is of class {absent[0]}",
                expected="records of every class",
                given=", ".join(sorted(found)),
                advice="give data of every class, or leave the class out",
            )
        return y

    # ---- inputs ---------------------------------------------------------------------------------

    def _inputs(self, label: str) -> tuple[Inputs, Domain]:
        raw, form = self._raw, self._form
        text = form.data.text if raw.text is None else raw.text
        kind = "image" if raw.images is not None else "text" if text is not None else "table"
        if form.input is not None and form.input != kind:
            raise self._problem(
                ("input",),
                f"the data holds a {kind}, not a {form.input}, for each record",
                expected=kind,
                advice="name the text column as `data.text`"
                if form.input == "text"
                else "leave out `input`, or give other data",
            )
        if raw.images is not None:
            return self._images(raw.images)
        if text is not None:
            return self._texts(self._column(("data", "text"), text))
        names = self._features(label)
        tabulator = Tabulator(self._document, form, raw)
        return tabulator.tabulate(names)

    def _features(self, label: str) -> tuple[str, ...]:
        names = self._seen(label)
        if not names:
            raise self._problem(
                ("data",),
                "no column is left for the model to see",
                expected="columns other than the label and those left out",
                given=_few([str(n) for n in self._raw.frame.columns]),
                advice="name the text column as `text`, or the columns as `features`",
            )
        return names

    def _seen(self, label: str) -> tuple[str, ...]:
        raw, data = self._raw, self._form.data
        if data.features is not None:
            return tuple(self._column(("data", "features"), name) for name in data.features)
        for name in data.drop:
            self._column(("data", "drop"), name)
        if raw.features is not None:
            return tuple(name for name in raw.features if name not in data.drop)
        used = {label, data.person, data.part, *data.subgroups, *data.drop}
        used -= set(self._form.columns)
        return tuple(str(name) for name in raw.frame.columns if name not in used)

    def _texts(self, column: str) -> tuple[Inputs, Domain]:
        import pandas as pd

        key: Key = ("data", "text")
        series = self._raw.frame[column]
        missing = np.flatnonzero(series.isna().to_numpy())
        if len(missing):
            raise self._problem(
                key,
                f"{self._raw.record(int(missing[0]))} has no text in column {column} "
                f"({len(missing)} records)",
                given="a missing value",
                advice="take these records out, or write an empty text",
            )
        x = np.array([*series.to_numpy(dtype=object), None], dtype=object)[:-1]
        other = next((i for i, value in enumerate(x) if not isinstance(value, str)), None)
        numbers = pd.to_numeric(pd.Series(list(x[:SEEN]), dtype=object), errors="coerce")
        if other is not None or bool(numbers.notna().all()):
            raise self._problem(
                key,
                f"column {column} does not hold texts: {self._raw.record(other or 0)} has "
                f"{x[other or 0]!r}",
                expected="a column of texts",
                given=column,
                advice="name another column as `text`, or leave `text` out if inputs are rows "
                "of a table",
            )
        return x, TextDomain(max_chars=self._longest(key, x))

    def _longest(self, key: Key, x: Inputs) -> int:
        lengths = np.array([len(value) for value in x])
        empty = int((lengths == 0).sum())
        if empty:
            self._caveats.append(f"{empty} of {len(x)} texts are empty")
        given = self._form.data.max_chars
        if given is None:
            return max(SHORT, 2 * int(lengths.max()))
        if given < lengths.max():
            row = int(lengths.argmax())
            raise self._problem(
                ("data", "max_chars"),
                f"{self._raw.record(row)} has {lengths[row]} characters, more than max_chars",
                expected=f"{lengths[row]} or more",
                advice="raise max_chars, or cut the texts as the application does",
            )
        return given

    def _images(self, images: NDArray[Any]) -> tuple[Inputs, Domain]:
        key: Key = ("data",)
        if images.ndim == 4 and images.shape[1] not in (1, 3, 4) and images.shape[3] in (1, 3, 4):
            raise self._problem(
                key,
                f"images of shape {images.shape} have their channels last",
                expected="(n, channels, height, width)",
                given=str(images.shape),
                advice="transpose them: x.transpose(0, 3, 1, 2)",
            )
        if images.dtype.kind not in "uif":
            raise self._problem(key, "images hold no numbers", given=str(images.dtype))
        x = images.astype(np.float64)
        if images.dtype.kind in "ui" and images.size and images.max() > 1:
            x /= 255
        flat = x.reshape(len(x), -1)
        off = ~(np.isfinite(flat) & (flat >= 0) & (flat <= 1)).all(axis=1)
        if off.any():
            row = int(off.argmax())
            raise self._problem(
                key,
                f"{self._raw.record(row)} has values outside of the range of an image",
                expected="floats from 0 to 1, or bytes from 0 to 255",
                given=f"values from {flat[row].min():g} to {flat[row].max():g}",
                advice="scale the images to [0, 1]",
            )
        x = x[:, None] if x.ndim == 3 else x
        channels, height, width = (int(side) for side in x.shape[1:])
        return x, ImageDomain(shape=(channels, height, width))


def _words(series: pd.Series[Any]) -> NDArray[Any]:
    """Write the values of a column as words `(n,)`; a missing one is an empty word."""
    values = series.to_numpy(dtype=object)
    missing: Bools = series.isna().to_numpy()
    words = ["" if gone else as_text(_plain(v)) for v, gone in zip(values, missing, strict=True)]
    return np.array([*words, None], dtype=object)[:-1]


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, str | bool | int | float) else str(value)


def _spellings(value: str) -> Iterable[str]:
    """List the ways in which a class can be written in `classes`, the exact one first."""
    yield value
    yield value.strip()
    yield value.strip().capitalize()  # true, as Python writes it
    try:
        yield as_text(float(value))
    except ValueError:
        return


def _few(names: list[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
