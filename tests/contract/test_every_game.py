"""What every game owes the framework; a new game inherits these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from goalkeeper.attacks import catalogue
from goalkeeper.testing import Check, game_checks


def checks() -> Iterator[Check]:
    games = {attack.game.name: attack.game for attack in catalogue().values()}
    for _, game in sorted(games.items()):
        yield from game_checks(game)


@pytest.mark.parametrize("check", list(checks()), ids=lambda check: check.name)
def test_contract(check: Check) -> None:
    check()
