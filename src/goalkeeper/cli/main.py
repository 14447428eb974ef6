"""The entry point: builds the verbs, and turns every error into one clear message."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import typer

from goalkeeper.cli.exits import Exit

EPILOG = (
    "Start with: goalkeeper init --example spam-filter my-filter && "
    "goalkeeper run my-filter/application.yaml -o my-filter/run"
)


def build() -> typer.Typer:
    """Build the command line application."""
    from goalkeeper.cli import check, doctor, init, listing, plan, report, run, show, verify

    app = typer.Typer(
        name="goalkeeper",
        help="Evaluate the security of an AI application: describe it, play the attacks its "
        "attackers could mount, rate integrity, availability, confidentiality and privacy.",
        epilog=EPILOG,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    for name, function in (
        ("init", init.init),
        ("check", check.check),
        ("plan", plan.plan),
        ("run", run.run),
        ("show", show.show),
        ("report", report.report),
        ("verify", verify.verify),
        ("list", listing.listing),
        ("doctor", doctor.doctor),
    ):
        app.command(name)(function)
    app.callback()(_version)
    return app


def _version(
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    """Evaluate the security of an AI application."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"goalkeeper {installed('goalkeeper')}")
        raise typer.Exit


def main() -> None:
    """Run the command line; every expected error ends with what to do next."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        sys.exit(build()(standalone_mode=False) or 0)
    except KeyboardInterrupt:
        typer.echo("interrupted; what was finished is kept: run the same command again", err=True)
        sys.exit(Exit.INTERRUPTED)
    except typer.Exit as end:
        sys.exit(end.exit_code)
    except Exception as error:  # noqa: BLE001 - explained if expected, raised again if not
        sys.exit(_explained(error))


def _explained(error: Exception) -> int:
    """Print an expected error for people, and return its exit code; raise any other."""
    from goalkeeper.core.errors import GoalkeeperError

    if hasattr(error, "format_message"):  # click's own usage errors
        context = getattr(error, "ctx", None)
        if context is not None:
            typer.echo(context.get_usage(), err=True)
        typer.echo(f"error: {error.format_message()}", err=True)
        typer.echo("next: goalkeeper --help", err=True)
        return Exit.USAGE
    if isinstance(error, GoalkeeperError):
        typer.echo(f"error: {error}", err=True)
        return Exit.USAGE
    raise error


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
