"""`goalkeeper check`: check an application file, and whether its model fits its data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goalkeeper.cli.common import (
    AsJson,
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

Files = Annotated[
    list[Path],
    typer.Argument(help="Application files (YAML).", show_default=False, metavar="FILE..."),
]
NoModel = Annotated[
    bool,
    typer.Option(
        "--no-model", help="Check the file and its data only: the model is not loaded or trained."
    ),
]


def check(
    files: Files,
    no_model: NoModel = False,
    as_json: AsJson = False,
    call_time: CallTime = "",
    memory: Memory = "",
) -> None:
    """Check an application file: keys, data, model, and whether the model fits the data.

    Shows how many labelled records the model answers right, as goalkeeper sees both. A model that
    contradicts its data cannot be used: the exit code is 4, and the likely cause is named. Several
    files are checked one after the other; with --json they give a list.
    """
    limit_user_code(call_time, memory)
    several = len(files) > 1
    checked = [_check(file, no_model, silent=as_json, keep=as_json or several) for file in files]
    if as_json:
        rows = [{"file": str(one.file), **_make_json(one)} for one in checked]
        typer.echo(json.dumps(rows if several else _make_json(checked[0]), indent=1))
    for one in checked:
        if as_json:
            _print_problems(one)
        else:
            _print(one)
    if any(one.problems for one in checked):
        raise typer.Exit(Exit.USAGE)


@dataclass(frozen=True, slots=True)
class _Checked:
    """What was found out about an application file."""

    file: Path
    app: Application | None = None
    fit: FitReport | None = None
    problems: tuple[GoalkeeperError, ...] = ()


def _check(file: Path, no_model: bool, *, silent: bool, keep: bool) -> _Checked:
    """Check a file; problems that stop it are kept, or raised where it is the only file."""
    from goalkeeper.core.errors import GoalkeeperError

    try:
        if no_model:
            return _Checked(file, problems=_check_file(file))
        app, fit = _measure(file, silent=silent)
        return _Checked(file, app, fit, _contradictions(fit, file))
    except GoalkeeperError as error:
        if not keep:
            raise
        return _Checked(file, problems=getattr(error, "problems", (error,)))


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


def _make_json(checked: _Checked) -> dict[str, Any]:
    app, fit, problems = checked.app, checked.fit, checked.problems
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


def _print(checked: _Checked) -> None:
    file, app, fit, problems = checked.file, checked.app, checked.fit, checked.problems
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
    _print_problems(checked)
    if not problems:
        typer.echo(f"next: {shell_command('plan', file)}")


def _print_problems(checked: _Checked) -> None:
    for problem in checked.problems:
        typer.echo(f"error: {problem}", err=True)


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
