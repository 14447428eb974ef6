"""`goalkeeper report`: render the assessment in other formats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goalkeeper.cli.common import Folder, read_assessment
from goalkeeper.cli.exits import Gate, gate
from goalkeeper.cli.formats import (
    FORMATS,
    SCHEMA,
    InLanguage,
    Tongue,
    file_name,
    parse_formats,
    read_context,
    render,
    write_all,
    write_report,
)


def report(
    folder: Folder,
    forms: Annotated[
        list[str],
        typer.Option(
            "--format",
            help="What to write; several, separated by commas, into a folder (-o). "
            f"{FORMATS} {SCHEMA}: The JSON Schema of the assessment. Or the format of a plug-in.",
        ),
    ] = ["html"],  # noqa: B006 - typer copies it
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="Output file, or the folder for several formats; default: standard output.",
        ),
    ] = None,
    show_private: Annotated[
        bool,
        typer.Option(
            "--show-private", help="Show examples of training data and the names of people."
        ),
    ] = False,
    failures_only: Annotated[
        bool,
        typer.Option(
            "--failures-only",
            help="Leave out of sarif what is no failure: GitHub shows every result as an alert, "
            "even one that passed.",
        ),
    ] = False,
    language: InLanguage = Tongue.EN,
    fail_on: Gate = None,
) -> None:
    """Render the assessment of a run folder in formats of the report, or print its JSON Schema."""
    names = parse_formats(forms)
    _check_output(folder, output, several=len(names) > 1)
    if names == [SCHEMA]:
        _write(render(None, SCHEMA, None), output, SCHEMA)
        return
    assessment = read_assessment(folder)
    about = read_context(
        folder, show_private=show_private, failures_only=failures_only, language=language
    )
    if len(names) > 1 and output is not None:
        for path in write_all(assessment, names, about, output):
            typer.echo(f"written: {path}")
    else:
        _write(render(assessment, names[0], about), output, names[0])
    gate(assessment, fail_on)


def _check_output(folder: Path, output: Path | None, *, several: bool) -> None:
    from goalkeeper.core.errors import DescriptionError

    if output is None:
        if several:
            raise DescriptionError(
                "several formats need a folder",
                key="--output",
                expected="a folder, which is made if there is none",
                advice="add -o reports",
            )
        return
    inside = output.absolute() == folder.absolute() or folder.resolve() in output.resolve().parents
    if inside and (folder / "MANIFEST.sha256").exists():
        raise DescriptionError(
            f"{folder} is sealed: goalkeeper verify would report a file that is added to it",
            key="--output",
            expected="a place outside the run folder",
            given=str(output),
        )


def _write(text: str, output: Path | None, form: str) -> None:
    if output is None:
        typer.echo(text, nl=False)
        return
    path = output / file_name(form) if output.is_dir() else output
    write_report(text, path)
    typer.echo(f"written: {path}")
