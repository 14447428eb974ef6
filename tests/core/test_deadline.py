"""A time limit holds for all that runs in its block, and ends with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import numpy as np
import pytest

from goalkeeper.core.data import Data
from goalkeeper.core.deadline import NEVER, check_time, format_duration, time_limit
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import GoalkeeperError, TimeIsUp
from goalkeeper.core.noticeboard import Activity
from goalkeeper.core.usercode import user_code


class Clock:
    """Each look at it takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_it_is_over_when_the_clock_says_so_and_not_outside_of_it() -> None:
    with time_limit(3.0, Clock()):
        check_time()
        check_time()
        with pytest.raises(TimeIsUp):
            check_time()
    check_time()
    with time_limit(NEVER, lambda: NEVER):
        check_time()


@pytest.mark.parametrize(("outer", "inner"), [(1.0, 9.0), (9.0, 1.0), (1.0, NEVER)])
def test_the_earlier_of_two_limits_holds(outer: float, inner: float) -> None:
    with time_limit(outer, lambda: 2.0), time_limit(inner, lambda: 2.0), pytest.raises(TimeIsUp):
        check_time()


def test_a_limit_that_raised_is_gone() -> None:
    with pytest.raises(TimeIsUp), time_limit(0.0, lambda: 1.0):
        check_time()
    check_time()


def test_code_that_goes_on_after_errors_does_not_go_on_after_this() -> None:
    tried = []

    def stubborn() -> None:
        for number in range(3):
            tried.append(number)
            with suppress(GoalkeeperError, Exception):
                check_time()

    with pytest.raises(TimeIsUp), time_limit(0.0, lambda: 1.0):
        stubborn()
    assert tried == [0]


def test_the_users_code_is_not_entered() -> None:
    for work in Activity:
        with pytest.raises(TimeIsUp), time_limit(0.0, lambda: 1.0), user_code(work, "it"):
            pytest.fail("it was entered")


def test_trainings_end_between_models_and_between_steps() -> None:
    """One by one, in batches of networks, and of models without a closed form."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.tree import DecisionTreeClassifier

    from goalkeeper.training import FunctionTrainer

    rng = np.random.default_rng(0)
    data = Data(x=rng.normal(size=(40, 2)), y=np.arange(40) % 2)
    domain = TableDomain(columns=(Column(name="a"), Column(name="b")))
    masks = rng.random((6, 40)) < 0.8
    for build in (DecisionTreeClassifier, LogisticRegression, network):
        trainer = FunctionTrainer(build, ("no", "yes"), domain)
        looks = looks_of(partial(trainer.fit_many, data, masks, range(6)))
        assert looks > 1, build
        with pytest.raises(TimeIsUp), time_limit(looks - 1, Clock()):
            trainer.fit_many(data, masks, range(6))


def looks_of(work: Callable[[], object]) -> int:
    """Count how often the time is looked at."""
    clock = Clock()
    with time_limit(1e9, clock):
        work()
    return int(clock.now)


def network() -> object:
    torch = pytest.importorskip("torch")
    return torch.nn.Linear(2, 2)


def test_times_are_in_seconds_minutes_and_hours() -> None:
    shown: Sequence[tuple[float, str]] = [(9.6, "10 s"), (600, "10 min"), (9000, "2.5 h")]
    for seconds, text in shown:
        assert format_duration(seconds) == text
