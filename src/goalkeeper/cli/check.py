"""`goalkeeper check`: check an application file."""

from __future__ import annotations

import typer

from goalkeeper.cli.common import AsJson, File, parse_choice, prepare_session, shell_command
from goalkeeper.cli.options import CallTime, Memory, limit_user_code


def check(
    file: File, as_json: AsJson = False, call_time: CallTime = "", memory: Memory = ""
) -> None:
    """Check an application file: keys, data, model, and the answers of the model."""
    import json

    limit_user_code(call_time, memory)
    ready = prepare_session(file, 0, parse_choice())
    sizes = ready.app.data.sizes()
    if as_json:
        found = {"ok": True, "parts": sizes, "caveats": list(ready.app.caveats)}
        typer.echo(json.dumps(found, indent=1))
        return
    typer.echo(f"{file}: valid")
    typer.echo("  data: " + ", ".join(f"{n} {part}" for part, n in sizes.items()))
    typer.echo(f"  the model returns {ready.app.target.offers.name.lower()}")
    for caveat in ready.app.caveats:
        typer.echo(f"  note: {caveat}")
    typer.echo(f"next: {shell_command('plan', file)}")
