"""`goalkeeper verify`: check hashes and recompute verdicts."""

from __future__ import annotations

import json

import typer

from goalkeeper.cli.common import AsJson, Folder
from goalkeeper.cli.exits import Exit


def verify(folder: Folder, as_json: AsJson = False) -> None:
    """Check the hash of every file, and recompute every verdict from the stored evidence."""
    from goalkeeper.core.errors import PolicyError
    from goalkeeper.verify import list_differences

    try:
        found = list_differences(folder)
    except PolicyError as error:
        found = [f"policy: {error}"]
    if as_json:
        typer.echo(json.dumps({"verified": not found, "differences": found}, indent=1))
    elif found:
        typer.echo(f"{folder} does NOT verify:")
        for line in found:
            typer.echo(f"  {line}")
        typer.echo("next: run it again with: goalkeeper run FILE -o ANOTHER_FOLDER")
    else:
        typer.echo(
            f"{folder} verifies: no file was changed, and the evidence yields the stored verdicts"
        )
    if found:
        raise typer.Exit(Exit.NOT_MET)
