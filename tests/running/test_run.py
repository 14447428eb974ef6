"""`gk.run`: what the command line writes, from Python; interrupted, resumed, never mixed up."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import goalkeeper as gk
from goalkeeper.compute.folder import UNUSED, RunFolder
from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import Inputs
from goalkeeper.core.deadline import check_time
from goalkeeper.core.errors import DescriptionError, StoreError
from goalkeeper.core.evidence import AttackResult, Status
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.core.power import View
from goalkeeper.planning import Unit
from goalkeeper.running import Finished, Sizing, Started, Warned
from goalkeeper.running.options import Event, warn_only
from goalkeeper.scheduling import RunStatus
from goalkeeper.verification import verify
from tests.attacks.membership.gaussian import application
from tests.cli.inline import inline
from tests.cli.running import timeless
from tests.describe.writing import write_text_app

FEW = gk.Choice(attacks=("good_words_blind", "malformed_inputs"))
WORDS = ("--attack", "good_words_blind", "--attack", "malformed_inputs")
INLINE = gk.Execution(executor="inline")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    return write_text_app(folder)


def options(events: list[Event] | None = None, **more: Any) -> gk.RunOptions:
    given: dict[str, Any] = {"execution": INLINE, "store": False} | more
    return gk.RunOptions(progress=(list[Event]() if events is None else events).append, **given)


def started(events: list[Event]) -> Started:
    (event,) = [event for event in events if isinstance(event, Started)]
    return event


def units(folder: Path) -> dict[str, int]:
    """Tell when each unit was written."""
    found = (p for place in ("units", UNUSED) for p in (folder / place).glob("*.json"))
    return {p.name: p.stat().st_mtime_ns for p in found}


# ---- an application file -------------------------------------------------------------------------


def test_python_writes_what_the_command_line_writes(file: Path, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "python", tmp_path / "typed"
    assessment = gk.run(file, ours, seed=3, choice=FEW, options=options())
    done = inline("run", file, "-o", theirs, "--seed", "3", *WORDS, "--jobs", "1", "--no-store")
    assert done.code in {0, 1, 5}, done.err
    names = [sorted(p.relative_to(f).as_posix() for p in f.rglob("*")) for f in (ours, theirs)]
    assert names[0] == names[1]
    found = [json.loads((f / "assessment.json").read_text()) for f in (ours, theirs)]
    assert gk.Assessment.from_folder(ours) == assessment
    assert timeless(found[0]) == timeless(found[1])
    frozen = [json.loads((f / "run.json").read_text()) for f in (ours, theirs)]
    assert [f["environment"].pop("command") for f in frozen][1].startswith("goalkeeper run ")
    assert frozen[0] == frozen[1]
    assert verify(ours).problems == verify(theirs).problems == ()
    assert f"goalkeeper run {file}" in (ours / "report.html").read_text()


class Interrupting:
    """Presses Ctrl-C when the first unit has run."""

    def __call__(self, event: Event) -> None:
        if isinstance(event, Finished):
            raise KeyboardInterrupt


def test_an_interrupted_run_goes_on_with_the_same_call(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        gk.run(file, folder, choice=FEW, options=replace(options(), progress=Interrupting()))
    kept = units(folder)
    assert len(kept) == 1
    assert not (folder / "assessment.json").exists()
    events: list[Event] = []
    assessment = gk.run(file, folder, choice=FEW, options=options(events))
    begun = started(events)
    assert (begun.kept, begun.reused, len(begun.pending)) == (1, 0, len(begun.units) - 1)
    finished = [event.unit.id for event in events if isinstance(event, Finished)]
    assert finished == [unit.id for unit in begun.pending]
    assert {name: units(folder)[name] for name in kept} == kept
    assert assessment.complete
    assert verify(folder).problems == ()


def test_a_folder_that_holds_a_run_is_refused_on_request(file: Path, tmp_path: Path) -> None:
    gk.run(file, tmp_path / "run", choice=FEW, options=options(resume=False))
    before = units(tmp_path / "run")
    with pytest.raises(StoreError, match="holds a run already"):
        gk.run(file, tmp_path / "run", choice=FEW, options=options(resume=False))
    assert units(tmp_path / "run") == before


LOGGED = """
from pathlib import Path

def build(x, y, seed):
    with Path(__file__).with_name("built.txt").open("a") as file:
        file.write("built\\n")
    return answer

def answer(x):
    return [int("offer" in text) for text in x]
