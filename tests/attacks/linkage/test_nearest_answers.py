"""Answers are linked as far as they say who asked, and no further."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.linkage.nearest_answers import NearestAnswers
from goalkeeper.core.application import Application
from goalkeeper.core.data import PARTS, Data, Splits
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.evidence import AttackResult, Gain
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.games.linkage import Linkage
from goalkeeper.games.linkage.game import TASK
from goalkeeper.games.linkage.person_codes import person_codes
from goalkeeper.games.shared.simple_targets import LinearTarget
from goalkeeper.testing.worlds import linkage


def result_of(
    app: Application, seed: int = 0, queries: float = 2000, answers: int = 3
) -> AttackResult:
    granted = Power(
        knowledge=Knowledge(data=Grade.PARTIAL),
        capabilities=Capability.M2,
        view=View.SCORES,
        budget=Budget(queries=queries),
    )
    game = Linkage(answers=answers)
    return evaluate(
        app, AttackRun(attack=NearestAnswers(), game=game, task=TASK, granted=granted, seed=seed)
    )


def right(found: AttackResult) -> tuple[int, int]:
    tally = found.trials[0].tally
    assert isinstance(tally, Gain)
    return tally.successes, tally.n


def clinic(spread: float, seed: int = 0, people: int = 60) -> Application:
    """Make people with three traits, of whom each record is a measurement with some error."""
    rng = np.random.default_rng(seed)
    traits = rng.normal(size=(people, 3))

    def draw(_: str) -> Data:
        who = np.tile(np.arange(people), 2)
        x = traits[who] + spread * rng.normal(size=(len(who), 3))
        return Data(x=x, y=(x[:, 0] > 0).astype(np.int64), columns={"person": who.astype(str)})

    weights = np.array([[0.0, 0.0, 0.0], [1.0, 0.5, -0.2], [0.1, -1.0, 0.4], [-0.3, 0.2, 1.0]])
    return Application(
        name="clinic",
        target=LinearTarget(weights, np.zeros(4)),
        data=Splits(**{part: draw(part) for part in PARTS}),
        domain=TableDomain(columns=tuple(Column(name=f"t{i}") for i in range(3))),
        classes=("a", "b", "c", "d"),
        person="person",
    )


@pytest.mark.requirement("S40")
@pytest.mark.parametrize("queries", [0, 5, 2000])
def test_planted_identity_is_found_always(queries: float) -> None:
    app = linkage.fair("table", np.random.default_rng(0))
    found = result_of(replace(app, target=person_codes(app)), queries=queries)
    assert right(found) == (40, 40)
    assert found.measurements[0].value == 1.0
    assert found.cost.queries <= queries


@pytest.mark.requirement("S40")
def test_answers_that_say_nothing_are_linked_by_chance() -> None:
    """1 right link of 40 is expected; the sum over 40 games is Poisson(40): 3.5 deviations."""
    total = 0
    for seed in range(40):
        app = linkage.fair("table", np.random.default_rng(seed))
        total += right(result_of(app, seed))[0]
    assert 18 <= total <= 62


def test_more_error_and_fewer_answers_link_fewer_people() -> None:
    found = {spread: right(result_of(clinic(spread)))[0] for spread in (0.001, 0.3, 3.0)}
    assert found[0.001] == 60
    assert 6 < found[0.3] < 60
    assert found[3.0] < 10
    assert right(result_of(clinic(0.3), answers=1))[0] < found[0.3]


def test_no_more_is_asked_than_the_attack_can_use() -> None:
    app = clinic(0.3)
    assert result_of(app).cost.queries == len(app.data.similar)
    assert result_of(app, queries=7).cost.queries == 7
