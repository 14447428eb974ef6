"""Times are CPU seconds, and nothing is trained that need not be."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from goalkeeper.core.application import Answers, Application, Target
from goalkeeper.core.data import Data, Inputs
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import TargetError
from goalkeeper.core.power import View
from goalkeeper.estimate import (
    OperationTimes,
    load_experience,
    measure_times,
    slowdown,
    total_for,
    trains_models,
)
from goalkeeper.planning import Unit, make_plan
from goalkeeper.testing.worlds import membership
from goalkeeper.timing import machine_load, time_answers, time_trainings
from goalkeeper.training import SklearnTrainer

PACE = OperationTimes(machine=0.01, row=1e-5, single=1e-4, model=0.05, many=0.04, fit=0.1)


@pytest.fixture(scope="module")
def app() -> Application:
    return membership.rigged("table", np.random.default_rng(0))


@pytest.fixture(scope="module")
def units(app: Application) -> tuple[Unit, ...]:
    return make_plan(app).units


@dataclass
class Machine:
    """A machine on which `share` of the time by the clock is this process's."""

    share: float
    cpu: float = 0.0

    def install(self, monkeypatch: pytest.MonkeyPatch) -> Machine:
        monkeypatch.setattr(time, "process_time", lambda: self.cpu)
        monkeypatch.setattr(time, "perf_counter", lambda: self.cpu / self.share)
        return self


class Computing:
    """A target that computes a millisecond for each input."""

    def __init__(self, machine: Machine, target: Target) -> None:
        self.machine, self.target, self.training_seconds = machine, target, 0.0

    @property
    def offers(self) -> View:
        return self.target.offers

    def parameters(self) -> Mapping[str, Any]:
        return self.target.parameters()

    def artefact(self) -> Path:
        return self.target.artefact()

    def answer(self, x: Inputs, view: View) -> Answers:
        self.machine.cpu += 1e-3 * len(x)
        return self.target.answer(x, view)


def test_other_work_on_the_machine_changes_no_time(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    for share in (1.0, 0.2):
        machine = Machine(share).install(monkeypatch)
        row, single = time_answers(replace(app, target=Computing(machine, app.target)))
        assert [row, single] == pytest.approx([1e-3, 1e-3])


def test_what_waits_for_others_is_timed_by_the_clock(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(0.01).install(monkeypatch)
    _, single = time_answers(replace(app, target=Computing(machine, app.target)))
    assert single == pytest.approx(0.1)


# ---- trainings -----------------------------------------------------------------------------------


@dataclass
class Slow:
    """A trainer that takes a power of the number of records; 40 000 take 50 seconds."""

    machine: Machine
    power: float
    trained: list[int] = field(default_factory=list)
    recipe: str = "slow"

    @property
    def strategy(self) -> Any:
        return replace(self, recipe="")

    kind = "one_by_one"

    def fit(self, data: Data, seed: int) -> Any:
        self.machine.cpu += 50 * (len(data) / 40_000) ** self.power
        self.trained.append(len(data))
        return self

    def fit_many(self, data: Data, masks: Any, seeds: Any) -> Any:
        raise AssertionError("models that are trained one by one need not be trained together")


def sized(app: Application, records: int, **changes: Any) -> Application:
    rows = np.arange(records) % len(app.data.train)
    return replace(app, data=replace(app.data, train=app.data.train.take(rows)), **changes)


@pytest.mark.parametrize("power", [1.0, 1.2, 2.0])
def test_a_slow_training_is_extrapolated_from_parts(
    app: Application, power: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Slow(Machine(1.0).install(monkeypatch), power)
    times = time_trainings(sized(app, 40_000, trainer=trainer))
    assert times["fit"] == pytest.approx(50, rel=0.05)
    assert times["model"] == times["many"] == times["fit"]
    assert max(trainer.trained) <= 10_000
    assert trainer.machine.cpu < 6


def test_what_loading_has_trained_is_not_trained_again(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Slow(Machine(1.0).install(monkeypatch), 1.0)
    trained = Computing(trainer.machine, app.target)
    trained.training_seconds = 7.0
    times = time_trainings(sized(app, 40_000, trainer=trainer, target=trained))
    assert times["fit"] == times["model"] == 7.0
    assert trainer.trained == []


def test_a_training_notes_what_it_took(app: Application) -> None:
    from sklearn.tree import DecisionTreeClassifier

    domain = TableDomain(columns=(Column(name="a"), Column(name="b")))
    data = Data(x=np.random.default_rng(0).normal(size=(4000, 2)), y=np.arange(4000) % 2)
    start = time.process_time()
    target = SklearnTrainer(DecisionTreeClassifier(), ("no", "yes"), domain).fit(data, 0)
    assert 0 < target.training_seconds <= time.process_time() - start


def test_nothing_is_trained_to_estimate_what_does_not_train(
    app: Application, units: tuple[Unit, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Slow(Machine(1.0).install(monkeypatch), 1.0)
    asking = [unit for unit in units if not trains_models(unit)]
    assert asking
    assert any(map(trains_models, units))
    times = measure_times(sized(app, 40_000, trainer=trainer), asking)
    assert times.fit == times.model == times.many == 0
    assert trainer.trained == []
    measure_times(sized(app, 40_000, trainer=trainer), units)
    assert trainer.trained


def test_attacks_that_search_inputs_train_nothing() -> None:
    known = load_experience()
    for attack in ("hill_climbing", "boundary_walk", "square", "loss_threshold"):
        for (name, task), experience in known.items():
            if name == attack:
                trained = [experience.times[kind] for kind in ("model", "many", "fit")]
                assert trained == [0, 0, 0], (attack, task)


# ---- a machine that does other things, too -------------------------------------------------------


def test_workers_share_cores_with_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_count", lambda: 2)
    assert slowdown(2, 0.0) == 1.0
    assert slowdown(1, 1.0) == 1.0, "the other core is free"
    assert slowdown(2, 2.0) == 2.0
    assert slowdown(4, 4.0) == 2.0, "four on two cores share them anyway"


def test_the_load_of_others_is_never_negative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "getloadavg", lambda: (0.0, 9.0, 9.0))
    assert machine_load() == 0.0
    monkeypatch.setattr(psutil, "getloadavg", lambda: (3.0, 0.0, 0.0))
    assert 2.0 <= machine_load() <= 3.0


def test_a_total_says_how_busy_the_machine_is(
    units: tuple[Unit, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "cpu_count", lambda: 2)
    slow = replace(PACE, fit=500.0, model=50.0, many=50.0)
    idle, busy = (total_for(slow, units, 2, load=load) for load in (0.0, 2.0))
    assert idle.cpu == busy.cpu == pytest.approx(sum(slow.seconds(u) for u in units))
    assert idle.idle == idle.now == busy.idle
    assert busy.now == pytest.approx(2 * busy.idle)
    assert str(idle).startswith("about ")
    assert "; beside the other work on this machine about " in str(busy)


def test_no_number_of_workers_makes_a_single_run_faster(units: tuple[Unit, ...]) -> None:
    longest = max(PACE.seconds(unit) for unit in units)
    assert total_for(PACE, units, 1000, load=0.0).idle == longest
    assert total_for(PACE, (), 2, load=0.0).idle == 0.0


def test_errors_of_trainings_pass(app: Application) -> None:
    class Broken(Slow):
        def fit(self, data: Data, seed: int) -> Any:
            raise TargetError("no")

    with pytest.raises(TargetError):
        time_trainings(sized(app, 40_000, trainer=Broken(Machine(1.0), 1.0)))
