"""Every public method of `Access`: the least power that opens it, and each piece of it missing.

What is open to everybody has the row `Power()`. A method without a row is an error, so that no
door is added without saying whom it lets in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from goalkeeper.core.access import Access
from goalkeeper.core.change import Change
from goalkeeper.core.deadline import time_limit
from goalkeeper.core.errors import (
    BudgetSpent,
    ChangeRefused,
    GoalkeeperError,
    NotGranted,
    TimeIsUp,
)
from goalkeeper.core.feedback import FeedbackBatch
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.core.steering import Steering
from tests.core.everything import ROWS, Averages, Lookalike, application, opened, part

Use = Callable[[Access], Any]
X = part(0).x[:2]
THREE = part(600).take(slice(0, 3))


@dataclass(frozen=True, kw_only=True)
class Row:
    """A method, how it is used, and the least power for that; `way` tells rows of one apart."""

    method: str
    use: Use
    power: Power = field(default_factory=Power)
    way: str = ""

    def __str__(self) -> str:
        return f"{self.method}-{self.way}" if self.way else self.method


def knows(**grades: Grade) -> Power:
    return Power(knowledge=Knowledge(**grades))


def can(*cells: str, share: float = 0.0) -> Power:
    return Power(capabilities=Capability.of(cells), budget=Budget(share=share))


def row(method: str, power: Power = Power(), *args: Any, way: str = "") -> Row:  # noqa: B008
    """A method called with these arguments, or a property that is read."""

    def use(access: Access) -> Any:
        found = getattr(access, method)
        return found(*args) if callable(found) and method != "rng" else found

    return Row(method=method, use=use, power=power, way=way)


def relabelling(access: Access) -> Change:
    """Relabel two rows: the attacker's own, and others where it has fewer."""
    mine = [*access.reachable(), *range(ROWS)]
    return Change(relabel=np.array(list(dict.fromkeys(mine))[:2]), relabelled=np.array([0, 0]))


FULL, PARTIAL = Grade.FULL, Grade.PARTIAL
ASKING = Power(capabilities=Capability.M2, view=View.LABELS, budget=Budget(queries=2))
OWN_COPY = Power(knowledge=Knowledge(model=FULL), view=View.LABELS)
SAME_ORDER = Steering(order=lambda honest, labels, epoch: honest)
TWO_OF_ALL = 2 / ROWS

TABLE = [
    # open to everybody
    row("rng"),
    row("shared_rng"),
    row("domain"),
    row("classes"),
    row("harmless"),
    row("retrainable"),
    row("granted"),
    row("spent"),
    row("left"),
    row("memory"),
    row("checkpoint", Power(), "an answer"),
    row("checkpoints"),
    row("victims"),
    # questions to the model
    row("query", ASKING, X, way="by M2"),
    row("query", OWN_COPY, X, way="an own copy"),
    row("query_each", ASKING, X, way="by M2"),
    row("query_each", OWN_COPY, X, way="an own copy"),
    row("answer_costs", ASKING, X, way="by M2"),
    row("answer_costs", OWN_COPY, X, way="an own copy"),
    Row(
        method="victims",
        use=lambda a: [victim.query(X) for victim in a.victims()],
        power=ASKING,
        way="asked",
    ),
    row("parameters", knows(model=FULL)),
    row("vocabulary", knows(model=PARTIAL)),
    row("artefact", knows(model=FULL)),
    row("network", replace(knows(model=FULL), view=View.GRADIENTS)),
    # data and algorithm
    row("data", knows(data=PARTIAL)),
    row("trainer", knows(algorithm=PARTIAL)),
    row("reference_models", knows(data=PARTIAL, algorithm=PARTIAL), THREE, 4),
    *[row(m, can(c), way=c) for m in ("reachable", "own") for c in ("T1", "T2", "T3", "T4")],
    # changes
    Row(method="check", use=lambda a: a.check(relabelling(a)), power=can("T4", share=TWO_OF_ALL)),
    Row(method="poison", use=lambda a: a.poison(relabelling(a)), power=can("T4", share=TWO_OF_ALL)),
    row("teach", can("M4", share=3 / (ROWS + 3)), FeedbackBatch.about(THREE, 0 * THREE.y)),
    row("steer", can("M3"), Steering(seed=1), way="M3"),
    row("steer", can("M4"), SAME_ORDER, way="M4"),
    row("tamper", can("W"), dict),
    row("intercept", can("O"), lambda answers: answers),
]


def without_one_piece(power: Power) -> Iterator[tuple[Power, type[GoalkeeperError]]]:
    """Yield a power for every single piece taken away, and what it is then refused by."""
    for name, grade in power.knowledge.items():
        if grade:
            less = replace(power.knowledge, **{name: Grade(grade - 1)})
            yield replace(power, knowledge=less), NotGranted
    for cell in power.capabilities.names():
        yield replace(power, capabilities=power.capabilities & ~Capability[cell]), NotGranted
    if power.view:
        yield replace(power, view=View(power.view - 1)), NotGranted
    budget = power.budget
    if budget.queries:
        yield replace(power, budget=replace(budget, queries=budget.queries - 1)), BudgetSpent
    if budget.share:
        yield replace(power, budget=replace(budget, share=budget.share - 1e-6)), ChangeRefused


