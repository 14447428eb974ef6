"""Run an application in a folder: freeze the plan, run what is missing, rate and write."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import isfinite
from pathlib import Path

from goalkeeper.assessing import (
    Session,
    baseline,
    conclude,
    load_session,
    now,
    prepare,
    with_fit,
)
from goalkeeper.compute import patience
from goalkeeper.compute.executor import Execution
from goalkeeper.compute.executors import make
from goalkeeper.compute.folder import SERVICE, SIGNATURE, RunFolder
from goalkeeper.compute.store import Store
from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Assessment
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.deadline import format_duration, time_limit
from goalkeeper.core.errors import DescriptionError, StoreError, TimeIsUp
from goalkeeper.core.noticeboard import BOARD
from goalkeeper.estimate import OperationTimes, estimate_service
from goalkeeper.planning import Choice
from goalkeeper.running.keys import PROBES, hash_answers
from goalkeeper.running.options import (
    Finished,
    Measured,
    RunOptions,
    Sizing,
    Started,
    Warned,
)
from goalkeeper.running.record import freeze, write_assessment
from goalkeeper.running.sizing import settle_effort
from goalkeeper.running.units import load_finished, load_unfinished, recall, run_pending

HAND_IN = 5.0  # seconds before the limit at which attack runs begin to hand in what they have
WATCHED = 5.0  # seconds that loading has to end by itself before it is ended from outside
CHANGED = 32  # inputs that a service is asked again when a run is resumed
PRELOAD = ("goalkeeper.assessing", "goalkeeper.describe")  # what every worker needs


def run(
    application: Application | Path | str,
    folder: Path | str,
    *,
    seed: int = 0,
    choice: Choice | None = None,
    options: RunOptions | None = None,
) -> Assessment:
    """Run every planned attack and keep the results in a folder, as `goalkeeper run` does.

    Every result is written as soon as it is there. Whatever stopped a run, the same call resumes
    it, and does not repeat an attack run whose result the folder holds.

    An application file is loaded by each worker. An Application made in Python cannot be loaded
    by another process, so that it runs in this one. What it is made of is known by its data, its
    declarations, the recipes of its trainers and its answers to a few inputs: if one of these has
    changed, nothing of the old application is taken for the new one, and everything runs again.
    Code that leaves them all as they are, such as another training under the name of the same
    recipe, is not noticed: use another folder.

    Parameters
    ----------
    application
        An application file (YAML), or an Application.
    folder
        The run folder. `goalkeeper show`, `report` and `verify` read it.
    seed
        Same seed, same evidence (but for measured times).
    choice
        Goals, attackers, attacks and settings to keep to; everything if left out.
    options
        Executor, store, device, time and progress.

    Raises
    ------
    DescriptionError
        The file or an option says something that cannot be used, or loading took longer than all
        of the time limit.
    StoreError
        The folder cannot be used: it holds something else, another process runs in it, or it
        holds a run and `resume` is off.
    """
    options, choice = options or RunOptions(), choice or Choice()
    options = replace(options, execution=_choose_execution(application, options.execution))
    kept = RunFolder(Path(folder))
    with _in_time(options.sizing):
        session = _prepare(application, seed, choice, options, kept)
        session = _measure(session, options)
    session = replace(session, folder=kept, store=open_store(application, options))
    with kept.locked():
        if not options.resume and kept.has("run.json"):
            raise StoreError(f"{kept.root} holds a run already; resume it, or choose a new folder")
        _warn_of_folder(kept, options)
        _warn_of_service(session, options)
        session, measure_times = settle_effort(session, options.sizing)
        freeze(session, kept)
        assessment = _run_units(session, options, measure_times)
        write_assessment(session, kept, assessment)
    return assessment


@contextmanager
def _in_time(sizing: Sizing) -> Iterator[None]:
    """Give up loading and planning that go on well past the time limit of the run.

    Trainings and the user's code look at the time themselves. What does not, such as one long
    training of a library, is ended by the process that watches this one, if there is one.
    """
    if not isfinite(sizing.limit):
        yield
        return
    BOARD.expire(sizing.latest_start + WATCHED)
    try:
        with time_limit(sizing.latest_start, time.monotonic):
            yield
    except TimeIsUp as over:
        given = format_duration(sizing.limit)
        raise DescriptionError(
            patience.NOT_BEGUN, key="--time", given=given, advice=patience.MORE_TIME
        ) from over
    finally:
        BOARD.expire(0.0)


def _measure(session: Session, options: RunOptions) -> Session:
    """Measure how well the model fits its data, and report it."""
    session = with_fit(session)
    if session.fit is not None:
        options.progress(Measured(fit=session.fit))
    return session


def _warn_of_folder(folder: RunFolder, options: RunOptions) -> None:
    """Close the folder of an older goalkeeper to others, and tell what becomes of a signature."""
    if folder.close_to_others():
        text = (
            f"{folder.root} was open to other users; now only you have access (modes 700 and 600)"
        )
        options.progress(Warned(text=text))
    if folder.has(SIGNATURE):
        text = f"the signature of {folder.root} ends with this run; sign it again afterwards"
        options.progress(Warned(text=text))


def _warn_of_service(session: Session, options: RunOptions) -> None:
    """Warn where a service does not answer as it did when the folder was begun."""
    count_changed = getattr(session.app.target, "count_changed", None)
    if count_changed is None or session.folder is None or not session.folder.has("run.json"):
        return
    changed, asked = count_changed(session.app.data.holdout.x[:CHANGED])
    if changed:
        options.progress(
            Warned(
                text=f"the service gives another class to {changed} of {asked} inputs than by the "
                f"answers kept in {session.folder.root}; if its model was changed, use a new folder"
            )
        )


def _run_units(
    session: Session, options: RunOptions, measure_times: Callable[[], OperationTimes]
) -> Assessment:
    started = now()
    session.app.once(baseline)  # now, so that a model that fails later does not take it away
    kept, unfinished = load_finished(session), load_unfinished(session)
    reused = recall(session, kept)
    results = kept | reused
    pending = session.agenda.follow(results).pending
    cost = estimate_service(session.app, pending)
    if cost is not None and cost.exceeds:
        options.progress(Warned(text=f"{cost.exceeds}; choose a smaller --effort, or raise it"))
    deadline = time.time() + options.sizing.left()
    execution = replace(options.execution, limits=replace(options.execution.limits, until=deadline))
    in_time = options.sizing.left() > HAND_IN  # else workers would start for nothing
    if pending and not in_time:
        spent = format_duration(time.monotonic() - options.sizing.begun)
        text = f"no time is left for any attack run: loading and measuring the model took {spent}"
        options.progress(Warned(text=text))
    executor = make(execution, len(pending) if in_time else 0)
    options.progress(
        Started(
            units=session.plan.units,
            pending=pending,
            kept=len(kept),
            reused=len(reused),
            measure_times=measure_times,
            workers=options.execution.workers,
            effort=session.plan.choice.effort,
            left=options.sizing.left(),
        )
    )
    warn = lambda text: options.progress(Warned(text=text))  # noqa: E731
    expect = lambda unit: measure_times().seconds(unit, unit.effort)  # noqa: E731
    if not isfinite(deadline):  # no reason will need it
        expect = lambda _: 0.0  # noqa: E731
    attackers = session.plan.attackers_by_unit()
    for unit, result in run_pending(
        session, executor, results, deadline=deadline - HAND_IN, expect=expect, warn=warn
    ):
        status = session.agenda.follow(results)
        who = attackers.get(unit.id, ())
        options.progress(Finished(unit=unit, result=result, status=status, attackers=who))
    return conclude(session, unfinished | results, started=started)


def _choose_execution(application: Application | Path | str, given: Execution) -> Execution:
    """Say how units run; raises DescriptionError for an Application in other processes."""
    if not isinstance(application, Application):
        return replace(given, preload=given.preload or PRELOAD)
    if given.scheduler or given.executor not in ("", "inline"):
        raise DescriptionError(
            "an Application made in Python runs in this process: no worker can load it",
            key="executor",
            expected="inline",
            given=given.scheduler or given.executor,
            advice="leave the executor out, or describe the application in a file",
        )
    return replace(given, executor="inline")


def _prepare(
    application: Application | Path | str,
    seed: int,
    choice: Choice,
    options: RunOptions,
    folder: RunFolder,
) -> Session:
    if isinstance(application, Application):
        return _prepare_in_python(application, seed, choice)
    return _load_described(application, seed, choice, options, folder)


def _load_described(
    file: Path | str, seed: int, choice: Choice, options: RunOptions, folder: RunFolder
) -> Session:
    execution, store = options.execution, open_store(file, options)
    compute = replace(
        options.compute or ComputeSettings(device="auto"),
        jobs=execution.slots if execution.executor == "inline" else 1,
        store=str(store.root) if store else "",
        service=str((folder.root / SERVICE).resolve()),
    )
    return replace(load_session(str(file), seed, choice, compute), file=str(file))


def _prepare_in_python(app: Application, seed: int, choice: Choice) -> Session:
    """Plan with the answers of the model among what identifies it: no file has a hash."""
    answers = {f"the answers to {PROBES} inputs": hash_answers(app)}
    return prepare(replace(app, hashes={**app.hashes, **answers}), seed=seed, choice=choice)


def open_store(application: Application | Path | str, options: RunOptions) -> Store | None:
    """Return the store that a run of this application uses; None: it uses none."""
    wanted = options.store
    if wanted is None:
        wanted = not isinstance(application, Application)
    if isinstance(wanted, bool):
        return Store() if wanted else None
    return Store(Path(wanted))
