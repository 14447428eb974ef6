"""The units of a run: take the results that are kept, run what is missing, and keep that."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping

from goalkeeper.assessing import Session
from goalkeeper.compute.executor import Executor, Job, Outcome, Shared
from goalkeeper.compute.store import About
from goalkeeper.core.errors import StoreError
from goalkeeper.core.evidence import AttackResult, Status
from goalkeeper.planning import Unit
from goalkeeper.running.keys import store_key


def load_finished(session: Session) -> dict[str, AttackResult]:
    """Return the results of this plan that the folder holds; failed ones do not count."""
    if session.folder is None:
        return {}
    found = {unit.id: session.folder.load(unit.id) for unit in session.plan.units}
    return {
        unit: result
        for unit, result in found.items()
        if result is not None and result.status is not Status.FAILED_TO_RUN
    }


def recall(session: Session, have: Mapping[str, AttackResult]) -> dict[str, AttackResult]:
    """Take from the store what the folder does not hold, and put it there, marked as reused."""
    if session.store is None:
        return {}
    found, key = {}, store_key(session)
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
    """Run what is not there yet; each result is kept before it is yielded.

    `stop` is called first and after every unit; once it returns True, the missing units are left
    out. `warn` gets a message when the store cannot be written; the run then continues without a
    store, because the folder has every result.
    """
    missing = {u.id: u for u in session.plan.units if u.id not in have}
    if not missing or stop():
        return
    store, key = session.store, store_key(session)
    for outcome in executor.run(_make_jobs(session, missing.values())):
        unit, result = missing[outcome.id], _read_result(outcome)
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


def _read_result(outcome: Outcome) -> AttackResult:
    if outcome.status == "ok":
        return AttackResult.model_validate_json(outcome.value)
    last = outcome.error.strip().splitlines()[-1] if outcome.error else outcome.status
    trace = outcome.error if outcome.status == "error" else ""
    return AttackResult(status=Status.FAILED_TO_RUN, reason=last, traceback=trace)


def _make_jobs(session: Session, units: Iterable[Unit]) -> list[Job]:
    """Make a job of each unit; a worker loads the session once, this process has it already."""
    params = {
        "description": str(session.description),
        "seed": session.seed,
        "choice": session.plan.choice,
        "compute": session.app.compute,
    }
    shared = Shared(call="goalkeeper.assessing:load_session", params=params, value=session)
    call = "goalkeeper.assessing:run_unit"
    return [Job(id=u.id, call=call, params={"unit": u.id}, shared=shared) for u in units]
