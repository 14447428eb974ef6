"""Sponges: inputs keep to the domain, grow no further than is bearable, and find weak spots."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.exhaustion._growth import Prober, Shape, climb, refine
from goalkeeper.attacks.exhaustion._text_shapes import list_sizes
from goalkeeper.attacks.exhaustion.sponge import KEPT, Sponge
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.answer_costs import AnswerCosts
from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import Floats, Inputs, row_keys
from goalkeeper.core.evidence import AttackResult, Latency, Status
from goalkeeper.core.power import Budget, Capability, Power, View
from goalkeeper.games.exhaustion import Exhaustion, Population, SizeLimits
from goalkeeper.games.exhaustion.game import TASK
from goalkeeper.games.shared.base_targets import BareTarget
from goalkeeper.testing.worlds.readings import ReadingTarget, reading_application, two_classes
from tests.attacks.exhaustion import planted
from tests.contract.harness import enough

INPUTS = 12
SIZE = 300


@dataclass(eq=False)
class Costly(BareTarget):
    """Counts by a rule what each input costs: no clock is read."""

    cost: Callable[[str], float]
    each: list[float] = field(default_factory=list)
    done: float = 0.0

    def answer(self, x: Inputs, view: View) -> Answers:
        self.each += [self.cost(text) for text in x]
        self.done += sum(self.each[len(self.each) - len(x) :])
        return two_classes(np.full(len(x), 0.4), view)

    def work(self) -> float:
        return self.done


def plain(kind: str) -> Application:
    target = Costly(lambda text: 1.0) if kind == "text" else ReadingTarget()
    return reading_application("plain", kind, target, np.random.default_rng(0))


def population(app: Application, queries: float = 100) -> tuple[Population, Access]:
    power = Power(capabilities=Capability.M2, view=View.LABELS, budget=Budget(queries=queries))
    terms = Terms(
        granted=power,
        rng=np.random.default_rng(1),
        victim=np.random.SeedSequence(2),
        campaigns=INPUTS,
    )
    access = Access(app, terms)
    size = SIZE if app.domain.kind == "text" else 0
    room = SizeLimits(inputs=INPUTS, size=size, examples=app.data.similar.x[:20])
    return Sponge().run(room, access), access


@pytest.mark.requirement("S31")
@pytest.mark.parametrize("kind", ["text", "table", "image"])
def test_inputs_keep_the_domain_and_every_campaign_pays_for_the_search(kind: str) -> None:
    app = plain(kind)
    found, access = population(app, queries=500)
    assert 1 <= len(found) <= 4 * KEPT
    for one in found:
        assert len(one.x) == INPUTS
        assert app.domain.valid(one.x).all(), one.name
        assert len(set(row_keys(one.x))) > INPUTS / 2, one.name
        if kind == "text":
            assert max(map(len, one.x)) <= SIZE
    assert access.spent.queries == 500 - access.left()[0] > 20
    assert set(access.left()) == {access.left()[0]}
    handed_in = [len(point.answer) for point in access.checkpoints]
    assert handed_in == sorted(handed_in)


@pytest.mark.parametrize("queries", [10, 37])
def test_the_search_keeps_to_the_budget(queries: int) -> None:
    found, access = population(plain("text"), queries=queries)
    assert found
    assert access.spent.queries <= queries


def result_of(cost: Callable[[str], float], target: Costly | None = None) -> AttackResult:
    app = replace(plain("text"), target=target or Costly(cost))
    this = AttackRun(
        attack=Sponge(),
        game=Exhaustion(rounds=1, inputs=20),
        task=TASK,
        granted=enough(Sponge, queries=1000),
        seed=0,
    )
    return evaluate(app, this)


@pytest.mark.requirement("S31")
@pytest.mark.parametrize(
    ("cost", "kinds"),
    [
        (
            lambda text: 1.0 + len(set(text.split())),
            {"as many different words as fit", "single letters"},
        ),
        (lambda text: 1.0 + sum(text.count(sign) for sign in "([{<"), {"again", "brackets"}),
        (
            lambda text: 1.0 + sum("\u4e00" <= sign <= "\u9fff" for sign in text),
            {"signs of other scripts"},
        ),
        (
            lambda text: 1.0 + sum("\u0300" <= sign < "\u0370" for sign in text),
            {"many marks", "all marks"},
        ),
        (lambda text: 1.0 + max(map(len, text.split("\n"))) ** 2 / 100, {""}),
    ],
)
def test_a_known_weak_spot_is_found(cost: Callable[[str], float], kinds: set[str]) -> None:
    found = result_of(cost)
    assert any(kind in found.summary for kind in kinds), found.summary
    tally = found.trials[-1].tally
    assert isinstance(tally, Latency)
    assert tally.unit == "operations"
    assert found.measurements[0].low > 5
    over: Floats = np.array(tally.attack)
    value = np.median(over) / np.median(tally.benign)
    assert found.measurements[0].value == pytest.approx(value)


def goes_back_and_forth(text: str, start: str = "", base: float = 2.0) -> float:
    """Count the steps of a pattern that is anchored at the beginning: `^start([a-z]+)+;`."""
    found = re.match(re.escape(start) + "[a-z]*", text)
    if found is None or text[found.end() : found.end() + 1] == ";":
        return 1.0
    return float(base ** min(found.end() - len(start), 300))


@pytest.mark.parametrize(
    ("start", "base"), [("", 1.3), ("", 2.0), ("", 3.0), ("http://", 2.0), ("a@", 3.0)]
)
def test_a_pattern_at_the_beginning_is_found_and_none_is_asked_that_takes_for_ever(
    start: str, base: float
) -> None:
    """Ordinary texts begin with a word of a few letters; 50 letters would take 2 ** 50 steps."""
    target = Costly(lambda text: 1000 + goes_back_and_forth(text, start, base))
    found = result_of(target.cost, target)
    assert found.measurements[0].low > 5, found.summary
    assert max(target.each) < 1e8


def test_what_grows_as_the_size_is_followed_to_the_whole_size() -> None:
    """Costs of 1 for every character: the size alone is 4 times that of ordinary texts."""
    found = result_of(lambda text: float(len(text)))
    app = plain("text")
    usual = np.median([len(text) for text in app.data.holdout.x])
    assert found.measurements[0].value == pytest.approx(600 / usual, rel=0.05)


def test_nothing_is_found_where_every_text_costs_the_same() -> None:
    found = result_of(lambda text: 7.0)
    assert found.measurements[0].value == 1
    assert "no kind is significantly slower" in found.summary


# ---- growing -------------------------------------------------------------------------------------


@dataclass
class Counting:
    """Stands for `Access`: a value costs what a rule says."""

    cost: Callable[[float], float]
    asked: list[float] = field(default_factory=list)
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def answer_costs(self, x: Inputs) -> AnswerCosts:
        self.asked.append(float(x[0]))
        return AnswerCosts(np.array([self.cost(float(x[0]))]), "seconds")

    def left(self) -> Floats:
        return np.array([1000.0])


@pytest.mark.parametrize(
    ("cost", "most", "reached"),
    [
        (lambda n: 2e-8 * 2.0**n, 1.0, 15),
        (lambda n: 2e-8 * 3.0**n, 2.0, 12),
        (lambda n: 2e-8 * 1.5**n, 1.0, 30),
        (lambda n: 1e-8 * n**2, 0.3, 1500),
        (lambda n: 1e-8 * n**3, 0.3, 100),
        (lambda n: 1e-7 * n, 0.3, 99_999),
    ],
)
def test_inputs_grow_until_the_next_would_take_too_long(
    cost: Callable[[float], float], most: float, reached: float
) -> None:
    door = Counting(lambda n: 1e-4 + cost(n))
    prober = Prober(door, lambda value: np.array([value]), 60.0)  # type: ignore[arg-type]
    prober.base, prober.cap = 1e-4, 0.05
    grown = climb(Shape("longer", lambda size, rng: size, list_sizes(100_000)), prober)
    assert grown is not None
    assert max(door.cost(n) for n in door.asked) < most
    assert grown.size >= reached
    assert len(door.asked) < 20


def test_a_search_ends_when_its_answers_took_so_long() -> None:
    door = Counting(lambda n: 0.04)
    prober = Prober(door, lambda value: np.array([value]), 0.2)  # type: ignore[arg-type]
    prober.base, prober.cap = 0.04, 0.8
    for _ in range(5):
        climb(Shape("longer", lambda size, rng: size, list_sizes(1000)), prober)
    assert len(door.asked) == 5


# ---- planted blow-ups ----------------------------------------------------------------------------


def measured(app: Application) -> AttackResult:
    this = AttackRun(
        attack=Sponge(), game=Exhaustion(), task=TASK, granted=enough(Sponge, queries=2500), seed=0
    )
    return evaluate(app, this)


@pytest.mark.validation
@pytest.mark.requirement("S31")
@pytest.mark.parametrize("name", [*planted.TEXTS, *planted.ROWS, *planted.IMAGES])
def test_a_planted_blow_up_is_found(name: str) -> None:
    made = {**planted.TEXTS, **planted.ROWS, **planted.IMAGES}[name]
    found = measured(made())
    assert found.status is Status.TESTED
    assert found.measurements[0].low > 5, found.summary


@pytest.mark.validation
@pytest.mark.parametrize("name", [*planted.HONEST_TEXTS, *planted.HONEST_ROWS])
def test_an_honest_application_is_not_slow(name: str) -> None:
    found = measured({**planted.HONEST_TEXTS, **planted.HONEST_ROWS}[name]())
    assert found.measurements[0].low < 1.5, found.summary
    assert found.measurements[0].high < 5, found.summary


@pytest.mark.timeout(20)
@pytest.mark.parametrize("sizes", [(4.0, 5.25), (3.0, 5.5), (1.0, 2.5), (0.1, 900.0)])
def test_the_search_for_a_bearable_size_ends(sizes: tuple[float, float]) -> None:
    """Sizes of rows are values of columns: between 4 and 5.25 no other whole number may be next."""
    _, access = population(plain("text"))
    asked: list[float] = []

    class Steady(Prober):
        def cost(self, value: float, expected: float) -> float:
            asked.append(value)
            return 1.0

    prober = Steady(access, np.atleast_1d, left=1e9, base=1.0, cap=10.0)
    low, high = sizes
    seen = [(0.0, 1.0), (low / 2, 1.2), (low, 3.0)]
    refine(Shape("row", lambda size, rng: size, sizes), prober, seen, high)
    assert all(low < size < high for size in asked)
