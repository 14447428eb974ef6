"""Units: the same assessment whoever computes it, and nothing run that was run before."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from goalkeeper.assessing import Session, conclude, prepare
from goalkeeper.compute.dask import DaskExecutor, cluster
from goalkeeper.compute.executor import Executor, Job, Limits, Outcome
from goalkeeper.compute.folder import RunFolder
from goalkeeper.compute.inline import InlineExecutor
from goalkeeper.compute.local import LocalExecutor
from goalkeeper.compute.store import Store
from goalkeeper.core.errors import StoreError
from goalkeeper.core.evidence import AttackResult, Status
from goalkeeper.core.goals import Goal
from goalkeeper.describe import load
from goalkeeper.planning import Choice
from goalkeeper.report.detail import spent
from goalkeeper.running.units import load_finished, recall, run_pending
from tests.cli.running import timeless
from tests.describe.writing import write_text_app

FEW = Choice(
    attacks=("good_words_blind", "malformed_inputs", "loss_threshold", "label_flips", "word_edits")
)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    return write_text_app(folder)


def session(path: Path, choice: Choice = FEW, **kept: Any) -> Session:
    return replace(prepare(load(path), choice=choice, description=path), **kept)


def result_of(ready: Session, executor: Executor) -> dict[str, AttackResult]:
    return {unit.id: result for unit, result in run_pending(ready, executor, {})}


def told(ready: Session, found: dict[str, AttackResult]) -> dict[str, Any]:
    return timeless(json.loads(conclude(ready, found, started="").to_json()))


class Counting:
    """An executor in this process that counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def run(self, jobs: Iterable[Job | None]) -> Iterator[Outcome]:
        for outcome in InlineExecutor().run(jobs):
            self.asked.append(outcome.id)
            yield outcome


# ---- whoever computes ----------------------------------------------------------------------------


def test_every_executor_gives_the_same_assessment(app: Path) -> None:
    ready = session(app)
    assert len(ready.plan.units) >= 5
    alone = told(ready, result_of(ready, InlineExecutor()))
    assert alone == told(ready, result_of(ready, LocalExecutor(2)))
    with cluster(2) as address:
        assert alone == told(ready, result_of(ready, DaskExecutor(address)))
    tested = [e for e in alone["evidence"] if e["result"]["status"] == Status.TESTED]
    assert tested, "an assessment in which nothing was tested shows nothing"


SLOW = """
import os
import time
from pathlib import Path

def build(x, y, seed):
    return answer

def answer(x):
    time.sleep(0.005 if Path(__file__).with_name("slowly").exists() else 0)
    with Path(__file__).with_name("asked.txt").open("a") as file:
        file.write(f"{os.getpid()}\\n")
    return [int("offer" in text) for text in x]
"""


def test_a_worker_killed_in_a_run_changes_nothing(app: Path) -> None:
    """Two units go on when one worker is killed: its own is repeated, the other's is not."""
    (app.parent / "filter.py").write_text(SLOW)
    choice = Choice(attacks=("good_words_blind", "malformed_inputs"), attackers=("outsider",))
    ready = session(app, choice)
    assert len(ready.plan.units) >= 3
    alone = told(ready, result_of(ready, InlineExecutor()))
    log = app.parent / "asked.txt"
    log.unlink()
    (app.parent / "slowly").touch()

    def kill() -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if log.exists() and (pids := log.read_text().split()):
                os.kill(int(pids[-1]), signal.SIGKILL)
                return
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    found = result_of(ready, LocalExecutor(2))
    killer.join()
    assert len(set(log.read_text().split())) == 3, "two workers, and one in place of the killed"
    assert told(ready, found) == alone


def test_a_unit_over_its_limit_failed_to_run_and_the_rest_went_on(app: Path) -> None:
    (app.parent / "filter.py").write_text(
        "import time\n"
        "def build(x, y, seed):\n    return answer\n"
        "def answer(x):\n"
        "    time.sleep(60 if any(not text.strip() for text in x) else 0)\n"
        "    return [int('offer' in text) for text in x]\n"
    )
    choice = Choice(
        attacks=("good_words_blind", "malformed_inputs"),
        attackers=("outsider",),
        goals=(Goal.INTEGRITY,),
    )
    ready = session(app, choice)
    list(LocalExecutor(1).run([Job(id="0", call="goalkeeper.testing.jobs:process")]))  # imported
    results = result_of(ready, LocalExecutor(2, limits=Limits(seconds=15)))
    by = {unit.attack: results[unit.id] for unit in ready.plan.units}
    assert by["malformed_inputs"].status is Status.FAILED_TO_RUN
    assert "took longer than the 15 s" in by["malformed_inputs"].reason
    assert by["good_words_blind"].status is not Status.FAILED_TO_RUN


