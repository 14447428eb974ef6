"""`goalkeeper init`: files to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goalkeeper.cli.common import typed, writing


def init(
    folder: Annotated[Path, typer.Argument(help="Where to put the files.", show_default=False)],
    example: Annotated[
        str,
        typer.Option("--example", help="Start from a working example, e.g. spam-filter."),
    ] = "",
) -> None:
    """Write an application file to start from: a template, or a whole working example."""
    from goalkeeper.core.errors import DescriptionError
    from goalkeeper.examples import write_example, write_template

    file = folder / "application.yaml"
    with writing(folder):
        if folder.exists() and any(folder.iterdir()):
            raise DescriptionError(
                f"{folder} is not empty; nothing was written",
                advice="choose a new folder, or empty this one",
            )
        if example:
            write_example(example, folder)
            then = f"next: {typed('run', file, '-o', folder / 'run')}"
        else:
            write_template(folder)
            then = f"next: edit {file}, then: {typed('check', file)}"
    for path in sorted(folder.iterdir()):
        typer.echo(f"written: {path}")
    typer.echo(then)
