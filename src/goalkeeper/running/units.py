"""The units of a run: take the results that are kept, run what is missing, and keep that."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping

from goalkeeper.assessing import Session
from goalkeeper.compute.executor import UNLIMITED, Executor, Job, Outcome, Shared
from goalkeeper.compute.store import About
from goalkeeper.core.errors import StoreError
from goalkeeper.core.evidence import AttackResult, Status
from goalkeeper.planning import Unit
from goalkeeper.running.keys import store_key


def load_finished(session: Session) -> dict[str, AttackResult]:
    """Return the results of this plan that the folder holds, but for those that are to run again.

    These are the failed ones, and what the time limit ended early.
    """
    return {unit: result for unit, result in _load(session).items() if not _runs_again(result)}


def load_unfinished(session: Session) -> dict[str, AttackResult]:
    """Return the results that are to run again; what does not come to it keeps them."""
    return {unit: result for unit, result in _load(session).items() if _runs_again(result)}


def _load(session: Session) -> dict[str, AttackResult]:
    if session.folder is None:
        return {}
    found = ((unit.id, session.folder.load(unit.id)) for unit in session.plan.looks)
    return {unit: result for unit, result in found if result is not None}


def _runs_again(result: AttackResult) -> bool:
    return result.status is Status.FAILED_TO_RUN or result.limited


def recall(session: Session, have: Mapping[str, AttackResult]) -> dict[str, AttackResult]:
    """Take from the store what is needed and the folder lacks, and put it there, as reused."""
    if session.store is None:
        return {}
    found, key = {}, store_key(session)
    for unit in session.plan.looks:
        result = None if unit.id in have else session.store.get(key(unit))
        if result is not None:
            cost = result.cost.model_copy(update={"reused": True})
            found[unit.id] = result.model_copy(update={"cost": cost})
    counted = session.agenda.follow({**found, **have}).counted
    needed = {unit: result for unit, result in found.items() if unit in counted}
    if session.folder is not None:
        for name, kept in needed.items():
            session.folder.save(name, kept)
    return needed


def run_pending(
    session: Session,
    executor: Executor,
    results: dict[str, AttackResult],
    *,
    deadline: float = UNLIMITED,
    expect: Callable[[Unit], float] = lambda _: 0.0,
    warn: Callable[[str], None] = warnings.warn,
) -> Iterator[tuple[Unit, AttackResult]]:
    """Run what is pending on the agenda; each result is kept before it is yielded.

    Results are added to `results`, which decides what is run next. Nothing is begun after the
    `deadline` (seconds since 1970), and what is under way then is ended; `expect` gives the
    seconds that a unit is expected to take, for the reason of what was ended. `warn` gets a
    message when the store cannot be written; the run then continues without a store, because the
    folder has every result.
    """
    looks = {unit.id: unit for unit in session.plan.looks}
    store, key = session.store, store_key(session)
    for outcome in executor.run(_pull_jobs(session, results, deadline, expect)):
        if outcome.limited:  # it says nothing of the attack run, which stays pending
            continue
        unit, result = looks[outcome.id], _read_result(outcome)
        if session.folder is not None:
            session.folder.save(unit.id, result)
        about = About(application=session.app.name, attack=unit.attack)
        try:
            if store is not None:
                store.put(key(unit), result, about)
        except StoreError as error:
            warn(f"nothing more is put into the store: {error}")
            store = None
        results[unit.id] = result
        yield unit, result


def _pull_jobs(
    session: Session,
    results: Mapping[str, AttackResult],
    deadline: float,
    expect: Callable[[Unit], float],
) -> Iterator[Job | None]:
    """Yield the next pending look as long as there is one; None while results may change that."""
    make_job, begun = _job_maker(session, deadline, expect), set[str]()
    while time.time() < deadline:
        pending = session.agenda.follow(results).pending
        ready = [unit for unit in pending if unit.id not in begun]
        if ready:
            begun.add(ready[0].id)
            yield make_job(ready[0])
        elif begun <= results.keys():
            return
        else:
            yield None


def _read_result(outcome: Outcome) -> AttackResult:
    if outcome.status == "ok":
        return AttackResult.model_validate_json(outcome.value)
    last = outcome.error.strip().splitlines()[-1] if outcome.error else outcome.status
    trace = outcome.error if outcome.status == "error" else ""
    return AttackResult(status=Status.FAILED_TO_RUN, reason=last, traceback=trace)


def _job_maker(
    session: Session, deadline: float, expect: Callable[[Unit], float]
) -> Callable[[Unit], Job]:
    """Return what makes the job of a unit; a worker loads the session once, this process has it."""
    params = {
        "description": str(session.description),
        "seed": session.seed,
        "choice": session.plan.choice,
        "compute": session.app.compute,
    }
    shared = Shared(call="goalkeeper.assessing:load_session", params=params, value=session)
    call = "goalkeeper.assessing:run_unit"
    return lambda unit: Job(
        id=unit.id,
        call=call,
        params={"unit": unit.id, "deadline": deadline, "expected": expect(unit)},
        shared=shared,
        group=f"{unit.attack} {unit.run.task.name}",
    )
