"""The four facts that must hold before a run may decide: from the game's rule to the verdict."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from goalkeeper.core.application import Application, Wiring
from goalkeeper.core.assessment import Verdict
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import Attacker, Budget
from goalkeeper.core.standing import Standing, StandingKind
from goalkeeper.games.bit_flips import BitFlipping
from goalkeeper.games.evasion import Evasion
from goalkeeper.games.extraction import Extraction
from goalkeeper.games.poisoning import Poisoning
from goalkeeper.games.steered_training import SteeredTraining
from goalkeeper.games.swapped_file import SwappedFile
from goalkeeper.games.teaching import Teaching
from goalkeeper.games.transit import Transit
from goalkeeper.rate import rate
from tests.attacks.membership.gaussian import application
from tests.rate.making import POLICY, SECRECY, evidence, need_of, of, trial

ATTACKERS = POLICY.attackers


@pytest.fixture(scope="module")
def app() -> Application:
    return replace(application(seed=0), harmless=0)


def verdict_of(standing: Standing, goal: Goal) -> Verdict:
    """Rate a goal that one attack withstood, and another one broke with this standing."""
    withstood = evidence(trial(of(0, 4000)), name="withstood", goals=[goal])
    broken = evidence(trial(of(400, 400)), name="broken", goals=[goal])
    found = [withstood, broken.model_copy(update={"standing": standing})]
    return rate(found, {goal: need_of(1, goal)}, POLICY, SECRECY, {goal: 2})[1][goal].verdict


def granted(game: Any, app: Application, attacker: str | Attacker, place: int = 0) -> Standing:
    who = ATTACKERS[attacker] if isinstance(attacker, str) else attacker
    task = game.tasks(app)[place]
    found: Standing = game.standing(app, task, who)
    goal = task.harms[0].goal
    wanted = Verdict.NOT_MET if found.decides else Verdict.MET
    assert verdict_of(found, goal) is wanted
    assert found.decides or (who.name in found.reason and len(found.reason) > 40)
    return found


# ---- whose input -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ATTACKERS)
def test_who_writes_only_own_inputs_makes_nobody_elses_be_declined(
    app: Application, name: str
) -> None:
    who = ATTACKERS[name]
    declined = [t for t in Evasion().tasks(app) if Goal.AVAILABILITY in {h.goal for h in t.harms}]
    passes = [t for t in Evasion().tasks(app) if t not in declined]
    assert declined
    assert passes
    writes_others = name in ("interceptor", "insider")
    assert all(bool(who.lacks_inputs(t.writes)) is not writes_others for t in declined)
    assert all(not who.lacks_inputs(t.writes) or name == "interceptor" for t in passes)


def test_an_attacker_that_says_nothing_writes_its_own_inputs() -> None:
    assert Attacker(name="somebody", power=ATTACKERS["outsider"].power).lacks_inputs("others")


# ---- trivial by grant --------------------------------------------------------------------------


def test_whoever_holds_the_model_copies_it(app: Application) -> None:
    assert granted(Extraction(), app, "device_holder").kind is StandingKind.NO_HARM
    assert granted(Extraction(), app, "customer").decides


@pytest.mark.parametrize(("channel", "decides"), [("none", False), ("signed", True)])
def test_answers_in_transit_are_granted_unless_their_protection_is_put_to_the_test(
    app: Application, channel: str, *, decides: bool
) -> None:
    wired = replace(app, wiring=Wiring(channel=channel))
    assert granted(Transit(), wired, "interceptor").decides is decides
    assert not granted(Transit(), wired, "interceptor", place=1).decides  # withheld


@pytest.mark.parametrize(("protection", "decides"), [("", False), ("a hash", True)])
def test_a_stored_file_is_granted_unless_its_check_is_put_to_the_test(
    app: Application, protection: str, *, decides: bool
) -> None:
    stored: Any = SimpleNamespace(protection=protection)
    kept = replace(app, storage=stored)
    assert granted(SwappedFile(), kept, "device_holder").decides is decides


def test_stored_numbers_and_the_training_are_granted_to_who_writes_them(app: Application) -> None:
    assert not granted(BitFlipping(), app, "device_holder").decides
    assert not granted(SteeredTraining(), app, "insider").decides
    assert granted(SteeredTraining(), app, "contributor").decides  # some places of each epoch


@pytest.mark.parametrize("game", [Poisoning(), Teaching()], ids=lambda game: game.name)
def test_half_of_the_data_in_hostile_hands_is_granted(game: Any, app: Application) -> None:
    who = ATTACKERS["insider"]
    half = replace(who, power=replace(who.power, budget=Budget(share=0.5)))
    assert not granted(game, app, half).decides
    assert granted(game, app, who).decides


def test_nobody_writes_more_than_a_fifth_of_the_training_data_by_default() -> None:
    assert max(who.power.budget.share for who in ATTACKERS.values()) == 0.2
