"""`goalkeeper serve-example`: a small service to try `model.http` with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goalkeeper.cli.common import explain_write_errors, shell_command


def serve_example(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Folder for the application file and its data; new or empty.", show_default=False
        ),
    ],
    example: Annotated[
        str, typer.Option("--example", help="The example whose model is served.")
    ] = "spam-filter",
    port: Annotated[
        int, typer.Option("--port", help="Port of this machine; 0: a free one.", min=0, max=65535)
    ] = 8000,
    faults: Annotated[
        str,
        typer.Option(
            "--faults",
            help="Shares of requests that fail, e.g. drop=0.05,429=0.1; also 503, slow, malformed.",
        ),
    ] = "",
) -> None:
    """Serve the model of an example over HTTP, and write an application file that asks it.

    Only this machine can reach the service. It runs until Ctrl-C.
    """
    from goalkeeper.core.errors import DescriptionError
    from goalkeeper.examples.serving import (
        ServedExample,
        make_server,
        parse_faults,
        serve,
        write_served,
    )

    shares = parse_faults(faults)
    with explain_write_errors(folder):
        if folder.exists() and any(folder.iterdir()):
            raise DescriptionError(
                f"{folder} is not empty; nothing was written",
                advice="choose a new folder, or empty this one",
            )
    with make_server(port) as server:
        number = int(server.server_address[1])
        with explain_write_errors(folder):
            served = ServedExample(write_served(example, folder, number), shares)
        file = folder / "application.yaml"
        typer.echo(f"written: {file}")
        typer.echo(f"serving: http://127.0.0.1:{number}/predict (Ctrl-C ends it)")
        typer.echo(f"next: {shell_command('check', file)}")
        try:
            serve(server, served)
        except KeyboardInterrupt:
            counts = ", ".join(f"{n:,} {name}" for name, n in sorted(served.seen.items()))
            typer.echo(f"served: {counts or 'nothing'}")
