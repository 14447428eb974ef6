"""Estimates follow what is measured; effort and time scale sample sizes and nothing else."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import psutil
import pytest

from goalkeeper import timing
from goalkeeper.attacks import catalogue
from goalkeeper.core.application import Application
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.data import Data
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.estimate import (
    OperationTimes,
    estimate_memory,
    estimate_queries,
    load_experience,
    measure_times,
    total_for,
)
from goalkeeper.games.base import resize
from goalkeeper.games.membership import Membership
from goalkeeper.planning import Choice, Unit, make_plan
from goalkeeper.testing.worlds import membership
from goalkeeper.training import TorchRecipe, TorchTrainer

PACE = OperationTimes(machine=0.01, row=1e-5, single=1e-4, model=0.05, many=0.04, fit=0.1)


@pytest.fixture(scope="module")
def app() -> Application:
    return membership.rigged("table", np.random.default_rng(0))


@pytest.fixture(scope="module")
def units(app: Application) -> tuple[Unit, ...]:
    return make_plan(app).units


def test_measures_what_plays_are_made_of(app: Application) -> None:
    pace = measure_times(app)
    assert pace.machine > 0
    assert pace.row > 0
    assert pace.single > 0
    assert measure_times(replace(app, trainer=None)).model == 0


def test_a_slower_model_is_estimated_to_take_longer(units: tuple[Unit, ...]) -> None:
    slower = replace(PACE, row=1e-3, single=1e-2, model=5.0, many=4.0, fit=10.0)
    assert total_for(slower, units).cpu > total_for(PACE, units).cpu > 0


def test_two_workers_take_half_the_time(units: tuple[Unit, ...]) -> None:
    assert total_for(PACE, units, 2).cpu == pytest.approx(total_for(PACE, units).cpu)


def test_queries_follow_experience(units: tuple[Unit, ...]) -> None:
    asked = {unit.attack: (estimate_queries(unit), unit.estimate.queries) for unit in units}
    typical, bound = asked["substitute_from_scores"]
    assert 0 < typical < bound


def test_an_attack_nobody_has_seen_is_estimated_from_its_game(units: tuple[Unit, ...]) -> None:
    new = replace(units[0], attack="an_attack_of_ones_own")
    assert estimate_queries(new) == new.estimate.queries
    assert PACE.seconds(new) >= PACE.machine


def test_another_task_of_a_known_attack_is_estimated_from_all_its_tasks(
    units: tuple[Unit, ...],
) -> None:
    usual = next(unit for unit in units if unit.attack == "loss_threshold")
    task = replace(usual.run.task, name="attribute-of-another-application")
    other = replace(usual, run=replace(usual.run, task=task))
    assert PACE.seconds(other) != PACE.seconds(replace(other, attack="an_attack_of_ones_own"))


def test_every_known_attack_takes_what_is_measured_and_nothing_negative() -> None:
    known = load_experience()
    assert {name for name, _ in known} <= set(catalogue())
    assert all((name, "") in known for name, _ in known)
    for name, row in known.items():
        assert list(row.times) == [field.name for field in fields(OperationTimes)], name
        assert min(row.times.values()) >= 0, name
        assert max(row.times.values()) > 0, name
        assert row.spread >= 1, name


def test_memory_is_that_of_a_worker_and_not_of_the_whole_allowance(app: Application) -> None:
    loaded = psutil.Process().memory_info().rss
    assert loaded < estimate_memory(app) < 2 * loaded + app.compute.memory
    least = replace(app, compute=replace(app.compute, memory=1))
    assert estimate_memory(least) < estimate_memory(app)


def test_effort_multiplies_sample_sizes_and_models() -> None:
    assert resize(Membership(), 2).per_side == 2 * Membership().per_side
    attack = catalogue()["shadow_likelihood"]()
    assert resize(attack, 0.5).models == attack.models // 2  # type: ignore[attr-defined]
    assert resize(attack, 1) is attack


def test_effort_keeps_the_least() -> None:
    assert resize(Membership(), 0.01).per_side == Membership.grows["per_side"]


def test_what_grows_is_a_number_of_the_class() -> None:
    attacks = catalogue().values()
    parts: set[Any] = {*attacks, *(attack.game for attack in attacks)}
    for part in parts:
        defaults = {f.name: f.default for f in fields(part)}
        for name, least in part.grows.items():
            assert isinstance(defaults[name], int), (part, name)
            assert 0 <= least <= defaults[name], (part, name)


def test_another_effort_is_another_unit(app: Application) -> None:
    usual, double = (make_plan(app, choice=Choice(effort=e)).units for e in (1.0, 2.0))
    ids = {unit.id for unit in usual}
    grown = [u for u in double if type(u.run.game).grows or type(u.run.attack).grows]
    assert grown
    assert not ids & {unit.id for unit in grown}


def test_settings_win_over_effort(app: Application) -> None:
    settings = {"shadow_likelihood": {"models": 32}}
    plan = make_plan(app, choice=Choice(effort=4, settings=settings))
    chosen = [u.settings["models"] for u in plan.units if u.attack == "shadow_likelihood"]
    assert chosen
    assert set(chosen) == {32}


# ---- trainings of networks -----------------------------------------------------------------------


@dataclass(frozen=True)
class CountingTrainer:
    """A network's trainer by the clock of the test: a second a training, 10 ms a step."""

    clock: list[float]
    steps: int = 5000
    kind: str = "one_by_one"
    compute: ComputeSettings = field(default_factory=ComputeSettings)
    recipe: str = "a network"

    @property
    def strategy(self) -> Any:
        return self

    def with_compute(self, compute: ComputeSettings) -> CountingTrainer:
        return replace(self, compute=compute)

    def count_steps(self, data: Data) -> int:
        return self.steps

    def shortened(self, data: Data, steps: int) -> tuple[CountingTrainer, Data]:
        return replace(self, steps=steps), data.take(slice(0, 8))

    def fit(self, data: Data, seed: int) -> Any:
        self.clock[0] += 1 + 0.01 * self.steps
        return self

    def fit_many(self, data: Data, masks: Any, seeds: Any) -> Any:
        self.clock[0] += 1 + 0.002 * self.steps * len(masks)
        return self

    def labels(self, x: Any) -> Any:
        return x


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(time, "process_time", lambda: now[0])
    return now


