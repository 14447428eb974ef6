"""How many records it takes: a bracket from the doses that were tested."""

from __future__ import annotations

import numpy as np
import pytest

from goalkeeper.attack_run import evaluate
from goalkeeper.attacks.poisoning.dictionary import Dictionary
from goalkeeper.core.change import Change
from goalkeeper.core.data import Data
from goalkeeper.core.evidence import Proportion
from goalkeeper.core.text import texts
from goalkeeper.games.poisoning.change import Dose
from goalkeeper.games.poisoning.minimum import find_minimum, search_minimum
from goalkeeper.games.tallies import bounds
from goalkeeper.policy import default_policy
from tests.contract.harness import enough
from tests.games.poisoning.poisoners import (
    app_of,
    run_of,
)

# ---- shares --------------------------------------------------------------------------------------


# ---- how many records it takes -------------------------------------------------------------------


def doses_of(*numbers: int) -> list[Dose]:
    """Doses that delete so many of 1,000 rows."""
    nothing = Data(x=texts([]), y=np.empty(0, dtype=np.int64))
    return [
        Dose(
            share=n / 1000,
            removed=np.arange(1000) < n,
            extra=nothing,
            added=0,
            origin=np.empty(0, dtype=np.int64),
            change=Change(delete=np.arange(n)),
            trigger=None,
            seconds=0.0,
        )
        for n in numbers
    ]


def passing(*successes: int) -> list[Proportion]:
    return [Proportion(successes=k, n=200, baseline_successes=0, baseline_n=200) for k in successes]


@pytest.mark.requirement("S24")
def test_the_smallest_number_lies_between_what_failed_and_what_sufficed() -> None:
    """With 200 inputs: 0 exclude an excess of 5 %, 40 prove one, 10 do neither."""
    doses = doses_of(2, 5, 11, 23)
    bracket = find_minimum(doses, passing(0, 10, 40, 5), 0.05)
    assert bracket.insufficient == (2, 0.002)
    assert bracket.sufficient == (11.0, 0.011)
    assert bracket.describe("pass") == "It takes about 11 (3 to 11) records to pass."
    share, number = bracket.measure("pass")
    assert (number.metric, number.value, number.low, number.high) == ("smallest_number", 11, 3, 11)
    assert (share.metric, share.value, share.low, share.high) == (
        "smallest_share",
        0.011,
        0.002,
        0.011,
    )
    assert number.n == 4


def test_where_nothing_sufficed_only_a_lower_end_is_known() -> None:
    bracket = find_minimum(doses_of(2, 5, 11), passing(0, 0, 10), 0.05)
    assert bracket.insufficient == (5, 0.005)
    assert min(bracket.sufficient) == float("inf")
    assert bracket.describe("pass") == "Up to 11 records were not shown to pass."
    at_once = find_minimum(doses_of(1, 2), passing(200, 200), 0.05)
    assert at_once.describe("pass") == "It takes 1 record to pass."


@pytest.mark.requirement("S24", "S30")
def test_the_summary_says_how_many_records_it_takes() -> None:
    """The first exposure level begins where the tolerance is exceeded, or 1 % pass."""
    app = app_of("text")
    declined = evaluate(app, run_of(Dictionary(), app, enough(Dictionary)))
    found = {m.metric: m.value for m in declined.measurements if not m.group}
    assert "to exceed the tolerance." in declined.summary
    number = found["smallest_number"]
    assert number in {round(t.share * 300 / (1 - t.share)) for t in declined.trials}
    first = default_policy().rating.metrics["tolerance_multiple"].edges[0]
    sufficing = [t for t in declined.trials if bounds(t.tally, 0.025).low > first]
    assert found["smallest_share"] == sufficing[0].share
