"""Which time limit a command has where none, or the default one, is given."""

from __future__ import annotations

import math

import pytest

from goalkeeper.cli.effort import collect_limited_sizing, limit_by_default
from goalkeeper.planning import Choice

EXHAUSTIVE = Choice(exhaustive=True)


@pytest.mark.parametrize(
    ("time", "effort", "choice", "limit"),
    [
        ("", None, Choice(), 900),
        ("15m", None, Choice(), 900),
        ("", 2.0, Choice(), math.inf),
        ("", None, EXHAUSTIVE, math.inf),
        ("15m", None, EXHAUSTIVE, 900),
        ("15m", 2.0, EXHAUSTIVE, 900),
    ],
)
def test_a_given_limit_holds_and_the_default_one_only_where_nothing_else_is_chosen(
    time: str, effort: float | None, choice: Choice, limit: float
) -> None:
    assert limit_by_default(collect_limited_sizing(effort, time), choice).limit == limit
