"""Games are found by their folder, and those of one family share its random streams."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from goalkeeper.attack_run import AnyGame, AttackRun
from goalkeeper.attacks import catalogue as attacks
from goalkeeper.core.power import Power
from goalkeeper.games import catalogue
from goalkeeper.games.base import Task
from goalkeeper.games.bit_flips import BitFlipping
from goalkeeper.games.bit_flips.game import TASK
from goalkeeper.games.membership import Membership
from goalkeeper.policy import default_policy
from goalkeeper.testing.worlds import worlds_of

GAMES = catalogue()


def test_every_game_is_named_after_its_folder_and_belongs_to_a_family_of_the_taxonomy() -> None:
    assert {name: game.name for name, game in GAMES.items()} == {name: name for name in GAMES}
    assert {game.family for game in GAMES.values()} <= set(default_policy().families)


def test_every_game_has_attacks_and_no_attack_has_another_game() -> None:
    assert {attack.game for attack in attacks().values()} == set(GAMES.values())


def test_a_game_that_names_no_family_is_one() -> None:
    assert Membership.family == "membership"
    assert BitFlipping.family == "tampering"


def tasks(game: type[AnyGame]) -> dict[str, Task]:
    found: dict[str, Task] = {}
    for domain in sorted(game.domains):
        app = worlds_of(game).rigged(domain, np.random.default_rng(0))
        found |= {task.name: task for task in game().tasks(app)}
    return found


@pytest.mark.parametrize("family", sorted({game.family for game in GAMES.values()}))
def test_no_two_games_of_a_family_have_a_task_of_the_same_name(family: str) -> None:
    """The random streams are named by family and task, so a shared name would share a stream."""
    names = Counter(name for g in GAMES.values() if g.family == family for name in tasks(g))
    assert set(names.values()) == {1}, names


def test_streams_are_named_by_the_family() -> None:
    """Reference: what was drawn at seed 0 before the family was split into several games."""
    attack = attacks()["bit_flips"]()
    run = AttackRun(attack=attack, game=BitFlipping(), task=TASK, granted=Power(), seed=0)
    drawn = [np.random.default_rng(run.rng(who)).bytes(8).hex() for who in ("game", "attack")]
    assert drawn == ["a7863b6b8d543c68", "c7745a7c66354bc7"]
