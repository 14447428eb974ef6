"""The parts of a report: facts, tables and links, as plain data for every renderer."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from goalkeeper.core.frameworks import Framework
from goalkeeper.report.application_file import ApplicationFile
from goalkeeper.report.language import ENGLISH, Language

VERBS = ("run", "harden")  # commands of goalkeeper that a report shows for its application


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled value."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Link:
    """A reference to a place in the same report."""

    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column names the row."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __bool__(self) -> bool:
        return bool(self.rows)


def drop_empty_columns(table: Table) -> Table:
    """Remove the columns that have no content."""
    kept = [i for i in range(len(table.head)) if i == 0 or any(row[i] for row in table.rows)]
    return Table(
        table.caption,
        tuple(table.head[i] for i in kept),
        tuple(tuple(row[i] for i in kept) for row in table.rows),
    )


def merge_rows(rows: Iterable[tuple[str, ...]], column: int) -> tuple[tuple[str, ...], ...]:
    """Merge rows that differ in one column only; its values are joined by commas."""
    found: dict[tuple[str, ...], dict[str, None]] = {}
    for row in rows:
        rest = (*row[:column], *row[column + 1 :])
        found.setdefault(rest, {})[row[column]] = None
    return tuple(
        (*rest[:column], ", ".join(values), *rest[column:]) for rest, values in found.items()
    )


@dataclass(frozen=True, slots=True)
class TablesPart:
    """A part of a report that is a sentence and some tables."""

    sentence: str
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentRow:
    """Which goal an attack family threatens: as published in both languages, and by definition."""

    family: str
    english: str
    german: str
    ours: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a report shows in addition to the assessment.

    Parameters
    ----------
    assignment
        Which goal each attack family threatens: as published, and by definition.
    note
        One sentence on the rows that are swapped in the published table.
    frameworks
        The public frameworks, their criteria, and the attack variants that belong to each.
    citations
        Full citation of each reference key.
    commands
        `run` and `harden`: the commands for this application, e.g. `goalkeeper run app.yaml`; an
        evidence id: the exact command that repeats the attack run. Default: composed from the
        names.
    show_private
        Whether exhibits that hold training data, and the names of people, are shown.
    person
        The column with the person that a record belongs to; its values are names of people.
    source
        The application file, for formats that point into it; None for an application made in
        Python.
    failures_only
        Whether a format for programs leaves out what is no failure. GitHub shows every result of a
        SARIF file as an alert, even one that passed.
    hardening
        What hardening tried on this application, and what came of it.
    language
        In which language the formats for people are written.
    """

    assignment: tuple[AssignmentRow, ...] = ()
    note: str = ""
    frameworks: tuple[Framework, ...] = ()
    citations: Mapping[str, str] = field(default_factory=dict)
    commands: Mapping[str, str] = field(default_factory=dict)
    show_private: bool = False
    person: str = "person"
    source: ApplicationFile | None = None
    failures_only: bool = False
    hardening: TablesPart | None = None
    language: Language = ENGLISH

    def in_repository(self) -> Context:
        """Return the same, with commands for somebody whose current folder is the repository."""
        if self.source is None:
            return self
        ours = {verb: shlex.join(["goalkeeper", verb, self.source.path]) for verb in VERBS}
        return replace(self, commands={**self.commands, **ours})
