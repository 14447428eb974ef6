"""`goalkeeper run`: run attacks, rate, report; resumes in the same folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goalkeeper.cli import options
from goalkeeper.cli.common import (
    AsJson,
    File,
    Seed,
    choice,
    console,
    context,
    current_command,
    quiet,
    session,
    shell_command,
)
from goalkeeper.cli.effort import EffortRequest, apply_effort, request_effort
from goalkeeper.cli.exits import Exit
from goalkeeper.cli.progress import Progress

if TYPE_CHECKING:
    from goalkeeper.assessing import Session
    from goalkeeper.compute.executor import Execution
    from goalkeeper.compute.folder import RunFolder
    from goalkeeper.compute.store import Store
    from goalkeeper.core.assessment import Assessment
    from goalkeeper.core.means import Means
    from goalkeeper.planning import Choice


class FailOn(StrEnum):
    """What makes the exit code 1."""

    NOT_MET = "not-met"
    INCONCLUSIVE = "inconclusive"
    NEVER = "never"


@options.option_groups(
    chosen=choice,
    execution=options.execution,
    means=options.means,
    wanted=request_effort,
    store=options.store,
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
    means: Means,
    wanted: EffortRequest,
    store: Store | None,
    fail_on: Annotated[
        FailOn,
        typer.Option(
            "--fail-on",
            help="Verdicts that give exit code 1: not-met, inconclusive (or not-met), never.",
        ),
    ] = FailOn.NOT_MET,
    as_json: AsJson = False,
) -> None:
    """Run every planned attack, rate the goals and write the report.

    The same command resumes an interrupted run; finished attack runs are kept. Results that an
    earlier run has already computed are taken from the store.
    """
    from goalkeeper.compute.folder import RunFolder

    with _resumable(output):
        folder = RunFolder(output)
        means = replace(
            means,
            jobs=execution.slots if execution.executor == "inline" else 1,
            store=str(store.root) if store else "",
        )
        ready = replace(session(file, seed, chosen, means), folder=folder, store=store)
        with folder.locked():
            with quiet():
                ready, pace = apply_effort(ready, wanted, execution.workers)
            _freeze(ready, folder, file)
            progress = Progress(ready, pace, execution.workers, silent=as_json)
            with quiet():
                assessment = _run(ready, execution, wanted, progress)
            _write(ready, folder, assessment, file)
    if as_json:
        typer.echo(assessment.to_json(), nl=False)
    else:
        _tell(assessment, ready, file, output)
    raise typer.Exit(exit_code(assessment, fail_on))


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


def exit_code(assessment: Assessment, fail_on: FailOn = FailOn.NOT_MET) -> Exit:
    """Choose the strongest exit code that applies."""
    from goalkeeper.core.assessment import Verdict
    from goalkeeper.core.evidence import Status

    result = [e for e in assessment.evidence if e.unit]
    if any(e.status is Status.FAILED_TO_RUN for e in result):
        return Exit.FAILED
    if not result:
        return Exit.NOTHING
    bad = {
        FailOn.NOT_MET: {Verdict.NOT_MET},
        FailOn.INCONCLUSIVE: {Verdict.NOT_MET, Verdict.INCONCLUSIVE},
        FailOn.NEVER: set[Verdict](),
    }[fail_on]
    verdicts = {rating.verdict for rating in assessment.goals.values()}
    if verdicts & bad:
        return Exit.NOT_MET
    if fail_on is FailOn.NEVER:
        return Exit.MET
    return Exit.INCONCLUSIVE if Verdict.INCONCLUSIVE in verdicts else Exit.MET


def _run(
    ready: Session, execution: Execution, wanted: EffortRequest, progress: Progress
) -> Assessment:
    from goalkeeper.assessing import conclude, now
    from goalkeeper.compute.executors import make
    from goalkeeper.running import recalled, run_missing, stored

    started = now()
    kept = stored(ready)
    taken = recalled(ready, kept)
    progress.have(len(kept), len(taken))
    results = kept | taken
    executor = make(execution, len(ready.plan.units) - len(results))
    progress.start(results, wanted.left())
    late = lambda: wanted.left() <= 0  # noqa: E731
    for unit, result in run_missing(ready, executor, results, stop=late, warn=progress.warn):
        results[unit.id] = result
        progress.advance(unit.id, result)
    return conclude(ready, results, started=started)


def _freeze(ready: Session, folder: RunFolder, file: Path) -> None:
    """Record the plan and the policy before the first attack run."""
    import hashlib
    import json

    from goalkeeper.assessing import environment, tool_version

    assert ready.description is not None  # noqa: S101 - it was read from there
    rows = [entry.row().model_dump(mode="json") for entry in ready.plan.entries]
    text = json.dumps(rows, sort_keys=True)
    frozen = {
        "tool": tool_version(),
        "application": ready.app.name,
        "fingerprint": ready.app.fingerprint,
        "file": str(file),
        "person": ready.app.person or "",
        "description": ready.description.read_text(encoding="utf-8"),
        "hashes": dict(ready.app.hashes),
        "policy": ready.policy.row().model_dump(),
        "seed": ready.seed,
        "effort": ready.plan.choice.effort,
        "plan_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "plan": rows,
        "environment": environment(),
    }
    folder.write("run.json", json.dumps(frozen, indent=1) + "\n")
    for name, content in ready.policy.files.items():
        folder.write(f"policy/{name}", content)


def _write(ready: Session, folder: RunFolder, assessment: Assessment, file: Path) -> None:
    from goalkeeper.report import render_html

    folder.write("assessment.json", assessment.to_json())
    about = context(ready.policy, file=str(file), person=ready.app.person or "")
    folder.write("report.html", render_html(assessment, about))
    folder.seal()


def _tell(assessment: Assessment, ready: Session, file: Path, output: Path) -> None:
    from goalkeeper.core.evidence import Status
    from goalkeeper.report import render_terminal

    person = ready.app.person or ""
    render_terminal(assessment, console(), context(ready.policy, file=str(file), person=person))
    failed = [e for e in assessment.evidence if e.unit and e.status is Status.FAILED_TO_RUN]
    for evidence in failed:
        typer.echo(f"failed: {evidence.attack} by {evidence.attacker}: {evidence.result.reason}")
    if not assessment.complete:
        typer.echo("some planned attacks were not run; the same command continues with them")
    typer.echo(f"report: {output / 'report.html'}")
    typer.echo(f"next: {shell_command('verify', output)}")
