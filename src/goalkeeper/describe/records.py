"""From what was read to records, classes and a domain: every value is checked here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Data, Inputs
from goalkeeper.core.domain import Domain, TextDomain
from goalkeeper.core.errors import DescriptionError
from goalkeeper.describe.document import Document, Key
from goalkeeper.describe.form import ApplicationForm
from goalkeeper.describe.labels import Classifier, words_of
from goalkeeper.describe.pictures import Pictures
from goalkeeper.describe.problems import nearest, problem
from goalkeeper.describe.raw import Raw
from goalkeeper.describe.tables import Tabulator

LEAST = 50  # Records; fewer cannot fill four parts.
SHORT = 2000  # Characters that a text may always have.
NOT_STATED = "(not stated)"  # the group of records without a value
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
        label = self._named(("data", "label"), raw.label, "classes")
        if len(raw.frame) < LEAST:
            raise self._problem(
                ("data",),
                f"{len(raw.frame)} records are too few",
                expected=f"{LEAST} or more, better some thousands",
                given=f"{len(raw.frame)} records",
                advice="give more data",
            )
        y = Classifier(self._document, form, raw).classes(label)
        x, domain = self._inputs(label)
        kept = {form.data.person, *form.data.subgroups, *self._apart(), *self._facts()}
        columns = {name: self._known(name) for name in sorted(filter(None, kept))}
        parts = None
        if form.data.part is not None:
            parts = words_of(raw.frame[self._column(("data", "part"), form.data.part)])
        data = Data(x=x, y=y, columns=columns)
        return ApplicationRecords(data, domain, raw, parts, (*raw.notes, *self._caveats))

    def _known(self, name: str) -> NDArray[Any]:
        """Read what is known of each record beside the input; none is a group of its own."""
        words = words_of(self._raw.frame[self._checked(name)])
        gap = words == ""
        if gap.any() and name != self._form.data.person:
            words[gap] = NOT_STATED
            self._caveats.append(
                f"{int(gap.sum())} records have no value in column {name}: they are a group of "
                f"their own, {NOT_STATED}"
            )
        return words

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
                advice=_with_blanks(name, names)
                or nearest(name, names)
                or "write the name of a column as it is in the data",
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
        made = tabulator.tabulate(names)
        self._caveats.extend(tabulator.notes)
        return made

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
        if label in (data.features or ()):
            raise self._problem(
                ("data", "features"),
                f"{label} is the column of the classes, and cannot be a feature of the model",
                expected="columns other than the label",
                given=label,
                advice="leave it out of `features`, or name another column as `label`",
            )
        if data.features is not None:
            return tuple(self._column(("data", "features"), name) for name in data.features)
        for name in data.drop:
            self._column(("data", "drop"), name)
        if raw.features is not None:
            return tuple(name for name in raw.features if name not in data.drop)
        used = {label, data.person, data.part, *data.subgroups, *data.drop}
        used -= set(self._form.columns)
        hidden = [n for n in data.sensitive if n in used and n in data.subgroups]
        if hidden:
            self._caveats.append(
                f"{', '.join(hidden)}: named in subgroups, and so no input of the model, although "
                "sensitive; if the model sees it, list it in data.features"
            )
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
        pictures = Pictures(self._document, self._form, self._raw)
        made = pictures.read(images)
        self._caveats.extend(pictures.notes)
        return made


def _with_blanks(name: str, names: list[str]) -> str:
    """Say where a name differs from one in the file by blanks that nobody sees."""
    found = next((other for other in names if other.strip() == name.strip()), None)
    if found is None:
        return ""
    return f"the name has blanks around it in the file: correct the file, or write {found!r}"


def _few(names: list[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
