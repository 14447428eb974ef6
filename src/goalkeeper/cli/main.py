"""The entry point: builds the verbs, and turns every error into a clear message."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from contextlib import suppress
from types import FrameType

import typer

from goalkeeper.cli import supervise
from goalkeeper.cli.exits import Exit
from goalkeeper.core.noticeboard import BOARD, Flag
from goalkeeper.core.usercode import name_error, passes

EPILOG = (
    "Start with: goalkeeper init --example spam-filter my-filter && "
    "goalkeeper run my-filter/application.yaml -o my-filter/run"
)


def build() -> typer.Typer:
    """Build the command line application."""
    from goalkeeper.cli import (
        check,
        compare,
        coverage,
        doctor,
        harden,
        init,
        listing,
        plan,
        report,
        run,
        scan,
        serve_example,
        show,
        sign,
        store,
        verify,
    )

    app = typer.Typer(
        name="goalkeeper",
        help="Evaluate the security of an AI application: describe it, run the attacks that its "
        "attackers could mount, and rate integrity, availability, confidentiality and privacy.",
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
        ("harden", harden.harden),
        ("show", show.show),
        ("report", report.report),
        ("compare", compare.compare),
        ("coverage", coverage.coverage),
        ("verify", verify.verify),
        ("sign", sign.sign),
        ("scan", scan.scan),
        ("list", listing.listing),
        ("store", store.store),
        ("serve-example", serve_example.serve_example),
        ("doctor", doctor.doctor),
    ):
        app.command(name)(function)
    app.callback()(_options)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version as installed

        typer.echo(f"goalkeeper {installed('goalkeeper')}")
        raise typer.Exit


def _options(
    version: bool = typer.Option(
        False, "--version", help="Print the version and exit.", is_eager=True, callback=_version
    ),
) -> None:
    """Evaluate the security of an AI application."""


def main() -> None:
    """Run the command line; every expected error ends with the next step."""
    signal.signal(signal.SIGTERM, _interrupt)
    if supervise.needed(sys.argv[1:]):
        sys.exit(supervise.supervise(_run))
    sys.exit(_run())


def run_here() -> None:
    """Run the command line in this process, whatever the user's code does to it."""
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(_run())


def _run() -> int:
    """Run a verb and return its exit code."""
    try:
        return _verb()
    except KeyboardInterrupt as error:
        if not passes(error):
            return _blame(error)
        _say("interrupted; finished attack runs are kept; resume with the same command")
        return Exit.INTERRUPTED
    except BrokenPipeError:  # the reader of the output has closed it, as `head` does
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        return Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - explained if expected, else with its traceback
        return _explain(error)
    except BaseException as error:  # noqa: BLE001 - reported, with an exit code
        return _blame(error)


def _blame(error: BaseException) -> int:
    """Report what no verb raises: the user's own code did, such as sys.exit()."""
    _say(f"error: the model or data code raised {name_error(error)}")
    _say("next: let your Python files raise only what derives from Exception")
    return Exit.USAGE


def _verb() -> int:
    # Not `command.main()`: it turns interruptions and closed pipes into exit codes of its own.
    command = typer.main.get_command(build())
    try:
        with command.make_context("goalkeeper", sys.argv[1:]) as context:
            code = command.invoke(context) or Exit.MET
    except typer.Exit as end:
        code = end.exit_code
    if sys.stdout is not None:  # it is None where a shell closed it
        sys.stdout.flush()
    return int(code)


def _explain(error: Exception) -> int:
    """Print an error, with its traceback if it is unexpected, and return the exit code."""
    from goalkeeper.cli.common import current_command
    from goalkeeper.compute.files import FULL, DiskFull
    from goalkeeper.core.errors import GoalkeeperError

    if hasattr(error, "format_message"):  # click's own usage errors
        context, message = getattr(error, "ctx", None), error.format_message()
        if context is not None and not message.startswith("Usage:"):
            message = f"{context.get_usage()}\nerror: {message}"
        path = "goalkeeper" if context is None else context.command_path
        _say(f"{message}\nnext: {path} --help")
        return Exit.USAGE
    full = isinstance(error, DiskFull) or (isinstance(error, OSError) and error.errno in FULL)
    if full or isinstance(error, GoalkeeperError):
        _say(f"error: {error}\nnext: fix this, then run again: {current_command()}")
        return Exit.INTERRUPTED if full else Exit.USAGE
    _say("".join(traceback.format_exception(error)))
    _say("error: this is a bug in goalkeeper; finished attack runs are kept")
    _say(f"next: report it with the lines above, then run again: {current_command()}")
    return Exit.FAILED  # never 1, as an uncaught error: that would be a verdict


def _say(text: str) -> None:
    # The exit code must be returned even if stderr is closed.
    with suppress(OSError, ValueError):
        typer.echo(text, err=True)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    BOARD.raise_flag(Flag.INTERRUPTED)
    raise KeyboardInterrupt
