"""How many records it takes: a bracket from the doses that were tested."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from goalkeeper.attack_run import evaluate
from goalkeeper.attacks.poisoning.dictionary import Dictionary
from goalkeeper.core.access import Access
from goalkeeper.core.change import Change
from goalkeeper.core.data import Data
from goalkeeper.core.evidence import AttackResult, Proportion
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power
from goalkeeper.core.text import texts
from goalkeeper.games.poisoning import Contribution, Poisoning, PoisoningQuestion
from goalkeeper.games.poisoning.change import Dose
from goalkeeper.games.poisoning.marks import choose_best
from goalkeeper.games.poisoning.minimum import find_minimum, search_minimum
from goalkeeper.games.tallies import bounds, value
from goalkeeper.policy import default_policy
from tests.contract.harness import enough
from tests.games.poisoning.poisoners import (
    Does,
    Plays,
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
    assert bracket.describe("pass") == "No number of records up to 11 was shown to pass."
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


@pytest.mark.requirement("S24")
@pytest.mark.parametrize("truth", [1, 2, 5, 9, 30, 80, 91])
def test_the_smallest_number_is_found_below_the_smallest_dose(truth: int) -> None:
    """A dose of `truth` records lets everything pass; asked were 91 and more."""
    doses = doses_of(91, 182, 364)
    tried: list[int] = []

    def count(dose: Dose) -> Proportion:
        tried.append(dose.number)
        assert dose.removed.sum() == dose.number
        return passing(200 if dose.number >= truth else 0)[0]

    found = search_minimum(doses, passing(200, 200, 200), 0.05, count, 5)
    assert truth / 2 <= found.estimate[0] <= 2 * truth
    assert found.insufficient[0] < truth <= found.sufficient[0]
    assert len(tried) <= 5


def test_a_search_that_is_uncertain_says_so() -> None:
    """10 of 200 neither exceed a share of 3 % for sure, nor stay below it."""
    doses = doses_of(16)
    found = search_minimum(doses, passing(100), 0.03, lambda _: passing(10)[0], 5)
    assert found.estimate[0] < 16
    assert found.insufficient[0] == 0
    assert found.sufficient[0] == 16


def test_nothing_is_searched_where_nothing_suffices() -> None:
    def count(dose: Dose) -> Proportion:
        raise AssertionError("no dose sufficed")

    assert search_minimum(doses_of(5, 10), passing(0, 0), 0.05, count, 5).most == 10


@pytest.mark.requirement("S24", "S30")
def test_the_smallest_number_agrees_with_trying_every_number() -> None:
    """Nearest records: each relabelled one decides a niche."""
    app, game = app_of("table"), Poisoning(points=2)
    full = Power(
        knowledge=Knowledge(data=Grade.FULL), capabilities=Capability.T4, budget=Budget(share=0.5)
    )

    def play(how: Plays, granted: Power) -> AttackResult:
        return evaluate(app, run_of(Does(how=how), app, granted, game=game))

    def flips(aim: PoisoningQuestion, access: Access) -> Contribution:
        rows = np.flatnonzero(access.own().y == 0)
        for count in aim.change_counts(access.granted.budget.share):
            some = rows[:count]
            change = Change(relabel=some, relabelled=np.ones(len(some), dtype=np.int64))
            access.checkpoint(Contribution(change=change, access=access))
        answer: Contribution = access.checkpoints[-1].answer
        return answer

    number = next(m for m in play(flips, full).measurements if m.metric == "smallest_number")
    rows = len(app.data.train)
    for truth in range(1, rows):
        share = replace(full, budget=Budget(share=(truth + 0.5) / rows))
        only = evaluate(app, run_of(Does(how=flips), app, share, game=Poisoning(points=1)))
        if value(only.trials[-1].tally) > 1:
            break
    assert truth / 2 <= number.value <= 2 * truth
    assert number.low <= truth


@pytest.mark.requirement("S24")
def test_where_more_poison_does_less_the_best_dose_is_shown() -> None:
    """The last contribution only repeats the training data as it is."""
    app = app_of("table")

    def dips(aim: PoisoningQuestion, access: Access) -> Contribution:
        rows = np.flatnonzero(access.own().y == 0)
        few, _, most = aim.change_counts(access.granted.budget.share)[-3:]
        change = Change(relabel=rows[:few], relabelled=np.ones(few, dtype=np.int64))
        access.checkpoint(Contribution(change=change, access=access))
        same = np.arange(most)
        change = Change(relabel=same, relabelled=access.own().y[same])
        return Contribution(change=change, access=access)

    full = Power(
        knowledge=Knowledge(data=Grade.FULL), capabilities=Capability.T4, budget=Budget(share=0.5)
    )
    result = evaluate(app, run_of(Does(how=dips), app, full))
    assert len(result.trials) == 2
    assert result.trials[0].tally == result.trials[1].tally
    assert result.measurements[0].value > 1
    assert any("more poison does less" in caveat for caveat in result.caveats)


def test_a_smaller_dose_is_preferred_only_where_it_clearly_does_more() -> None:
    rng = np.random.default_rng(0)
    same = (rng.random((4, 500)) < 0.3).astype(float)
    assert choose_best(np.stack([same[0], same[0] * 0.5, same[0]])) == [0, 0, 2]
    noisy = [choose_best((rng.random((5, 100)) < 0.3).astype(float))[-1] for _ in range(200)]
    assert np.mean([last == 4 for last in noisy]) > 0.85
    assert choose_best(np.zeros((3, 0))) == [0, 1, 2]
