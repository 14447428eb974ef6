"""How games write shares: no false zeros, no false hundreds, no digits that nobody reads."""

from __future__ import annotations

import pytest

from goalkeeper.games.shared.wording import percent, rate, span


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"), (0.0001, "below 0.1 %"), (0.076, "7.6 %"), (0.98, "98 %"),
        (0.9996, "above 99.9 %"), (1.0, "100 %"), (-0.01, "-1 %"),
    ],
)  # fmt: skip
def test_shares_are_percent(share: float, text: str) -> None:
    assert percent(share) == text


def test_an_interval_names_the_unit_once() -> None:
    assert span(0.863, 0.995) == "86.3 to 99.5 %"
    assert rate(0.96, 0.863, 1.0) == "96 % (86.3 to 100 %)"
