"""Texts that somebody else wrote: what hides is made visible, and people get numbers."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from goalkeeper.core.assessment import Assessment
from goalkeeper.report import format as fmt
from goalkeeper.report.language import _
from goalkeeper.report.parts import Context, Table, TablesPart
from goalkeeper.report.people import count_people, pseudonymise
from goalkeeper.report.words import PEOPLE_NAMED, PEOPLE_NUMBERED

_ESCAPED = re.compile(r"\\[ubfr]")  # characters that JSON writes so, other than lines and tabs


def _is_plain(text: str) -> bool:
    """Return whether JSON has only visible ASCII, lines and tabs: nothing is to be escaped in it.

    Large assessments are then not copied. A backslash in a text may look like an escape; such a
    text is treated as if it had one.
    """
    return text.isascii() and text.isprintable() and not _ESCAPED.search(text)


def clean_assessment(assessment: Assessment, context: Context) -> tuple[Assessment, str]:
    """Escape invisible characters, and pseudonymise people; return the note on how they appear."""
    dumped = assessment.model_dump(by_alias=True)
    if _is_plain(assessment.model_dump_json()) and not count_people(dumped, context.person):
        return assessment, ""
    plain = _clean(dumped)
    if context.show_private:
        named = count_people(plain, context.person)
        note = _(PEOPLE_NAMED) if named else ""
    else:
        plain, named = pseudonymise(plain, context.person)
        note = _(PEOPLE_NUMBERED).format(person=context.person) if named else ""
    return Assessment.model_validate(plain), note


def clean_context(context: Context) -> Context:
    """Escape invisible characters in the texts that come from the user's names."""
    texts = {name: _clean(dict(getattr(context, name))) for name in ("citations", "commands")}
    return replace(context, hardening=_clean_part(context.hardening), **texts)


def _clean_part(part: TablesPart | None) -> TablesPart | None:
    if part is None:
        return None
    tables = tuple(
        Table(_clean(t.caption), _clean_row(t.head), tuple(map(_clean_row, t.rows)))
        for t in part.tables
    )
    return TablesPart(_clean(part.sentence), tables)


def _clean_row(row: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_clean, row))


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {_clean(k): _clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(v) for v in value]
    return fmt.escape_invisible(value) if type(value) is str else value
