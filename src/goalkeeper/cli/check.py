"""`goalkeeper check`: check an application file, and whether its model fits its data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goalkeeper.cli.common import (
    AsJson,
    File,
    make_console,
    print_table,
    redirect_stdout_of_user_code,
    shell_command,
    spinner,
)
from goalkeeper.cli.exits import Exit
from goalkeeper.cli.options import CallTime, Memory, limit_user_code
from goalkeeper.cli.service import describe_asked

if TYPE_CHECKING:
    from goalkeeper.core.application import Application, Target
    from goalkeeper.core.errors import GoalkeeperError
    from goalkeeper.core.fit import AccuracyEstimate, FitReport

NoModel = Annotated[
    bool,
    typer.Option(
        "--no-model", help="Check the file and its data only: the model is not loaded or trained."
    ),
]


def check(
    file: File,
    no_model: NoModel = False,
    as_json: AsJson = False,
    call_time: CallTime = "",
    memory: Memory = "",
) -> None:
    """Check an application file: keys, data, model, and whether the model fits the data.

    Shows how many labelled records the model answers right, as goalkeeper sees both. A model that
    contradicts its data cannot be used: the exit code is 4, and the likely cause is named.
    """
    from goalkeeper.core.errors import GoalkeeperError

    limit_user_code(call_time, memory)
    fit = app = None
    problems: tuple[GoalkeeperError, ...] = ()
    try:
        if no_model:
            problems = _check_file(file)
        else:
            app, fit = _measure(file, silent=as_json)
            problems = _contradictions(fit, file)
    except GoalkeeperError as error:
        if not as_json:
            raise
        problems = getattr(error, "problems", (error,))
    if as_json:
        typer.echo(json.dumps(_make_json(app, fit, problems), indent=1))
        for problem in problems:
            typer.echo(f"error: {problem}", err=True)
    else:
        _print(file, app, fit, problems)
    if problems:
        raise typer.Exit(Exit.USAGE)


def _check_file(file: Path) -> tuple[GoalkeeperError, ...]:
    from goalkeeper.describe import check as check_file

    with redirect_stdout_of_user_code():
        return check_file(file)


def _measure(file: Path, *, silent: bool) -> tuple[Application, FitReport]:
    from goalkeeper.assessing import with_notes
    from goalkeeper.describe import load
    from goalkeeper.fit import measure_fit

    # Without a plan: some games would train the model to find out whether they can be run.
    with (
        spinner("reading the data, and loading the model", silent=silent),
        redirect_stdout_of_user_code(),
    ):
        app = with_notes(load(file))
    with (
        spinner("measuring how well the model fits its data", silent=silent),
        redirect_stdout_of_user_code(),
    ):
        return app, measure_fit(app)


def _contradictions(fit: FitReport, file: Path) -> tuple[GoalkeeperError, ...]:
    from goalkeeper.fit import contradiction_of

    error = contradiction_of(fit, where=str(file))
    return () if error is None else (error,)


# ---- for programs --------------------------------------------------------------------------------


def _make_json(
    app: Application | None, fit: FitReport | None, problems: tuple[GoalkeeperError, ...]
) -> dict[str, Any]:
    keys = ("recall", "confusion", "examples", "causes", "notes", "expects", "parts")
    found: dict[str, Any] = {
        "usable": not problems,
        "accuracy": None,
        "majority": None,
        "reference": None,
        "fit": None,
        "problems": [str(problem) for problem in problems],
        **dict.fromkeys(keys),
    }
    if fit is not None and app is not None:
        parts = {"train": fit.train, "holdout": fit.holdout}
        found |= {
            "accuracy": {name: _numbers(accuracy) for name, accuracy in parts.items()},
            "majority": fit.majority,
            "reference": fit.reference,
            "fit": fit.fit,
            "recall": {r.name: r.accuracy and _numbers(r.accuracy) for r in fit.recall},
            "confusion": [list(row) for row in fit.confusion],
            "examples": [example.model_dump() for example in fit.examples],
            "causes": [cause.model_dump() for cause in fit.causes],
            "notes": [*fit.reasons, *fit.notes, *app.caveats],
            "expects": {"given": fit.expects, "confirmed": fit.confirmed} if fit.expects else None,
            "parts": app.data.sizes(),
        }
    return found


def _numbers(accuracy: AccuracyEstimate) -> dict[str, float]:
    return accuracy.model_dump()


# ---- for people ----------------------------------------------------------------------------------


def _print(
    file: Path,
    app: Application | None,
    fit: FitReport | None,
    problems: tuple[GoalkeeperError, ...],
) -> None:
    if fit is not None and app is not None:
        sizes = ", ".join(f"{n} {part}" for part, n in app.data.sizes().items())
        verdict = "cannot be used" if problems else "valid"
        typer.echo(f"{file}: {verdict}")
        typer.echo(f"  data: {sizes}")
        for line in (_answers(app.target), *describe_asked(app)):
            typer.echo(f"  {line}")
        _print_fit(fit)
        for caveat in (*fit.notes, *app.caveats):
            typer.echo(f"  note: {caveat}")
    elif not problems:
        typer.echo(f"{file}: valid (the model was not loaded)")
    for problem in problems:
        typer.echo(f"error: {problem}", err=True)
    if not problems:
        typer.echo(f"next: {shell_command('plan', file)}")


def _answers(target: Target) -> str:
    """Say what the model answers with: as it was found, or else what attackers can be given."""
    from goalkeeper.core.power import View

    more = " (white box only: gradients)" if target.offers >= View.GRADIENTS else ""
    offered = "classes" if target.offers < View.SCORES else f"classes, scores{more}"
    reader = getattr(target, "reader", None) or getattr(target, "outputs", None)
    return getattr(reader, "sentence", f"attackers can be given: {offered}")


def _print_fit(fit: FitReport) -> None:
    from rich.table import Table

    from goalkeeper.report.fitness import (
        QUESTION,
        describe_doubt,
        examples_table,
        fit_table,
    )

    out = make_console()
    for part in (fit_table(fit), examples_table(fit)):
        table = Table(*part.head, expand=False, title_justify="left")
        for row in part.rows:
            table.add_row(*row)
        print_table(table, out)
    typer.echo(f"  fit: {fit.fit}" + (f" ({fit.expects})" if fit.confirmed else ""))
    if fit.fit == "doubt":
        typer.echo(f"  {describe_doubt(fit)}")
    elif fit.fit == "fit" and not fit.expects:
        typer.echo(f"  {QUESTION}")
