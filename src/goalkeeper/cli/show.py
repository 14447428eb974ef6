"""`goalkeeper show`: print the assessment in the terminal."""

from __future__ import annotations

from dataclasses import replace

import typer

from goalkeeper.cli.common import (
    AsJson,
    Folder,
    make_console,
    read_assessment,
    read_run_value,
    shell_command,
)
from goalkeeper.cli.exits import Gate, gate
from goalkeeper.cli.formats import InLanguage, Tongue


def show(
    folder: Folder,
    as_json: AsJson = False,
    language: InLanguage = Tongue.EN,
    fail_on: Gate = None,
) -> None:
    """Print the assessment of a run folder in the terminal."""
    from goalkeeper.policy import default_policy
    from goalkeeper.report import render_terminal
    from goalkeeper.report.language import find_language
    from goalkeeper.running import report_context

    assessment = read_assessment(folder)
    if as_json:
        typer.echo(assessment.to_json(), nl=False)
        gate(assessment, fail_on)
        return
    file, person = read_run_value(folder, "file"), read_run_value(folder, "person")
    about = report_context(default_policy(), file=file, person=person)
    about = replace(about, language=find_language(language))
    render_terminal(assessment, make_console(), about)
    typer.echo(f"next: open {folder}/report.html, or: {shell_command('verify', folder)}")
    gate(assessment, fail_on)