def test_every_public_method_has_a_row() -> None:
    public = {name for name in dir(opened(Power())) if not name.startswith("_")}
    assert public == {row.method for row in TABLE}


@pytest.mark.requirement("S7")
@pytest.mark.parametrize("row", TABLE, ids=str)
def test_the_least_power_suffices(row: Row) -> None:
    row.use(opened(row.power))


@pytest.mark.requirement("S7")
@pytest.mark.parametrize("row", TABLE, ids=str)
def test_without_any_one_piece_it_is_refused(row: Row) -> None:
    for less, refusal in without_one_piece(row.power):
        with pytest.raises(refusal):
            row.use(opened(less))


def test_full_knowledge_gives_what_partial_knowledge_does_not() -> None:
    """Both are granted something; what, is in the grade."""
    app = application()
    partial, full = (opened(knows(data=g, algorithm=g), app) for g in (PARTIAL, FULL))
    assert (partial.data().x == app.data.similar.x).all()
    assert (full.data().x == app.data.train.x).all()
    assert (partial.trainer().recipe, full.trainer().recipe) == (
        Lookalike.recipe,
        Averages.recipe,
    )


def test_who_influences_steps_does_not_choose_seed_or_weights() -> None:
    for more in (Steering(seed=1), Steering(weights=np.ones(ROWS))):
        opened(can("M3")).steer(more)
        with pytest.raises(NotGranted, match="M3"):
            opened(can("M4")).steer(more)


def test_every_victim_pays_from_its_own_campaign() -> None:
    access = opened(ASKING)
    victims = access.victims()
    victims[1].query(X)
    assert access.left().tolist() == [2, 0, 2]
    assert [victim.left().tolist() for victim in victims] == [[2], [0], [2]]
    with pytest.raises(BudgetSpent, match="campaign 1"):
        victims[1].query(X[:1])
    victims[0].query(X)
    victims[2].query(X)
    assert access.spent.queries == 6


def test_a_view_is_cut_for_victims_and_changed_targets_too() -> None:
    power = replace(ASKING, capabilities=Capability.M2 | Capability.W | Capability.O)
    access = opened(replace(power, budget=Budget(queries=10)))
    for door in (access, access.victims()[0], access.tamper(dict)):
        with pytest.raises(NotGranted):
            _ = door.query(X[:1]).scores


def test_changes_do_not_draw_new_rows_into_reach() -> None:
    """Otherwise one change after the other would reach all rows."""
    power = replace(can("T4", "M3", "M4", "W", share=0.25), view=View.LABELS)
    access = opened(power)
    lesson = FeedbackBatch.about(part(600).take(slice(0, 3)), np.zeros(3, dtype=np.int64))
    later = [
        access.poison(Change()),
        access.steer(Steering(seed=1)),
        access.tamper(dict),
        access.teach(lesson),
        access.victims()[0],
    ]
    rows = access.reachable().tolist()
    assert len(rows) == ROWS // 4
    assert [door.reachable().tolist() for door in later] == [rows] * len(later)


def test_feedback_rests_on_real_records() -> None:
    """A reviewer starts from the record; a made-up one with the wanted label would pass any."""
    access = opened(can("M4", share=0.5))
    real = part(600).take(slice(0, 3))
    made_up = [
        replace(real, x=real.x + 0.5),
        replace(real, y=1 - real.y),
        part(0).take(slice(0, 3)),
    ]
    access.teach(FeedbackBatch.about(real, real.y))
    for bases in made_up:
        with pytest.raises(ChangeRefused, match="base 0 is not a record"):
            access.teach(FeedbackBatch.about(bases, real.y))
    knowing = replace(can("M4", share=0.5), knowledge=Knowledge(data=FULL))
    opened(knowing).teach(FeedbackBatch.about(part(0).take(slice(0, 3)), real.y))


def test_checkpoints_cannot_be_rewritten() -> None:
    access = opened(Power())
    access.checkpoint("first")
    assert isinstance(access.checkpoints, tuple)
    with pytest.raises(AttributeError):
        access.checkpoints = ()  # type: ignore[misc]


# ---- when time is over ---------------------------------------------------------------------------

# What asks, trains or pays. What gives a copy, a network or a trainer only is not refused.
WORKS = {"query", "query_each", "answer_costs", "check", "poison", "teach", "steer", "tamper"}


def over() -> AbstractContextManager[None]:
    return time_limit(0.0, lambda: 1.0)


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_nothing_is_asked_or_trained_when_time_is_over(row: Row) -> None:
    access = opened(row.power)
    works = row.method in WORKS or row.way == "asked"
    with over(), pytest.raises(TimeIsUp) if works else nullcontext():
        row.use(access)
    assert access.spent.queries == access.spent.models == access.spent.forward == 0


def test_what_was_handed_out_stops_as_well() -> None:
    access = opened(replace(knows(model=FULL, algorithm=FULL), view=View.GRADIENTS))
    network, trainer = access.network(), access.trainer()
    for work in (
        lambda: network(X),
        lambda: trainer.fit(THREE, 0),
        lambda: trainer.changed(lambda it: it).fit_many(THREE, np.ones((1, 3), dtype=bool), [0]),
    ):
        with over(), pytest.raises(TimeIsUp):
            work()
    assert access.spent.models == 0