"""


@pytest.mark.parametrize(("executor", "loads"), [("inline", 0), ("local", 2)])
def test_each_process_loads_the_application_once(
    executor: str, loads: int, file: Path, tmp_path: Path
) -> None:
    """This process loads it to plan; the inline executor takes that, two workers load their own.

    Each load trains the model; attacks may do so, too, as often as in `gk.assess`.
    """
    (file.parent / "filter.py").write_text(LOGGED)
    log = file.parent / "built.txt"

    def built(work: Callable[[], object]) -> int:
        log.write_text("")
        work()
        return len(log.read_text().split())

    attacks = (*FEW.attacks, "dropped_answers", "flipped_answers", "good_words_from_labels")
    once = built(lambda: gk.load(file))
    in_memory = built(lambda: gk.assess(gk.load(file), attacks=attacks))
    events: list[Event] = []
    given = options(events, execution=gk.Execution(executor=executor, jobs=2))
    choice = gk.Choice(attacks=attacks)
    found = built(lambda: gk.run(file, tmp_path / "run", choice=choice, options=given))
    assert len(started(events).pending) > 3
    assert once > 0
    assert found - in_memory == loads * once


def test_runs_share_the_default_store_unless_told_otherwise(
    file: Path, tmp_path: Path, own_store: Path
) -> None:
    def reused(name: str, **given: Path | bool | None) -> bool:
        events: list[Event] = []
        gk.run(file, tmp_path / name, choice=FEW, options=options(events, **given))
        begun = started(events)
        assert begun.reused in (0, len(begun.units))
        return begun.reused > 0

    assert not reused("a", store=None)
    assert own_store.is_dir()
    assert reused("b", store=None)
    assert reused("c", store=True)
    assert not reused("d", store=False)
    assert not reused("e", store=tmp_path / "other")
    assert reused("f", store=tmp_path / "other")


# ---- how large samples are -----------------------------------------------------------------------


def test_the_effort_of_a_folder_is_kept_unless_another_is_asked_for(
    file: Path, tmp_path: Path
) -> None:
    def effort(choice: gk.Choice, **sizing: float) -> float:
        events: list[Event] = []
        given = options(events, sizing=Sizing(**sizing))
        gk.run(file, tmp_path / "run", choice=choice, options=given)
        return started(events).effort

    assert effort(FEW, effort=0.5) == 0.5
    assert effort(FEW) == 0.5
    assert effort(replace(FEW, effort=0.25)) == 0.25
    assert effort(FEW, effort=1.0) == 1.0
    with pytest.raises(DescriptionError, match="there is no such effort"):
        effort(FEW, effort=99.0)


def test_a_time_that_is_over_leaves_the_rest_for_later(file: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    given = options(events, sizing=Sizing(limit=1e-6))
    cut = gk.run(file, tmp_path / "run", choice=FEW, options=given)
    assert not cut.complete
    assert any("no time is left" in e.text for e in events if isinstance(e, Warned))
    assert {e.status for e in cut.evidence if e.unit} == {Status.NOT_TESTED}
    assert verify(tmp_path / "run").problems == ()
    assert gk.run(file, tmp_path / "run", choice=FEW, options=options()).complete


def test_loading_that_outlasts_the_limit_is_given_up(file: Path, tmp_path: Path) -> None:
    """A little beyond the limit it may still end, for a report of what is left; then not."""
    late = Sizing(limit=1.0, begun=time.monotonic() - 60.0)
    with pytest.raises(DescriptionError, match="longer than the whole time limit") as told:
        gk.run(file, tmp_path / "run", choice=FEW, options=options(sizing=late))
    assert "--time" in str(told.value)
    assert not (tmp_path / "run" / "run.json").exists()
    check_time()  # the limit is gone


# ---- an Application ------------------------------------------------------------------------------


class Shifted:
    """The same model, but for the class of a few inputs."""

    offers: View = View.SCORES

    def __init__(self, app: Application) -> None:
        self._target = app.target

    def answer(self, x: Inputs, view: View) -> Answers:
        answers = self._target.answer(x, view)
        labels = answers.labels.copy()
        labels[:3] = 1 - labels[:3]
        return Answers(labels, answers.scores if view >= View.SCORES else None)

    def parameters(self) -> Mapping[str, Any]:
        return self._target.parameters()

    def artefact(self) -> Path:
        return self._target.artefact()


@pytest.fixture(scope="module")
def app() -> Application:
    need = ProtectionNeed(goal=gk.Goal.PRIVACY, level=1)
    return replace(application(0, n=300), needs={gk.Goal.PRIVACY: need})


LOSS = gk.Choice(
    goals=(gk.Goal.PRIVACY,),
    attackers=("customer",),
    attacks=("loss_threshold", "label_robustness"),
)


def kept(app: Application, folder: Path, **more: Any) -> int:
    """Run an application, and tell how many results were taken from the folder or the store."""
    events: list[Event] = []
    assessment = gk.run(app, folder, choice=LOSS, options=options(events, **more))
    assert verify(folder).problems == ()
    assert assessment.complete
    begun = started(events)
    assert len(begun.units) >= 2
    return begun.kept + begun.reused


def test_an_application_made_in_python_runs_and_resumes(app: Application, tmp_path: Path) -> None:
    assert kept(app, tmp_path / "run") == 0
    before = units(tmp_path / "run")
    assert kept(app, tmp_path / "run") == len(before)
    assert units(tmp_path / "run") == before


def test_its_numbers_are_those_of_assess(app: Application, tmp_path: Path) -> None:
    written = gk.run(app, tmp_path / "run", choice=LOSS, options=options())
    goals = {"only": LOSS.goals, "attackers": LOSS.attackers, "attacks": LOSS.attacks}
    in_memory = gk.assess(app, **goals)  # type: ignore[arg-type]
    results = [
        [(e.id, e.result.summary, e.result.trials and e.result.trials[0].tally) for e in a.evidence]
        for a in (written, in_memory)
    ]
    assert results[0] == results[1]
    assert written.goals[gk.Goal.PRIVACY].verdict == in_memory.goals[gk.Goal.PRIVACY].verdict


CHANGES: dict[str, Callable[[Application], Application]] = {
    "answers": lambda app: replace(app, target=Shifted(app)),
    "data": lambda app: replace(
        app,
        data=replace(app.data, similar=app.data.similar.take(np.arange(90))),
    ),
    "declaration": lambda app: replace(app, membership_is_sensitive=True, name="another"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_nothing_of_a_changed_application_is_taken_for_the_new_one(
    what: str, app: Application, tmp_path: Path
) -> None:
    stored = tmp_path / "store"
    assert kept(app, tmp_path / "run", store=stored) == 0
    before = units(tmp_path / "run")
    assert kept(CHANGES[what](app), tmp_path / "run", store=stored) == 0
    now = units(tmp_path / "run")
    assert {name: now[name] for name in before} == before, "the old ones are not overwritten"
    assert kept(app, tmp_path / "run") == len(before), "they are taken again by the old one"


def test_its_results_go_to_a_store_that_is_named_only(
    app: Application, tmp_path: Path, own_store: Path
) -> None:
    assert kept(app, tmp_path / "a", store=None) == 0
    assert not own_store.exists()
    assert kept(app, tmp_path / "b", store=True) == 0
    assert kept(app, tmp_path / "c", store=True) > 0


@pytest.mark.parametrize(
    "execution",
    [gk.Execution(executor="local"), gk.Execution(scheduler="tcp://far:1")],
    ids=["local", "dask"],
)
def test_it_cannot_run_in_other_processes(
    execution: gk.Execution, app: Application, tmp_path: Path
) -> None:
    with pytest.raises(DescriptionError, match="no worker can load it"):
        gk.run(app, tmp_path / "run", options=options(execution=execution))
    assert not (tmp_path / "run").exists()


# ---- progress ------------------------------------------------------------------------------------


def test_by_default_warnings_are_python_warnings(app: Application) -> None:
    with pytest.warns(UserWarning, match="the disk is full"):
        warn_only(Warned(text="the disk is full"))
    unit: Unit = gk.plan(app, choice=LOSS).units[0]
    status = RunStatus({}, (), {}, {})
    warn_only(Finished(unit=unit, result=AttackResult(status=Status.TESTED), status=status))


@pytest.mark.parametrize("status", [Status.TESTED, Status.FAILED_TO_RUN])
def test_a_run_that_is_resumed_for_no_time_keeps_what_it_had(
    app: Application, tmp_path: Path, status: Status
) -> None:
    """What runs again is reported as it was, until it has run again."""
    folder = tmp_path / "run"
    before = gk.run(app, folder, choice=LOSS, options=options())
    first = next(e for e in before.evidence if e.unit)
    again = first.result.model_copy(update={"status": status, "limited": status is Status.TESTED})
    RunFolder(folder).save(first.unit, again)
    after = gk.run(app, folder, choice=LOSS, options=options(sizing=Sizing(limit=0.0)))
    assert [e.result for e in after.evidence if e.unit == first.unit] == [again]
    assert verify(folder).problems == ()