# ---- what is kept --------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_another_run_takes_from_the_store_what_one_has_played(
    app: Path, store: Store, tmp_path: Path
) -> None:
    first = session(app, folder=RunFolder(tmp_path / "one"), store=store)
    mine = result_of(first, InlineExecutor())
    second = session(app, folder=RunFolder(tmp_path / "two"), store=store)
    taken = recall(second, load_finished(second))
    assert set(taken) == set(mine)
    assert told(first, mine) == told(second, {k: unmarked(v) for k, v in taken.items()})
    assert load_finished(second) == taken, "the folder has them, too"
    assert recall(second, load_finished(second)) == {}
    again = Counting()
    assert list(run_pending(second, again, taken)) == []
    assert again.asked == []


def unmarked(result: AttackResult) -> AttackResult:
    assert result.cost.reused
    return result.model_copy(update={"cost": result.cost.model_copy(update={"reused": False})})


def test_the_report_says_that_times_are_of_an_earlier_run(app: Path, store: Store) -> None:
    ready = session(app, store=store)
    fresh, taken = result_of(ready, InlineExecutor()), recall(ready, {})

    def says(found: dict[str, AttackResult]) -> str:
        evidence = next(e for e in conclude(ready, found, started="").evidence if e.unit)
        return next(fact.value for fact in spent(evidence) if fact.label == "Computing")

    assert "earlier run" in says(taken)
    assert "earlier run" not in says(fresh)
    assert says(taken).startswith(says(fresh))


@pytest.mark.parametrize("changed", ["helper", "file it reads", "goalkeeper"])
def test_what_the_description_does_not_name_can_change_too(
    changed: str, app: Path, tmp_path: Path
) -> None:
    """The unit's id is the same, the play is not: the store must not serve it."""
    beside = app.parent
    (beside / "filter.py").write_text(
        "from pathlib import Path\n"
        "from helper_of_filter import word\n"
        "def build(x, y, seed):\n    return answer\n"
        "def answer(x):\n"
        "    words = [word, Path(__file__).with_name('words.txt').read_text()]\n"
        "    return [int(any(w in text for w in words)) for text in x]\n"
    )
    (beside / "helper_of_filter.py").write_text("word = 'offer'\n")
    (beside / "words.txt").write_text("click")
    store = Store(tmp_path / "store", digest="v1")
    choice = Choice(attacks=("good_words_blind",))
    first = session(app, choice, store=store)
    units = set(result_of(first, InlineExecutor()))
    assert set(recall(session(app, choice, store=store), {})) == units
    if changed == "helper":
        (beside / "helper_of_filter.py").write_text("word = 'offer'  # as before, or not\n")
    elif changed == "file it reads":
        (beside / "words.txt").write_text("lunch")
    else:
        store = Store(store.root, digest="v2")
    second = session(app, choice, store=store)
    assert {unit.id for unit in second.plan.units} == units
    assert recall(second, {}) == {}


def test_failed_plays_are_played_again(app: Path, store: Store, tmp_path: Path) -> None:
    ready = session(app, folder=RunFolder(tmp_path / "one"), store=store)

    class Failing:
        def run(self, jobs: Iterable[Job | None]) -> Iterator[Outcome]:
            for job in filter(None, jobs):
                yield Outcome(id=job.id, status="stopped", error="took too long")

    found = result_of(ready, Failing())
    assert {p.reason for p in found.values()} == {"took too long"}
    assert recall(ready, {}) == {}
    assert load_finished(ready) == {}


def test_a_store_that_cannot_be_written_is_told_once_and_loses_nothing(
    app: Path, tmp_path: Path
) -> None:
    class Full(Store):
        def put(self, *_: object) -> None:
            raise StoreError("the disk is full")

    folder = RunFolder(tmp_path / "one")
    ready = session(app, folder=folder, store=Full(tmp_path / "store"))
    said: list[str] = []
    found = {u.id: p for u, p in run_pending(ready, InlineExecutor(), {}, warn=said.append)}
    assert set(load_finished(ready)) == {u.id for u in ready.plan.units} == set(found)
    assert said == ["nothing more is put into the store: the disk is full"]