def test_a_network_is_timed_by_a_few_steps(app: Application, clock: list[float]) -> None:
    """The plan of a network that trains for 51 s must not train it five times."""
    times = measure_times(replace(app, trainer=CountingTrainer(clock)))
    assert times.fit == times.model == times.many == pytest.approx(1 + 0.01 * 5000)
    assert clock[0] < 10


def test_networks_that_gain_together_are_timed_together(
    app: Application, clock: list[float]
) -> None:
    times = measure_times(replace(app, trainer=CountingTrainer(clock, kind="networks")))
    assert times.fit == pytest.approx(51)
    assert times.model == pytest.approx((1 + 0.002 * 5000 * 4) / 4)
    assert clock[0] < 25


def test_a_short_training_is_timed_as_it_is(app: Application, clock: list[float]) -> None:
    times = measure_times(replace(app, trainer=CountingTrainer(clock, steps=3)))
    assert times.fit == pytest.approx(1.03)


def test_a_slow_training_of_another_kind_is_timed_once(
    app: Application, clock: list[float]
) -> None:
    class Slow(CountingTrainer):
        count_steps = property()

    slow = Slow(clock)
    assert not hasattr(slow, "count_steps")
    times = measure_times(replace(app, trainer=slow))
    assert times.fit == times.model == pytest.approx(51)
    assert clock[0] == pytest.approx(51)


def test_stored_trainings_are_not_what_is_timed() -> None:
    """Loading a training from the store takes no time, and a run trains others."""
    trainer = CountingTrainer([0.0], compute=ComputeSettings(store="/somewhere"))
    timed = timing._without_store(trainer)
    assert isinstance(timed, CountingTrainer)
    assert timed.compute.store == ""


@pytest.mark.parametrize(("batch", "rows", "epochs"), [(8, 100, 3), (64, 100, 5)])
def test_a_shortened_training_has_as_many_steps(batch: int, rows: int, epochs: int) -> None:
    import torch

    domain = TableDomain(columns=(Column(name="a"), Column(name="b")))
    recipe = TorchRecipe(epochs=epochs, batch=batch, patience=2)
    trainer = TorchTrainer(lambda: torch.nn.Linear(2, 2), ("a", "b"), domain, recipe)
    data = Data(x=np.zeros((rows, 2)), y=np.arange(rows) % 2)
    assert trainer.count_steps(data) == epochs * -(-(rows - round(0.1 * rows)) // batch)
    for steps in (4, 16, 64):
        short, few = trainer.shortened(data, steps)
        assert steps <= short.count_steps(few) <= steps + 1
