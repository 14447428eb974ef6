"""Check whether a description is usable: `goalkeeper check`."""

from __future__ import annotations

import typer

from goalkeeper.cli.common import AsJson, File, choice, session, typed


def check(file: File, as_json: AsJson = False) -> None:
    """Check an application file: its keys, its data, its model, and what the model answers."""
    import json

    ready = session(file, 0, choice())
    sizes = ready.app.data.sizes()
    if as_json:
        found = {"ok": True, "parts": sizes, "caveats": list(ready.app.caveats)}
        typer.echo(json.dumps(found, indent=1))
        return
    typer.echo(f"{file}: usable")
    typer.echo("  data: " + ", ".join(f"{n} {part}" for part, n in sizes.items()))
    typer.echo(f"  the model answers with {ready.app.target.offers.name.lower()}")
    for caveat in ready.app.caveats:
        typer.echo(f"  note: {caveat}")
    typer.echo(f"next: {typed('plan', file)}")
