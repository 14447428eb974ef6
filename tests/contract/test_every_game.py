"""What every game owes the framework; a new game inherits these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from goalkeeper.games import catalogue
from goalkeeper.testing import Check, game_checks


def checks() -> Iterator[Check]:
    for game in catalogue().values():
        yield from game_checks(game)


@pytest.mark.parametrize("check", list(checks()), ids=lambda check: check.name)
def test_contract(check: Check) -> None:
    check()
