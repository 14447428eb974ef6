"""`goalkeeper report`: render the assessment in another format."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from goalkeeper.cli.common import Folder, context, explain_write_errors, read, read_run_value


class Format(StrEnum):
    """Formats of the report."""

    HTML = "html"
    JSON = "json"
    TEXT = "text"
    SCHEMA = "schema"


def report(
    folder: Folder,
    form: Annotated[Format, typer.Option("--format", help="Format of the report.")] = Format.HTML,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Output file; default: standard output.")
    ] = None,
    show_private: Annotated[
        bool,
        typer.Option(
            "--show-private", help="Show examples of training data and the names of people."
        ),
    ] = False,
) -> None:
    """Render the assessment of a run folder as HTML, JSON or text, or print the JSON Schema."""
    text = _rendered(folder, form, show_private=show_private)
    if output is None:
        typer.echo(text, nl=False)
        return
    with explain_write_errors(output):
        output.write_text(text, encoding="utf-8")
    typer.echo(f"written: {output}")


def _rendered(folder: Path, form: Format, *, show_private: bool) -> str:
    import io
    import json

    from rich.console import Console

    from goalkeeper.policy import default_policy
    from goalkeeper.report import render_html, render_terminal, schema

    if form is Format.SCHEMA:
        return json.dumps(schema(), indent=1) + "\n"
    assessment = read(folder)
    if form is Format.JSON:
        return assessment.to_json()
    about = context(
        default_policy(),
        file=read_run_value(folder, "file"),
        show_private=show_private,
        person=read_run_value(folder, "person"),
    )
    if form is Format.HTML:
        return render_html(assessment, about)
    buffer = io.StringIO()
    render_terminal(assessment, Console(file=buffer, width=100), about)
    return buffer.getvalue()
