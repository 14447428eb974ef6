"""`goalkeeper run`: play, rate, report; resumes the same folder."""

from __future__ import annotations

import os
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goalkeeper.cli.common import (
    AsJson,
    AttackerNames,
    AttackNames,
    File,
    Only,
    Seed,
    Settings,
    again,
    choice,
    console,
    context,
    quiet,
    session,
    typed,
)
from goalkeeper.cli.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Callable

    from goalkeeper.assessing import Session
    from goalkeeper.compute.executor import Executor
    from goalkeeper.core.assessment import Assessment
    from goalkeeper.core.evidence import Played


class FailOn(StrEnum):
    """What makes the exit code 1."""

    NOT_MET = "not-met"
    INCONCLUSIVE = "inconclusive"
    NEVER = "never"


def run(
    file: File,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Run folder; the same folder resumes.")
    ] = Path("goalkeeper-run"),
    only: Only = None,
    attacker: AttackerNames = None,
    attack: AttackNames = None,
    settings: Settings = None,
    seed: Seed = 0,
    jobs: Annotated[
        int, typer.Option("--jobs", help="Worker processes; default: one a core.", min=0)
    ] = 0,
    limit: Annotated[
        str, typer.Option("--time", help="Start no new play after this long, e.g. 10m.")
    ] = "",
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="What makes the exit code 1.")
    ] = FailOn.NOT_MET,
    as_json: AsJson = False,
) -> None:
    """Play every planned attack, rate the goals and write the report.

    An interrupted run is resumed by the same command: what was played is kept.
    """
    from goalkeeper.compute.store import RunFolder

    seconds = _seconds(limit)
    try:
        ready = session(file, seed, choice(only, attacker, attack, settings), folder=output)
        with RunFolder(output).locked():
            _freeze(ready, file)
            with quiet():
                assessment = _play(ready, _executor(ready, jobs), seconds, silent=as_json)
            _write(ready, assessment, file)
    except KeyboardInterrupt:
        kept = len(list((output / "units").glob("*.json")))
        typer.echo(f"\ninterrupted: {kept} plays are kept. Resume with: {again()}", err=True)
        raise typer.Exit(Exit.INTERRUPTED) from None
    if as_json:
        typer.echo(assessment.to_json(), nl=False)
    else:
        _tell(assessment, ready, file, output)
    raise typer.Exit(exit_code(assessment, fail_on))


def exit_code(assessment: Assessment, fail_on: FailOn = FailOn.NOT_MET) -> Exit:
    """Choose the strongest exit code that applies."""
    from goalkeeper.core.assessment import Verdict
    from goalkeeper.core.evidence import Status

    played = [e for e in assessment.evidence if e.unit]
    if any(e.status is Status.FAILED_TO_RUN for e in played):
        return Exit.FAILED
    if not played:
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


def _executor(ready: Session, jobs: int) -> Executor:
    from goalkeeper.compute.executor import InlineExecutor, LocalExecutor

    slots = jobs or os.cpu_count() or 1
    if slots == 1 or len(ready.plan.units) < 2:
        return InlineExecutor()
    return LocalExecutor(slots, preload=("goalkeeper.assessing", "goalkeeper.describe"))


def _play(ready: Session, executor: Executor, limit: float | None, *, silent: bool) -> Assessment:
    from goalkeeper.assessing import conclude, now, play_missing, stored

    started, begin = now(), time.monotonic()
    played = stored(ready)
    advance = _progress(ready, played, silent=silent)
    late = (lambda: time.monotonic() - begin > limit) if limit else (lambda: False)
    for unit, result in play_missing(ready, executor, played, stop=late):
        played[unit.id] = result
        advance(unit.id, result)
    return conclude(ready, played, started=started)


def _freeze(ready: Session, file: Path) -> None:
    """Write down what will be played, under which rules, before anything is."""
    import hashlib
    import json

    from goalkeeper.assessing import environment, tool_version

    folder = ready.folder
    assert folder is not None and ready.description is not None  # noqa: S101, PT018
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
        "plan_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "plan": rows,
        "environment": environment(),
    }
    folder.write("run.json", json.dumps(frozen, indent=1) + "\n")
    for name, content in ready.policy.files.items():
        folder.write(f"policy/{name}", content)


def _progress(
    ready: Session, played: dict[str, Played], *, silent: bool
) -> Callable[[str, Played], None]:
    """Return what is called after every play: one line each, with the time that is left."""
    from goalkeeper.estimate import measure

    units = {u.id: u for u in ready.plan.units}
    missing = [u for u in units.values() if u.id not in played]
    pace = measure(ready.app, train=any(u.estimate.models for u in missing))
    weight = {u.id: pace.seconds(u) for u in missing}
    begin = time.monotonic()
    done: list[str] = []
    if played and not silent:
        typer.echo(f"resuming: {len(played)} of {len(units)} plays are already there", err=True)
    if missing and not silent:
        total = sum(weight.values())
        typer.echo(f"{len(missing)} plays, about {total:.0f} s of computing", err=True)

    def advance(unit: str, result: Played) -> None:
        done.append(unit)
        share = sum(weight[u] for u in done) / sum(weight.values())
        left = (time.monotonic() - begin) * (1 - share) / share
        name = f"{units[unit].attack} / {units[unit].round.task.name}"
        if not silent:
            typer.echo(
                f"[{len(done)}/{len(missing)}] {name}: {result.status.value.replace('_', ' ')}"
                f"{' - ' + result.summary if result.summary else ''} (about {left:.0f} s left)",
                err=True,
            )

    return advance


def _write(ready: Session, assessment: Assessment, file: Path) -> None:
    from goalkeeper.report import render_html

    folder = ready.folder
    assert folder is not None  # noqa: S101
    folder.write("assessment.json", assessment.to_json())
    about = context(ready.policy, file=str(file), person=ready.app.person or "")
    folder.write("report.html", render_html(assessment, about))
    folder.seal()


def _tell(assessment: Assessment, ready: Session, file: Path, output: Path) -> None:
    from goalkeeper.report import render_terminal

    person = ready.app.person or ""
    render_terminal(assessment, console(), context(ready.policy, file=str(file), person=person))
    failed = [e for e in assessment.evidence if e.played.traceback]
    for evidence in failed:
        typer.echo(f"failed: {evidence.attack} by {evidence.attacker}: {evidence.played.reason}")
    if not assessment.complete:
        typer.echo("not everything was played; the same command goes on where this one stopped")
    typer.echo(f"report: {output / 'report.html'}")
    typer.echo(f"next: {typed('verify', output)}")


def _seconds(text: str) -> float | None:
    """Read a time such as 90, 45s, 10m or 2h; raises DescriptionError."""
    from goalkeeper.core.errors import DescriptionError

    if not text:
        return None
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = (text[:-1], text[-1]) if text[-1] in units else (text, "s")
    try:
        seconds = float(number) * units[unit]
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise DescriptionError(
            "the time is not understood", key="--time", expected="e.g. 90s, 10m, 2h", given=text
        )
    return seconds
