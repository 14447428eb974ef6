"""`goalkeeper check`: check an application file."""

from __future__ import annotations

import typer

from goalkeeper.cli.common import AsJson, File, parse_choice, prepare_session, shell_command
from goalkeeper.core.application import Target


def _answers(target: Target) -> str:
    """Say what the model answers with: as it was found, or else what it offers."""
    reader = getattr(target, "reader", None) or getattr(target, "outputs", None)
    return getattr(reader, "sentence", f"the model returns {target.offers.name.lower()}")


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
    typer.echo(f"  {_answers(ready.app.target)}")
    for caveat in ready.app.caveats:
        typer.echo(f"  note: {caveat}")
    typer.echo(f"next: {shell_command('plan', file)}")
