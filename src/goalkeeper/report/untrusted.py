"""Texts that somebody else wrote: what hides is made visible, and people get numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from goalkeeper.core.assessment import Assessment
from goalkeeper.report import format as fmt
from goalkeeper.report.parts import Context
from goalkeeper.report.people import count_people, pseudonymise
from goalkeeper.report.words import PEOPLE_NAMED, PEOPLE_NUMBERED


def clean_assessment(assessment: Assessment, context: Context) -> tuple[Assessment, str]:
    """Escape invisible characters, and pseudonymise people; return the note on how they appear."""
    plain = _clean(assessment.model_dump(by_alias=True))
    if context.show_private:
        named = count_people(plain, context.person)
        note = PEOPLE_NAMED if named else ""
    else:
        plain, named = pseudonymise(plain, context.person)
        note = PEOPLE_NUMBERED.format(person=context.person) if named else ""
    return Assessment.model_validate(plain), note


def clean_context(context: Context) -> Context:
    """Escape invisible characters in the texts that come from the user's names."""
    texts = {name: _clean(dict(getattr(context, name))) for name in ("citations", "commands")}
    return replace(context, **texts)


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {_clean(k): _clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(v) for v in value]
    return fmt.escape_invisible(value) if type(value) is str else value
