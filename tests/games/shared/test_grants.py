"""What follows from a grant is no gain: whoever has the model, and whoever has data."""

from __future__ import annotations

from typing import Any

import pytest

from goalkeeper.core.application import Application
from goalkeeper.core.power import Grade, Knowledge, Power
from goalkeeper.core.standing import StandingKind
from goalkeeper.games.extraction import Extraction
from goalkeeper.games.hyperparameters import HyperparameterInference
from goalkeeper.games.indicator_columns import ColumnIndicators
from goalkeeper.games.indicator_words import WordIndicators
from goalkeeper.games.inversion import Inversion
from goalkeeper.games.model_family import ModelFamilyInference
from goalkeeper.planning import make_plan
from goalkeeper.policy import default_policy
from tests.attacks.membership.gaussian import application

ATTACKERS = default_policy().attackers
OF_THE_MODEL = (
    Extraction(),
    HyperparameterInference(),
    ColumnIndicators(),
    WordIndicators(),
    ModelFamilyInference(),
)


@pytest.fixture(scope="module")
def app() -> Application:
    return application(seed=0)


@pytest.mark.parametrize("game", OF_THE_MODEL, ids=lambda game: game.name)
def test_what_is_hidden_of_a_model_is_no_gain_to_who_has_it(app: Application, game: Any) -> None:
    task = game.tasks(app)[0]
    kinds = {name: game.standing(app, task, who).kind for name, who in ATTACKERS.items()}
    assert kinds == {
        name: StandingKind.NO_HARM if name in ("device_holder", "insider") else StandingKind.DECIDES
        for name in ATTACKERS
    }


@pytest.mark.parametrize(
    "game", [ColumnIndicators(), WordIndicators(), Inversion()], ids=lambda g: g.name
)
def test_a_baseline_knows_the_data_of_the_whole_attacker(game: Any) -> None:
    for who in ATTACKERS.values():
        data = who.power.knowledge.data
        assert game.baseline_power(who.power) == Power(knowledge=Knowledge(data=data))


def test_a_copy_made_without_a_question_knows_data_and_recipe_of_the_whole_attacker() -> None:
    for who in ATTACKERS.values():
        known = who.power.knowledge
        expected = Power(knowledge=Knowledge(data=known.data, algorithm=known.algorithm))
        assert Extraction().baseline_power(who.power) == expected


def test_no_attack_is_granted_less_than_the_baseline_it_is_compared_with(app: Application) -> None:
    """As far as it can use it: else its copy is below the one of data that it was not granted."""
    grants: dict[str, set[tuple[Grade, Grade]]] = {}
    for e in make_plan(app).entries:
        if e.unit and e.game == "extraction" and e.attack != "artefact_copy":
            known = e.unit.run.granted.knowledge
            grants.setdefault(e.attacker.name, set()).add((known.data, known.algorithm))
    assert grants["customer"] == {(Grade.PARTIAL, Grade.PARTIAL)}
    assert grants["supplier"] == {(Grade.FULL, Grade.PARTIAL)}
    assert {data for data, _ in grants["outsider"]} == {Grade.NONE}


def test_an_attack_that_uses_no_data_is_still_compared_with_the_data(app: Application) -> None:
    """The grant of a theft holds no data: the baseline must not be cut to it."""
    known = {
        e.attacker.name: (e.unit.run.attacker or Power()).knowledge.data
        for e in make_plan(app).entries
        if e.unit and e.game == "extraction" and not e.unit.run.granted.knowledge.data
    }
    assert known["outsider"] is Grade.NONE
    assert all(data == ATTACKERS[name].power.knowledge.data for name, data in known.items())
