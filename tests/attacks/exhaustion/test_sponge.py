"""Sponges: every kind keeps the room it is given, and a known weak spot is found by counting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.exhaustion.sponge import Sponge
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import Floats, Inputs, row_keys
from goalkeeper.core.errors import TargetError
from goalkeeper.core.evidence import AttackResult, Latency
from goalkeeper.core.power import Budget, Capability, Power, View
from goalkeeper.games.exhaustion import Exhaustion, Population, SizeLimits
from goalkeeper.games.exhaustion.game import TASK
from goalkeeper.games.shared.base_targets import BareTarget
from goalkeeper.testing.worlds.readings import ReadingTarget, reading_application, two_classes
from tests.contract.harness import enough

INPUTS = 12
SIZE = 300


@dataclass(eq=False)
class Costly(BareTarget):
    """Counts by a rule what each input costs: no clock is read."""

    cost: Callable[[str], float]
    done: list[float] = field(default_factory=lambda: [0.0])

    def answer(self, x: Inputs, view: View) -> Answers:
        self.done[0] += sum(self.cost(text) for text in x)
        return two_classes(np.full(len(x), 0.4), view)

    def work(self) -> float:
        return self.done[0]


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
@pytest.mark.parametrize(("kind", "fewest"), [("text", 14), ("table", 6), ("image", 6)])
def test_every_kind_keeps_the_room_and_costs_each_campaign_a_query(kind: str, fewest: int) -> None:
    app = plain(kind)
    found, access = population(app)
    assert len(found) == fewest
    for one in found:
        assert len(one.x) == INPUTS
        assert app.domain.valid(one.x).all(), one.name
        if kind == "text":
            assert len({*one.x.tolist()}) == INPUTS, one.name
            assert max(map(len, one.x)) <= SIZE
            assert min(map(len, one.x)) >= 0.9 * SIZE, one.name
    assert access.left().tolist() == [100 - fewest] * INPUTS
    assert access.spent.queries == fewest * INPUTS
    sizes = [len(point.answer) for point in access.checkpoints]
    assert sizes == list(range(1, fewest + 1))


def test_a_budget_of_three_queries_tries_three_kinds() -> None:
    found, access = population(plain("text"), queries=3)
    assert len(found) == 3
    assert access.spent.queries == 3 * INPUTS


def test_a_kind_that_is_refused_is_left_out_and_paid_for() -> None:
    class Refusing(ReadingTarget):
        def answer(self, x: Inputs, view: View) -> Answers:
            if any(set("([{<") & set(text) for text in x):
                raise TargetError("no brackets")
            return two_classes(np.full(len(x), 0.4), view)

    found, access = population(replace(plain("text"), target=Refusing()))
    assert "nested brackets" not in {one.name for one in found}
    assert len(found) == 13
    assert access.spent.queries == 14 * INPUTS


def result_of(cost: Callable[[str], float]) -> AttackResult:
    app = replace(plain("text"), target=Costly(cost))
    this = AttackRun(
        attack=Sponge(),
        game=Exhaustion(rounds=1, inputs=20),
        task=TASK,
        granted=enough(Sponge, queries=20),
        seed=0,
    )
    return evaluate(app, this)


@pytest.mark.requirement("S31")
@pytest.mark.parametrize(
    ("cost", "kinds"),
    [
        (lambda text: 1.0 + len(set(text.split())), {"as many different words as fit"}),
        (lambda text: 1.0 + max(map(len, text.split())), {"one very long word"}),
        (lambda text: 1.0 + sum(text.count(sign) for sign in "([{<"), {"nested brackets"}),
        (
            lambda text: 1.0 + sum("\u4e00" <= sign <= "\u9fff" for sign in text),
            {"signs of other scripts"},
        ),
    ],
)
def test_a_known_weak_spot_is_found(cost: Callable[[str], float], kinds: set[str]) -> None:
    found = result_of(cost)
    assert any(f"({kind})" in found.summary for kind in kinds), found.summary
    tally = found.trials[-1].tally
    assert isinstance(tally, Latency)
    assert tally.unit == "operations"
    assert found.measurements[0].low > 1.5
    over: Floats = np.array(tally.attack)
    value = np.median(over) / np.median(tally.benign)
    assert found.measurements[0].value == pytest.approx(value)


def test_nothing_is_found_where_every_character_costs_the_same() -> None:
    found = result_of(lambda text: float(len(text)))
    assert found.measurements[0].value == pytest.approx(1, abs=0.01)
    assert "no kind is significantly slower" in found.summary


def test_rows_and_images_are_different_ones() -> None:
    for kind in ("table", "image"):
        for one in population(plain(kind))[0]:
            assert len(set(row_keys(one.x))) >= 2, one.name
