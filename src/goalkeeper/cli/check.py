"""`goalkeeper check`: check an application file."""

from __future__ import annotations

import typer

from goalkeeper.cli.common import AsJson, File, parse_choice, prepare_session, shell_command
from goalkeeper.cli.service import describe_asked


def check(file: File, as_json: AsJson = False) -> None:
    """Check an application file: keys, data, model, and the answers of the model."""
    import json

    ready = prepare_session(file, 0, parse_choice())
    sizes = ready.app.data.sizes()
    if as_json:
        found = {"ok": True, "parts": sizes, "caveats": list(ready.app.caveats)}
        typer.echo(json.dumps(found, indent=1))
        return
    typer.echo(f"{file}: valid")
    typer.echo("  data: " + ", ".join(f"{n} {part}" for part, n in sizes.items()))
    typer.echo(f"  the model returns {ready.app.target.offers.name.lower()}")
    for line in describe_asked(ready.app):
        typer.echo(f"  {line}")
    for caveat in ready.app.caveats:
        typer.echo(f"  note: {caveat}")
    typer.echo(f"next: {shell_command('plan', file)}")
