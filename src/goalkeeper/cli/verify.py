"""`goalkeeper verify`: check files, plan, evidence, verdicts, report and signature of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goalkeeper.cli.common import AsJson, Folder
from goalkeeper.cli.exits import Exit

if TYPE_CHECKING:
    from goalkeeper.verification import Verification


def verify(
    folder: Folder,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            help="Public key (Ed25519; PEM or OpenSSH) that must have signed the run; without it "
            "any signature will do, or none.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that a run is whole and follows from its evidence, and by whom it is signed.

    Nothing is run: every file is compared with its hash, the plan with evidence and stored results,
    every verdict with what its evidence yields, and the report with what the assessment renders as.
    """
    from goalkeeper.verification import verify as verify_run

    found = verify_run(folder, key=key)
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=1))
    else:
        print_verification(folder, found)
    if not found.consistent:
        raise typer.Exit(Exit.NOT_MET)
    if not found.complete:
        raise typer.Exit(Exit.INCONCLUSIVE)


def print_verification(folder: Path, found: Verification) -> None:
    """Print what was found, for people."""
    from goalkeeper.verification.result import MOST

    if not found.consistent:
        typer.echo(f"{folder} does NOT verify:")
        for line in found.problems[:MOST]:
            typer.echo(f"  {line}")
        if len(found.problems) > MOST:
            typer.echo(f"  and {len(found.problems) - MOST} more; --json lists all")
        typer.echo("next: run it again with: goalkeeper run FILE -o ANOTHER_FOLDER")
        return
    typer.echo(f"{folder} verifies: {found}")
    for line in found.not_compared:
        typer.echo(f"not compared: {line}")
    for line in found.notes:
        typer.echo(f"note: {line}")
