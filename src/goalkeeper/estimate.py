"""Estimate what a plan costs, from a quick measurement on this machine and from past attack runs.

The budget of an attack does not predict how many queries and trainings it needs: most attacks stop
long before it is spent. `estimates.csv` therefore records, for each attack and task, the cost on a
few applications as multiples of the operation times that were measured there in the same way
(`benchmarks/estimates.py` writes the file).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any

from goalkeeper.compute.threads import one_thread
from goalkeeper.core.application import Application
from goalkeeper.core.deadline import format_duration
from goalkeeper.planning import Unit
from goalkeeper.timing import machine_load, time_answers, time_machine, time_trainings

TRAININGS = "model", "many", "fit"  # the operations that are trainings
BUSY = 1.25  # times as long as on an idle machine, from which on this is shown
MEMORY_FACTOR = 1.5  # peak memory of a worker relative to what this process has loaded
SHADOW_MODELS, BYTES_PER_SCORE = 64, 8  # models queried together; scores are float64
FIXED_PART = 0.45  # share of a run time that does not scale with the effort (spam filter)


@dataclass(frozen=True, slots=True)
class OperationTimes:
    """CPU seconds that this machine took for the basic operations of attack runs.

    They do not depend on what else it computes. What waits for a service is by the clock.

    Parameters
    ----------
    machine
        A fixed workload that is independent of the application.
    row
        One input, in a query of many.
    single
        One input, in a query of its own.
    model
        One model, trained together with a few others.
    many
        One model, trained together with many others.
    fit
        One model, trained alone.
    """

    machine: float
    row: float
    single: float
    model: float
    many: float
    fit: float

    def seconds(self, unit: Unit, effort: float = 1.0) -> float:
        """Estimate the CPU seconds of one attack run, including marking and controls."""
        experience = _experience_of(unit)
        if experience is None:
            e = unit.estimate
            at_effort_1 = (
                self.machine + (e.queries * self.row + e.models * self.model) / unit.effort
            )
        else:
            seconds_of = asdict(self)
            at_effort_1 = sum(times * seconds_of[kind] for kind, times in experience.times.items())
        return at_effort_1 * (FIXED_PART + (1 - FIXED_PART) * effort)


KINDS = tuple(field.name for field in fields(OperationTimes))


@dataclass(frozen=True, slots=True)
class Experience:
    """What an attack cost on other applications, as multiples of each operation time.

    `spread` is the largest ratio of actual to estimated time on an application; `queries` is the
    share of its query budget that it used.
    """

    times: Mapping[str, float]
    spread: float
    queries: float


def estimate_queries(unit: Unit) -> float:
    """Estimate how many queries an attack run makes; its budget is the upper bound."""
    experience = _experience_of(unit)
    return unit.estimate.queries * (1.0 if experience is None else experience.queries)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCost:
    """What attack runs ask of a service, at least (full requests) and at most (one input each).

    Parameters
    ----------
    inputs
        Inputs that are asked.
    requests, price
        The least and the most of them.
    exceeds
        The limit that even the least exceeds, as a sentence; empty if there is none.
    """

    inputs: float
    requests: tuple[float, float]
    price: tuple[float, float]
    exceeds: str


def estimate_service(app: Application, units: Iterable[Unit]) -> ServiceCost | None:
    """Estimate what attack runs ask of the service behind a target; None for other targets.

    Answers are kept, so that inputs that several attack runs ask are counted too often here.
    """
    service: Any = getattr(app.target, "service", None)
    if service is None:
        return None
    inputs = sum(map(estimate_queries, units))
    requests = (inputs / service.batch, inputs)
    limits, spent = service.limits, service.spent
    price = tuple(limits.cost(number, inputs) for number in requests)
    total = spent.requests + requests[0]
    cost = limits.cost(total, spent.inputs + inputs)
    exceeds = ""
    if total > limits.budget:
        exceeds = f"the budget of {limits.budget:,.0f} requests is expected to be exceeded"
    elif cost > limits.cap:
        exceeds = f"the cap of {limits.cap:.2f} is expected to be exceeded"
    return ServiceCost(
        inputs=inputs, requests=requests, price=(price[0], price[1]), exceeds=exceeds
    )


def estimate_memory(app: Application) -> int:
    """Estimate the peak memory of one worker, in bytes.

    A worker loads what this process has loaded. Attack runs take half as much again (measured on
    the bundled examples), plus the answers of many models to all records, in bounded blocks.
    """
    import psutil

    records = sum(app.data.sizes().values())
    answers = SHADOW_MODELS * records * len(app.classes) * BYTES_PER_SCORE
    loaded = int(psutil.Process().memory_info().rss)
    return int(MEMORY_FACTOR * loaded) + min(answers, app.compute.memory)


def _experience_of(unit: Unit) -> Experience | None:
    """Look up the experience with the attack for this task, else for all its tasks, else None."""
    records, task = load_experience(), unit.run.task.name
    return records.get((unit.attack, task)) or records.get((unit.attack, ""))


@cache
def load_experience() -> dict[tuple[str, str], Experience]:
    """Read the recorded costs, by attack and task ("" for all of its tasks)."""
    text = files("goalkeeper").joinpath("estimates.csv").read_text("utf-8")
    return {
        (row["attack"], row["task"]): Experience(
            {kind: float(row[kind]) for kind in KINDS},
            float(row["spread"]),
            float(row["queries"]),
        )
        for row in csv.DictReader(text.splitlines())
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What attack runs take together.

    Parameters
    ----------
    cpu
        CPU seconds of all of them.
    idle
        Seconds by the clock where the machine does nothing else.
    now
        Seconds by the clock beside what the machine does now.
    """

    cpu: float
    idle: float
    now: float

    def __str__(self) -> str:
        """Say how long it takes, and how much longer beside the other work on this machine."""
        text = f"about {format_duration(self.idle)}"
        if self.now < BUSY * self.idle:
            return text
        return f"{text}; beside the other work on this machine about {format_duration(self.now)}"


def total_for(
    times: OperationTimes,
    units: Iterable[Unit],
    workers: int = 1,
    *,
    load: float | None = None,
) -> Total:
    """Estimate what attack runs take on so many workers, each at its own effort.

    Parameters
    ----------
    load
        Processes of others that want a core of this machine; None: as it is now.
    """
    each = [times.seconds(unit, unit.effort) for unit in units]
    cpu = sum(each)
    idle = max([cpu / max(1, workers), *each])  # no order of the runs is faster
    found = machine_load() if load is None else load
    return Total(cpu=cpu, idle=idle, now=idle * slowdown(workers, found))


def slowdown(workers: int, load: float) -> float:
    """Return how many times as long workers take beside so many other processes."""
    import psutil

    cores = psutil.cpu_count() or 1
    return max(1.0, (workers + load) / cores) / max(1.0, workers / cores)


def measure_times(app: Application, units: Iterable[Unit] | None = None) -> OperationTimes:
    """Time a few answers and, where attack runs train, a training.

    Parameters
    ----------
    units
        The attack runs that are estimated: where none of them trains, nothing is trained. None: any
        that there are.
    """
    trains = units is None or any(map(trains_models, units))
    with one_thread():  # as attack runs have
        row, single = time_answers(app)
        trainings = time_trainings(app if trains else None)
        return OperationTimes(machine=time_machine(), row=row, single=single, **trainings)


def trains_models(unit: Unit) -> bool:
    """Tell whether an attack run, its marking or its control train models."""
    experience = _experience_of(unit)
    if experience is None:
        return True
    return any(experience.times[kind] > 0 for kind in TRAININGS)
