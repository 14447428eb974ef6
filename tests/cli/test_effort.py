"""The time limit that applies where the user gave none."""

from __future__ import annotations

import pytest

from goalkeeper.cli.effort import DEFAULT_LIMIT, collect_limited_sizing
from goalkeeper.planning import Choice

NONE = float("inf")


@pytest.mark.parametrize(
    ("effort", "time", "exhaustive", "limit"),
    [
        (None, "", False, DEFAULT_LIMIT),
        (None, "", True, NONE),
        (2.0, "", False, NONE),
        (None, "15m", True, 900.0),  # the same as the default, but asked for
        (2.0, "15m", True, 900.0),
        (None, "40m", False, 2400.0),
    ],
)
def test_the_time_limit(effort: float | None, time: str, exhaustive: bool, limit: float) -> None:  # noqa: FBT001
    chosen = Choice(exhaustive=exhaustive)
    assert collect_limited_sizing(effort, time).settle(chosen).limit == limit
