"""`goalkeeper coverage`: the criteria of public frameworks, and the evidence of each."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goalkeeper.cli.common import Folder, explain_write_errors, read_assessment, read_run_value

if TYPE_CHECKING:
    from goalkeeper.core.frameworks import Framework


class Form(StrEnum):
    """What the coverage can be written as."""

    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"


def coverage(
    folder: Folder,
    framework: Annotated[
        list[str] | None,
        typer.Option(
            "--framework",
            help="Show only this framework, e.g. aitg or ai_act; may be repeated.",
        ),
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="What to write.")] = Form.MARKDOWN,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Output file; default: standard output.")
    ] = None,
) -> None:
    """Show each criterion of public frameworks: its evidence, or why there is none."""
    text = _render(folder, tuple(framework or ()), form)
    if output is None:
        typer.echo(text, nl=False)
        return
    with explain_write_errors(output):
        output.write_text(text, encoding="utf-8")
    typer.echo(f"written: {output}")


def _render(folder: Path, wanted: tuple[str, ...], form: Form) -> str:
    from goalkeeper.report import Context, coverage_csv, coverage_json, renderers
    from goalkeeper.running import frameworks_of

    assessment = read_assessment(folder)
    about = Context(
        frameworks=_chosen(frameworks_of(folder), wanted),
        person=read_run_value(folder, "person") or "person",
    )
    if form is Form.CSV:
        return coverage_csv(assessment, about)
    if form is Form.JSON:
        return coverage_json(assessment, about)
    return renderers()["coverage"]().render(assessment, about)


def _chosen(known: tuple[Framework, ...], wanted: tuple[str, ...]) -> tuple[Framework, ...]:
    """Choose frameworks by their keys; raises DescriptionError for one that there is not."""
    from goalkeeper.core.errors import DescriptionError

    keys = [framework.key for framework in known]
    for name in wanted:
        if name not in keys:
            raise DescriptionError(
                "there is no such framework",
                key="--framework",
                expected="one of " + ", ".join(keys),
                given=name,
            )
    return tuple(f for f in known if not wanted or f.key in wanted)
