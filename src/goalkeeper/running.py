"""Run: take the plays that are kept, have the missing ones played, and keep them."""

from __future__ import annotations

import hashlib
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from goalkeeper.assessing import Session
from goalkeeper.compute.executor import Executor, Job, Outcome, Shared
from goalkeeper.compute.store import About
from goalkeeper.compute.threads import one_thread
from goalkeeper.core.application import Application
from goalkeeper.core.errors import StoreError
from goalkeeper.core.evidence import AttackResult, Status
from goalkeeper.core.power import View
from goalkeeper.planning import Unit

PROBES = 64  # inputs that the model is asked about, to know it again
DIGITS = 6


def stored(session: Session) -> dict[str, AttackResult]:
    """Return the plays of this plan that the folder already holds (failed ones do not count)."""
    if session.folder is None:
        return {}
    found = {unit.id: session.folder.load(unit.id) for unit in session.plan.units}
    return {
        unit: result
        for unit, result in found.items()
        if result is not None and result.status is not Status.FAILED_TO_RUN
    }


def recalled(session: Session, have: Mapping[str, AttackResult]) -> dict[str, AttackResult]:
    """Take from the store what the folder does not hold, and put it there, marked as reused."""
    if session.store is None:
        return {}
    found, key = {}, _key(session)
    for unit in session.plan.units:
        result = None if unit.id in have else session.store.get(key(unit))
        if result is not None:
            cost = result.cost.model_copy(update={"reused": True})
            found[unit.id] = result.model_copy(update={"cost": cost})
            if session.folder is not None:
                session.folder.save(unit.id, found[unit.id])
    return found


def run_missing(
    session: Session,
    executor: Executor,
    have: Mapping[str, AttackResult],
    *,
    stop: Callable[[], bool] = lambda: False,
    warn: Callable[[str], None] = warnings.warn,
) -> Iterator[tuple[Unit, AttackResult]]:
    """Play what is not there yet; each result is kept before it is yielded.

    `stop` is asked first and after every play; when it says True, what is missing is left. A store
    that cannot be written is told to `warn` and done without: the folder has what was played.
    """
    missing = {u.id: u for u in session.plan.units if u.id not in have}
    if not missing or stop():
        return
    store, key = session.store, _key(session)
    for outcome in executor.run(_jobs(session, missing.values())):
        unit, result = missing[outcome.id], _result(outcome)
        if session.folder is not None:
            session.folder.save(unit.id, result)
        about = About(application=session.app.name, attack=unit.attack)
        try:
            if store is not None:
                store.put(key(unit), result, about)
        except StoreError as error:
            warn(f"nothing more is put into the store: {error}")
            store = None
        yield unit, result
        if stop():
            return


def _result(outcome: Outcome) -> AttackResult:
    if outcome.status == "ok":
        return AttackResult.model_validate_json(outcome.value)
    last = outcome.error.strip().splitlines()[-1] if outcome.error else outcome.status
    trace = outcome.error if outcome.status == "error" else ""
    return AttackResult(status=Status.FAILED_TO_RUN, reason=last, traceback=trace)


def _jobs(session: Session, units: Iterable[Unit]) -> list[Job]:
    """Make a job of each unit; a worker loads the session once, this process has it already."""
    params = {
        "description": str(session.description),
        "seed": session.seed,
        "choice": session.plan.choice,
        "means": session.app.means,
    }
    shared = Shared(call="goalkeeper.assessing:load_session", params=params, value=session)
    call = "goalkeeper.assessing:run_unit"
    return [Job(id=u.id, call=call, params={"unit": u.id}, shared=shared) for u in units]


# ---- under which key the store has a play --------------------------------------------------------


def _key(session: Session) -> Callable[[Unit], str]:
    """Return what gives the key of a unit.

    A unit's id has the hash of each file that the description names. The store outlives the
    folder, so it also asks what these files import from beside them, and what the model answers.
    """
    if session.store is None:
        return lambda unit: unit.id
    behaviour = f"{_imported(session.description)} {_answers(session.app)}"
    digest = hashlib.sha256(behaviour.encode()).hexdigest()
    return lambda unit: f"{unit.id} {digest}"


def _imported(description: Path | None) -> str:
    """Hash the Python files beside the description that are loaded now."""
    if description is None:
        return ""
    folder, found = description.parent.resolve(), {}
    for module in list(sys.modules.values()):
        path = Path(getattr(module, "__file__", None) or ".").resolve()
        if folder in path.parents and "site-packages" not in path.parts and path.is_file():
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()


def _answers(app: Application) -> str:
    """Hash what the model answers to some inputs; scores to six digits."""
    view = min(app.target.offers, View.SCORES)
    with one_thread():
        answers = app.target.answer(app.data.holdout.x[:PROBES], view)
    labels = np.ascontiguousarray(answers.labels).tobytes()
    scores = b"" if view is not View.SCORES else (np.round(answers.scores, DIGITS) + 0.0).tobytes()
    return hashlib.sha256(labels + scores).hexdigest()
