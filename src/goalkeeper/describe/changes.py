"""The `threats` section: from its form to the threats of an application, checked on the data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.application import Property
from goalkeeper.core.data import Data
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.relations import Relations, parse_relation
from goalkeeper.core.threat_checks import check_table_threat
from goalkeeper.core.threats import (
    ANY_OTHER,
    LEAST_LIKELY,
    ColumnMove,
    ImageThreat,
    TableThreat,
    TextThreat,
    Threats,
    parse_move,
)
from goalkeeper.describe.document import Document, Key
from goalkeeper.describe.form import ApplicationForm
from goalkeeper.describe.form_changes import PropertyForm, TableThreatForm, ThreatsForm
from goalkeeper.describe.problems import choice, combine, problem
from goalkeeper.describe.records import ApplicationRecords

THREATS: Key = ("threats",)
TABLE: Key = ("threats", "table")
KEPT_SHARE = 0.99  # of the records must keep a relation, else it is none
KINDS = {"images": "image", "table": "table", "text": "text"}


@dataclass(frozen=True, eq=False)
class ThreatReader:
    """Reads what may be changed, and reports what is wrong with it."""

    document: Document
    form: ApplicationForm

    @property
    def _threats(self) -> ThreatsForm:
        return self.form.threats or ThreatsForm()

    def problems(self) -> list[DescriptionError]:
        """List what is wrong with the section without looking at the data."""
        return [*self._image_problems(), *self._table_problems(), *self._property_problems()]

    def threats(self) -> Threats:
        """Return the threats; raises DescriptionError where `problems` has found any."""
        if THREATS in self.document.given:
            made: Threats = self.document.given[THREATS]
            return made
        given = self._threats
        images: dict[str, Any] = {}
        if given.images is not None:
            images["images"] = tuple(ImageThreat(**i.model_dump()) for i in given.images)
        return Threats(
            **images,
            table=self._table(given.table or TableThreatForm()),
            text=TextThreat(**(given.text.model_dump() if given.text else {})),
        )

    def properties(self) -> tuple[Property, ...]:
        """Return the properties that must stay private."""
        return tuple(
            Property(
                name=_slug(fact.name or fact.column or "class"),
                column=fact.column or "",
                value=fact.value,
                shares=fact.shares,
            )
            for fact in self._threats.properties
        )

    def one_record_a_person(self) -> bool:
        """Return whether each record is said to be of another person."""
        linkage = self._threats.linkage
        return linkage is not None and linkage.one_record_a_person

    def check(self, records: ApplicationRecords) -> tuple[str, ...]:
        """Check the section on the records; return caveats.

        Raises
        ------
        DescriptionError
            A key is for another kind of input, a column does not exist or cannot be changed so, a
            relation does not hold, or a value does not occur.
        """
        found = [*self._kind_problems(records), *self._value_problems(records)]
        domain, table = records.domain, self.threats().table
        caveats: list[str] = []
        if isinstance(domain, TableDomain):
            for where, error in check_table_threat(table, domain):
                found.append(self._located((*TABLE, *where), error))
            if not found:
                for i, text in enumerate(table.relations):
                    found += self._broken(i, Relations.of((text,), domain), records, caveats)
        if found:
            raise combine(found)
        return tuple(caveats)

    # ---- one part of the section after the other ------------------------------------------------

    def _image_problems(self) -> Iterator[DescriptionError]:
        targets = (ANY_OTHER, LEAST_LIKELY, *self.form.classes)
        seen: list[ImageThreat] = []
        for i, entry in enumerate(self._threats.images or ()):
            key: Key = ("threats", "images", i)
            try:
                threat = ImageThreat(**entry.model_dump())
            except DescriptionError as error:
                yield self._located((*key, "radius"), error)
                continue
            if threat in seen:
                yield problem(self.document, key, "this entry stands there twice")
            seen.append(threat)
            if entry.target not in targets:
                yield problem(
                    self.document,
                    (*key, "target"),
                    "this is no class",
                    expected="one of " + ", ".join(targets),
                    advice=choice(entry.target, targets),
                )

    def _table_problems(self) -> Iterator[DescriptionError]:
        table = self._threats.table
        if table is None:
            return
        for name in table.moves:
            key: Key = (*TABLE, "moves", name)
            try:
                self._move(name)
            except DescriptionError as error:
                yield self._located(key, error)
        for i, text in enumerate(table.relations):
            try:
                parse_relation(text)
            except DescriptionError as error:
                yield self._located((*TABLE, "relations", i), error)
        if bool(table.costs) != (table.budget is not None):
            given, absent = ("costs", "budget") if table.costs else ("budget", "costs")
            yield problem(
                self.document,
                (*TABLE, given),
                f"{given} needs {absent} beside it",
                expected="both costs and budget",
                advice=f"add `{absent}: ...` under threats.table, or leave {given} out",
            )

    def _property_problems(self) -> Iterator[DescriptionError]:
        names: set[str] = set()
        for i, fact in enumerate(self._threats.properties):
            key: Key = ("threats", "properties", i)
            name = _slug(fact.name or fact.column or "class")
            if not name or name in names:
                yield problem(
                    self.document,
                    key,
                    f"the property {name} is listed twice" if name else "the property has no name",
                    given=fact.name or name,
                    advice="give it a `name:` of its own, in letters and digits",
                )
            names.add(name)
            if fact.shares is not None and fact.shares[0] == fact.shares[1]:
                yield problem(
                    self.document,
                    (*key, "shares"),
                    "the two shares are equal, so that there is nothing to infer",
                    expected="two different shares, e.g. [0.3, 0.7]",
                    advice="change one of them",
                )

    def _kind_problems(self, records: ApplicationRecords) -> Iterator[DescriptionError]:
        kind = records.domain.kind
        for name, belongs in KINDS.items():
            if getattr(self._threats, name) is not None and kind != belongs:
                right = next(key for key, value in KINDS.items() if value == kind)
                yield problem(
                    self.document,
                    ("threats", name),
                    f"the application takes inputs of the kind {kind}, which `{name}` is not about",
                    expected=f"threats.{right}",
                    given=name,
                    advice=f"leave out threats.{name}",
                )

    def _value_problems(self, records: ApplicationRecords) -> Iterator[DescriptionError]:
        for i, fact in enumerate(self._threats.properties):
            values = _values_of(fact, records.data, self.form.classes)
            if fact.value not in values:
                yield problem(
                    self.document,
                    ("threats", "properties", i, "value"),
                    f"no record has this value in column {fact.column}"
                    if fact.column
                    else "this is not one of the classes",
                    expected="one of " + ", ".join(values[:12]),
                    advice=choice(fact.value, values[:12]),
                )

    def _broken(
        self, i: int, relations: Relations, records: ApplicationRecords, caveats: list[str]
    ) -> Iterator[DescriptionError]:
        """Yield a relation that the records break; note one that only few of them break."""
        rows = np.asarray(records.data.x, dtype=np.float64)
        broken = np.flatnonzero(~relations.hold(rows))
        if not len(broken):
            return
        text, first = relations.bound[0].text, int(broken[0])
        if len(broken) <= (1 - KEPT_SHARE) * len(rows):
            caveats.append(
                f"{len(broken)} of {len(rows)} records break the relation {text} (first: "
                f"{records.raw.record(first)}); they are not attacked"
            )
            return
        used = relations.bound[0].columns
        columns = relations.domain.columns
        values = ", ".join(
            f"{columns[j].name} = {_written(rows[first, j], columns[j].categories)}" for j in used
        )
        yield problem(
            self.document,
            (*TABLE, "relations", i),
            f"{len(broken)} of {len(rows)} records break this relation, so it does not hold; the "
            f"first is {records.raw.record(first)}",
            expected=f"a relation that at least {KEPT_SHARE:.0%} of the records keep",
            given=f"{text}, with {values}",
            advice="correct the relation or these records, or leave the relation out",
        )

    # ---- values ---------------------------------------------------------------------------------

    def _table(self, form: TableThreatForm) -> TableThreat:
        given = form.model_dump(exclude={"moves"})
        return TableThreat(**given, moves={name: self._move(name) for name in form.moves})

    def _move(self, name: str) -> ColumnMove:
        """Read a move as it was written: YAML reads +2 as the number 2."""
        key: Key = (*TABLE, "moves", name)
        return parse_move(self.document.written.get(key, self.document.at(key)))

    def _located(self, key: Key, error: DescriptionError) -> DescriptionError:
        return problem(
            self.document,
            key,
            error.problem,
            expected=error.expected,
            given=error.given,
            advice=error.advice,
        )


def _values_of(fact: PropertyForm, data: Data, classes: tuple[str, ...]) -> list[str]:
    """List the values that a property can have."""
    if fact.column is None:
        return list(classes)
    return sorted(set(data.columns[fact.column].astype(str).tolist()))


def _slug(name: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())


def _written(value: float, words: tuple[str, ...]) -> str:
    if np.isnan(value):
        return "missing"
    return words[int(value)] if words else f"{value:g}"
