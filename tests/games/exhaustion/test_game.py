"""The exhaustion game: counted operations, simulated clocks, and machines that get slower."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.answer_costs import CostMeter
from goalkeeper.core.application import Answers, Application
from goalkeeper.core.cost import Cost
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.deadline import time_limit
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.errors import DataError, TargetError, TimeIsUp
from goalkeeper.core.evidence import AttackResult, Latency, Status
from goalkeeper.core.power import Power, View
from goalkeeper.core.text import texts
from goalkeeper.games.base import Marking
from goalkeeper.games.exhaustion import Exhaustion, InputKind, costs
from goalkeeper.games.exhaustion.game import TASK
from goalkeeper.games.exhaustion.slow_target import SlowTarget, slowed
from goalkeeper.games.exhaustion.timing import GroupTimer, read_costs
from goalkeeper.games.shared.base_targets import BareTarget
from goalkeeper.games.tallies import beats_baseline, estimate_tally, perfect_tally
from goalkeeper.report.detail import tally as counts_in_words
from goalkeeper.testing.worlds.readings import ReadingTarget, reading_application, two_classes

SIZE = 600


@dataclass(eq=False)
class Slow(BareTarget):
    """A target on a simulated clock: seconds from the input, noise, and a machine that ages."""

    seconds: Callable[[str], float]
    noise: float = 0.0
    ageing: float = 0.0
    now: float = 0.0
    asked: int = 0

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(3)

    def answer(self, x: Inputs, view: View) -> Answers:
        for text in x:
            factor = float(np.exp(self.noise * self.rng.normal())) + self.ageing * self.now
            self.now += self.seconds(text) * factor
            self.asked += 1
        return two_classes(np.full(len(x), 0.5), view)

    def clock(self) -> float:
        return self.now


def evaluate(
    target: Any, kinds: dict[str, Callable[[np.random.Generator], str]], game: Exhaustion
) -> AttackResult:
    app = reading_application("slow", "text", ReadingTarget(), np.random.default_rng(0))
    app = replace(app, target=target)
    rng = np.random.default_rng(1)
    dealt = game.deal(app, TASK, rng)
    n = dealt.question.inputs
    answers, population = [], []
    for i, (name, make) in enumerate(kinds.items()):
        population.append(InputKind(name, texts(make(rng) for _ in range(n))))
        spent = np.full(n, i + 1, dtype=np.int64)
        answers.append(Checkpoint(tuple(population), Cost(), spent))
    return game.mark(
        Marking(
            app=app,
            task=TASK,
            deal=dealt,
            answers=answers,
            granted=Power(),
            rng=rng,
            clock=getattr(target, "clock", float),
        )
    )


def plain(rng: np.random.Generator) -> str:
    return "".join(map(chr, rng.integers(97, 123, SIZE)))


def loud(rng: np.random.Generator) -> str:
    return plain(rng).upper()


def tally(found: AttackResult) -> Latency:
    last = found.trials[-1].tally
    assert isinstance(last, Latency)
    return last


@pytest.mark.requirement("S31")
def test_a_known_factor_is_found_exactly_on_a_steady_clock() -> None:
    target = Slow(lambda text: 0.03 if text.isupper() else 0.002)
    found = evaluate(target, {"plain": plain, "loud": loud}, Exhaustion())
    assert found.status is Status.TESTED
    assert [trial.queries for trial in found.trials] == [1, 2]
    assert found.measurements[0].metric == TASK.metric
    assert found.measurements[0].value == pytest.approx(15)
    assert found.measurements[0].low == pytest.approx(15)
    assert found.measurements[0].baseline == 1
    assert tally(found).unit == "seconds"
    assert not beats_baseline(found.trials[0].tally)
    assert "(loud) takes 15 times as long" in found.summary
    assert "30 vs 2 ms" in found.summary
    assert any("another run" in caveat for caveat in found.caveats)


def test_a_noisy_machine_makes_the_interval_wide_and_nothing_slow() -> None:
    steady = evaluate(Slow(lambda _: 0.01, noise=0.05), {"plain": plain}, Exhaustion())
    noisy = evaluate(Slow(lambda _: 0.01, noise=1.5), {"plain": plain}, Exhaustion())
    widths = [one.measurements[0].high / one.measurements[0].low for one in (steady, noisy)]
    assert widths[0] < 1.15
    assert widths[1] > 2
    assert not beats_baseline(tally(steady))
    assert not beats_baseline(tally(noisy))


def test_a_machine_that_gets_slower_meets_all_alike() -> None:
    """It ends many times as slow as it began; asked in turns, no group is slower."""
    target = Slow(lambda _: 0.01, ageing=1.0)
    found = evaluate(target, {"plain": plain, "loud": loud}, Exhaustion())
    assert 1 + target.now > 5
    assert found.measurements[0].value == pytest.approx(1, abs=0.15)
    assert found.measurements[0].low < 1 < found.measurements[0].high


def test_ordinary_inputs_are_compared_as_they_are() -> None:
    """Cost in characters counts: a larger input is what the application allows."""
    found = evaluate(Slow(lambda text: 1e-5 * len(text)), {"plain": plain}, Exhaustion())
    app = reading_application("slow", "text", ReadingTarget(), np.random.default_rng(0))
    usual = np.median([len(text) for text in app.data.holdout.x])
    assert found.measurements[0].value == pytest.approx(SIZE / usual, rel=0.1)
    assert found.measurements[0].low > 5


def test_reading_the_larger_text_is_no_attack(monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that takes as long as it takes to read every text once is not slow."""

    def read(x: Inputs, clock: Callable[[], float]) -> Floats:
        return np.array([1e-5 * len(text) for text in x])

    monkeypatch.setattr(costs, "read_costs", read)
    found = evaluate(Slow(lambda text: 1e-5 * len(text)), {"plain": plain}, Exhaustion())
    (bare,) = [m for m in found.measurements if m.metric == "latency over ordinary inputs"]
    assert bare.low > 5
    assert found.measurements[0].high < 1.1
    assert "of reading" in found.summary
    assert not beats_baseline(tally(found))


