"""`goalkeeper init`: write files to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goalkeeper.cli.common import explain_write_errors, shell_command


def init(
    folder: Annotated[
        Path, typer.Argument(help="Folder for the files; new or empty.", show_default=False)
    ],
    example: Annotated[
        str,
        typer.Option("--example", help="Write this working example, e.g. spam-filter."),
    ] = "",
    hardened: Annotated[
        bool,
        typer.Option("--hardened", help="With --example: write its hardened description."),
    ] = False,
) -> None:
    """Write an application file to start from: a template, or a complete working example."""
    from goalkeeper.core.errors import DescriptionError
    from goalkeeper.examples import write_example, write_template

    file = folder / "application.yaml"
    if hardened and not example:
        raise DescriptionError(
            "--hardened names the second description of an example, and no example is named",
            key="--hardened",
            expected="--example NAME beside it",
            given="no --example",
            advice="write e.g. goalkeeper init --example spam-filter --hardened FOLDER",
        )
    with explain_write_errors(folder):
        if folder.exists() and any(folder.iterdir()):
            raise DescriptionError(
                f"{folder} is not empty; nothing was written",
                advice="choose a new folder, or empty this one",
            )
        if example:
            write_example(example, folder, hardened=hardened)
            then = f"next: {shell_command('run', file, '-o', folder / 'run')}"
        else:
            write_template(folder)
            then = f"next: edit {file}, then: {shell_command('check', file)}"
    for path in sorted(folder.iterdir()):
        typer.echo(f"written: {path}")
    typer.echo(then)
