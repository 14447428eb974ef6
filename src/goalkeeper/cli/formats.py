"""Formats of the report on the command line: which there are, and where they are written."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goalkeeper.cli.common import explain_write_errors, read_assessment, read_run_value

if TYPE_CHECKING:
    from goalkeeper.core.assessment import Assessment
    from goalkeeper.report import Context

SCHEMA = "schema"


class Tongue(StrEnum):
    """The languages of what people read, by their codes."""

    EN = "en"
    DE = "de"


# By their files: the package of the report, with its templates, would slow every --help down.
_RENDERERS = Path(__file__).parents[1] / "report" / "renderers"


def _describe_formats() -> str:
    """Name our formats, each with the first line of its module."""
    names = [module.name for module in pkgutil.iter_modules([str(_RENDERERS)])]
    about = {name: (_RENDERERS / f"{name}.py").open(encoding="utf-8") for name in names}
    lines = []
    for name, file in about.items():
        with file:
            lines.append(f"{name}: {file.readline().strip().strip(chr(34))}")
    return " ".join(lines)


FORMATS = _describe_formats()

Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        help="Also write the report in these formats into a folder beside the run folder, e.g. "
        "sarif,junit into run-reports; goalkeeper report --help describes them.",
        show_default=False,
    ),
]


InLanguage = Annotated[
    Tongue,
    typer.Option(
        "--language",
        envvar="GOALKEEPER_LANGUAGE",
        help="Language of what people read: en or de. Formats for programs stay in English.",
    ),
]


def parse_formats(given: Iterable[str]) -> list[str]:
    """Return the names of formats, each once, where several may stand in one word.

    Raises DescriptionError for a format that there is not.
    """
    from goalkeeper.core.errors import DescriptionError
    from goalkeeper.report import renderers

    names = [name.strip() for word in given for name in word.split(",")]
    known = [*renderers(), SCHEMA]
    for name in names:
        if name not in known:
            raise DescriptionError(
                "there is no such format",
                key="--format",
                expected="one of " + ", ".join(known),
                given=name,
            )
    return list(dict.fromkeys(names))


def read_context(
    folder: Path,
    *,
    show_private: bool = False,
    failures_only: bool = False,
    language: Tongue = Tongue.EN,
) -> Context:
    """Gather what a report of a run folder shows beside its assessment."""
    from goalkeeper.cli.source import find_source
    from goalkeeper.policy import default_policy
    from goalkeeper.report.language import find_language
    from goalkeeper.running import frameworks_of, report_context

    about = report_context(
        default_policy(),
        file=read_run_value(folder, "file"),
        show_private=show_private,
        person=read_run_value(folder, "person"),
    )
    return replace(
        about,
        frameworks=frameworks_of(folder),
        source=find_source(folder),
        failures_only=failures_only,
        language=find_language(language),
    )


def render(assessment: Assessment | None, form: str, about: Context | None) -> str:
    """Render an assessment in a format; the schema needs none."""
    import json

    from goalkeeper.report import renderers, schema

    if form == SCHEMA or assessment is None or about is None:
        return json.dumps(schema(), indent=1) + "\n"
    return renderers()[form]().render(assessment, about)


def write_report(text: str, path: Path) -> None:
    """Write a report; line ends stay as the format has them. Raises DescriptionError."""
    from goalkeeper.core.private import write_text

    with explain_write_errors(path):
        write_text(path, text)


def file_name(form: str) -> str:
    """Name the file of a format in a folder of several: report.sarif, junit.xml."""
    from goalkeeper.report import renderers

    if form == SCHEMA:
        return "schema.json"
    suffix = renderers()[form].suffix
    return f"report{suffix}" if suffix == f".{form}" else f"{form}{suffix}"


def write_beside(folder: Path, forms: Sequence[str], language: Tongue = Tongue.EN) -> list[Path]:
    """Write the report of a run in several formats beside its folder, which is sealed."""
    if not forms:
        return []
    target = folder.with_name(f"{folder.absolute().name}-reports")
    about = read_context(folder, language=language)
    return write_all(read_assessment(folder), forms, about, target)


def write_all(
    assessment: Assessment, forms: Sequence[str], about: Context, target: Path
) -> list[Path]:
    """Write several formats into a folder; returns the files."""
    with explain_write_errors(target):
        target.mkdir(parents=True, exist_ok=True)
    written = [target / file_name(form) for form in forms]
    for form, path in zip(forms, written, strict=True):
        write_report(render(assessment, form, about), path)
    return written