def test_reading_takes_as_long_as_a_text_is() -> None:
    ticks = iter(range(1000))
    assert read_costs(texts(["a b", "c"]), lambda: float(next(ticks))).tolist() == [1.0, 1.0]
    assert read_costs(np.zeros((2, 3)), lambda: float(next(ticks))).tolist() == [0.0, 0.0]
    short, long = read_costs(texts(["a b " * 10, "a b " * 50_000]), time.perf_counter)
    assert long > 20 * short


def test_the_declared_size_is_the_limit() -> None:
    for size in (600, 100_000):
        app = reading_application("slow", "text", ReadingTarget(), np.random.default_rng(0))
        app = replace(app, domain=TextDomain(max_chars=size))
        assert Exhaustion().deal(app, TASK, np.random.default_rng(0)).question.size == size


def test_a_count_of_its_own_goes_before_the_clock() -> None:
    found = evaluate(Counted(), {"plain": plain, "loud": loud}, Exhaustion())
    assert tally(found).unit == "operations"
    assert found.measurements[0].value == 3
    assert set(tally(found).attack) == {3.0}
    assert "3 vs 1 operations" in found.summary


class Counted(BareTarget):
    """Counts one operation an ordinary text, and three a loud one."""

    def __init__(self) -> None:
        self.done = 0.0

    def answer(self, x: Inputs, view: View) -> Answers:
        self.done += sum(3.0 if text.isupper() else 1.0 for text in x)
        return two_classes(np.full(len(x), 0.5), view)

    def work(self) -> float:
        return self.done


def test_copies_of_one_input_are_no_sample() -> None:
    same = evaluate(Counted(), {"copies": lambda rng: "A" * SIZE}, Exhaustion())
    assert same.status is Status.NOT_TESTED
    mixed = evaluate(Counted(), {"plain": plain, "copies": lambda rng: "A" * SIZE}, Exhaustion())
    assert mixed.measurements[0].value == 1


def test_many_inputs_compare_the_99th_percentile() -> None:
    """Every 50th input takes ten times as long: the median does not see it, the tail does."""
    game = Exhaustion(inputs=1600, screened=8, rounds=1)
    tail = evaluate(
        Slow(lambda text: 0.01 if text < "B" else 0.001),
        {"loud": lambda rng: ("A" if rng.random() < 0.02 else "Z") + loud(rng)[1:]},
        game,
    )
    assert tally(tail).quantile == 0.99
    assert tail.measurements[0].value == pytest.approx(10)
    assert not any("too few for the 99th" in caveat for caveat in tail.caveats)


def timer(target: Slow, patience: float, limit: float) -> GroupTimer:
    return GroupTimer(CostMeter.of(target, target.clock), patience, limit)


def test_patience_ends_the_rounds() -> None:
    target = Slow(lambda _: 1.0)
    found = timer(target, 5.0, 50.0).measure(
        [texts(["a", "b", "c"])], 100, np.random.default_rng(0)
    )
    assert target.asked == 1 + 2 * 3
    assert found[0].tolist() == [1, 1, 1]


