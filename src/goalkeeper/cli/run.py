"""`goalkeeper run`: run attacks, rate, report; resumes in the same folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goalkeeper.cli import options
from goalkeeper.cli.common import (
    AsJson,
    File,
    Seed,
    current_command,
    make_console,
    parse_choice,
    read_run_value,
    redirect_stdout_of_user_code,
    shell_command,
)
from goalkeeper.cli.effort import collect_limited_sizing, limit_by_default
from goalkeeper.cli.exits import Exit, FailOn, choose_exit_code
from goalkeeper.cli.formats import Formats, InLanguage, Tongue, parse_formats, write_beside
from goalkeeper.cli.progress import Progress

if TYPE_CHECKING:
    from goalkeeper.compute.executor import Execution
    from goalkeeper.core.assessment import Assessment
    from goalkeeper.core.compute_settings import ComputeSettings
    from goalkeeper.planning import Choice
    from goalkeeper.running import Sizing


@options.option_groups(
    chosen=parse_choice,
    execution=options.collect_execution,
    compute=options.collect_compute,
    sizing=collect_limited_sizing,
    store=options.choose_store,
)
def run(
    file: File,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Run folder; an existing one is resumed.")
    ] = Path("goalkeeper-run"),
    *,
    chosen: Choice,
    seed: Seed = 0,
    execution: Execution,
    compute: ComputeSettings,
    sizing: Sizing,
    store: Path | bool,
    fail_on: Annotated[
        FailOn,
        typer.Option(
            "--fail-on",
            help="Verdicts that give exit code 1: not-met, inconclusive (or not-met), never.",
        ),
    ] = FailOn.NOT_MET,
    formats: Formats = None,
    language: InLanguage = Tongue.EN,
    as_json: AsJson = False,
) -> None:
    """Run the attacks that can decide a verdict, rate the goals and write the report.

    Short runs and cheap attacks come first, with a quarter of the sample; the rest of the sample
    follows where that settles nothing. What no verdict depends on any more is left out, and the
    report counts it. The run stops when every verdict is settled, nothing is left, or the time is
    up. --exhaustive runs everything. The same command resumes an interrupted run; finished attack
    runs are kept. Results that an earlier run has already computed are taken from the store.
    """
    from goalkeeper import running

    forms = parse_formats(formats or [])
    run_options = running.RunOptions(
        execution=execution,
        sizing=limit_by_default(sizing, chosen),
        compute=compute,
        store=store,
        progress=Progress(silent=as_json, language=language),
    )
    with _resumable(output), redirect_stdout_of_user_code():
        assessment = running.run(file, output, seed=seed, choice=chosen, options=run_options)
    written = write_beside(output, forms, language)
    if as_json:
        typer.echo(assessment.to_json(), nl=False)
    else:
        _print_result(assessment, file, output, language)
        for path in written:
            typer.echo(f"written: {path}")
    raise typer.Exit(choose_exit_code(assessment, fail_on))


@contextmanager
def _resumable(output: Path) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        kept = len(list((output / "units").glob("*.json")))
        typer.echo(
            f"\ninterrupted: {kept} attack runs are kept. Resume with: {current_command()}",
            err=True,
        )
        raise typer.Exit(Exit.INTERRUPTED) from None


def _print_result(assessment: Assessment, file: Path, output: Path, language: Tongue) -> None:
    from goalkeeper.core.evidence import Status
    from goalkeeper.report import render_terminal
    from goalkeeper.report.language import find_language
    from goalkeeper.running import read_policy, report_context

    person = read_run_value(output, "person")
    about = report_context(read_policy(output), file=str(file), person=person)
    about = replace(about, language=find_language(language))
    render_terminal(assessment, make_console(), about, brief=True)
    failed = [e for e in assessment.evidence if e.unit and e.status is Status.FAILED_TO_RUN]
    for evidence in failed:
        typer.echo(f"failed: {evidence.attack} by {evidence.attacker}: {evidence.result.reason}")
    if not assessment.complete:
        typer.echo(f"not finished in this time; continue with: {current_command()}")
    typer.echo(f"details: {shell_command('show', output)}")
    typer.echo(f"report: {output / 'report.html'}")
    typer.echo(f"next: {shell_command('verify', output)}")