def test_nothing_is_asked_after_the_limit() -> None:
    """Half of the first round is left out, of each group at random; no answer is made up."""
    target = Slow(lambda text: 2.0 if text.isupper() else 1.0)
    groups = [texts("A" * i for i in range(1, 41)), texts("a" * i for i in range(1, 41))]
    found = timer(target, 5.0, 60.0).measure(groups, 7, np.random.default_rng(0))
    assert target.now <= 60 + 2
    assert 10 < len(found[0]) < 30
    assert 10 < len(found[1]) < 30
    assert {*found[0].tolist()} == {2.0}


def test_answers_that_take_for_ever_are_inconclusive_and_end() -> None:
    target = Slow(lambda text: 9.0 if text.isupper() else 1.0)
    found = evaluate(target, {"loud": loud}, Exhaustion())
    assert found.status is Status.NOT_TESTED
    assert "within 20 seconds" in found.reason
    assert target.now < 80


def test_a_refusal_costs_what_it_took() -> None:
    class Refusing(Slow):
        def answer(self, x: Inputs, view: View) -> Answers:
            super().answer(x, view)
            if "b" in list(x):
                raise TargetError("no")
            return two_classes(np.full(len(x), 0.5), view)

    target = Refusing(lambda _: 1.0)
    (found,) = timer(target, 50.0, 50.0).measure([texts(["a", "b"])], 3, np.random.default_rng(0))
    assert found.tolist() == [1, 1]


def test_an_answer_from_memory_is_not_timed() -> None:
    class Remembering(Slow):
        def asked_again(self, occasion: str | None) -> Slow:
            return again

    again = Slow(lambda _: 1.0)
    meter = CostMeter.of(Remembering(lambda _: 0.0), again.clock)
    assert meter.measure(texts(["a"])).values.tolist() == [1.0]


def test_answers_are_checked() -> None:
    with pytest.raises(DataError, match="outside of the domain"):
        evaluate(Counted(), {"long": lambda rng: "x" * 601}, Exhaustion())
    with pytest.raises(DataError, match="more than 100 characters"):
        evaluate(Counted(), {"long": lambda rng: "x" * 101}, Exhaustion(chars=100))


@pytest.mark.parametrize("kind", ["text", "table", "image"])
def test_the_weakened_application_answers_as_before_and_ordinary_inputs_once(kind: str) -> None:
    app = reading_application("plain", kind, ReadingTarget(), np.random.default_rng(0))
    weak = slowed(app)
    x = app.data.holdout.x
    assert isinstance(weak.target, SlowTarget)
    before, after = (a.target.answer(x, View.SCORES) for a in (app, weak))
    assert np.array_equal(before.scores, after.scores)
    if kind != "text":
        assert max(weak.target._times(x)) == 0


def test_application_is_left_as_it_was() -> None:
    app: Application = reading_application(
        "plain", "text", ReadingTarget(), np.random.default_rng(0)
    )
    assert slowed(app).data is app.data


def test_what_was_played_survives_storing_and_shows_what_its_counts_say() -> None:
    """`verify` compares the stored unit, and each shown interval with the counts behind it."""
    found = evaluate(Slow(lambda _: 0.01, noise=0.3), {"plain": plain, "loud": loud}, Exhaustion())
    assert AttackResult.model_validate_json(found.model_dump_json()) == found
    headline = found.measurements[0]
    last = estimate_tally(found.trials[-1].tally)
    assert (headline.value, headline.low, headline.high) == tuple(last)
    assert found.curve is not None
    assert found.curve.value == tuple(estimate_tally(trial.tally).value for trial in found.trials)
    words = counts_in_words(found.trials[-1].tally)
    assert words == "medians of 30 attack inputs and 30 ordinary inputs, in seconds"


def test_a_perfect_attack_would_win_with_the_default_sample() -> None:
    found = evaluate(Slow(lambda _: 0.01), {"plain": plain}, Exhaustion().smaller())
    assert not beats_baseline(tally(found))
    assert beats_baseline(perfect_tally(tally(found)))


def test_measuring_ends_with_the_time_of_the_run() -> None:
    target = Slow(lambda text: 1.0)
    timer = GroupTimer(CostMeter.of(target, target.clock), patience=80.0, limit=200.0)
    with time_limit(5.0, target.clock), pytest.raises(TimeIsUp):
        timer.measure([texts([f"text {i}" for i in range(30)])], 7, np.random.default_rng(0))
    assert target.now == 5.0
    with time_limit(5.0, target.clock), pytest.raises(TimeIsUp):
        read_costs(texts(["a"]), time.perf_counter)
