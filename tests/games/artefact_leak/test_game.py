"""The artefact leak game counts what singles out a training record, and compares with strangers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Application
from goalkeeper.core.cost import Cost
from goalkeeper.core.data import Data, Splits
from goalkeeper.core.domain import Column, TableDomain, TextDomain
from goalkeeper.core.errors import DataError
from goalkeeper.core.evidence import AttackResult, Proportion, Status
from goalkeeper.core.power import Power
from goalkeeper.core.text import texts
from goalkeeper.games.artefact_leak import ArtefactLeak, WordRegions, WordWeights
from goalkeeper.games.artefact_leak.claims import (
    Claims,
    Regions,
    WordSets,
    check_claims,
    claim_records,
    count_singled_out,
    match_single_records,
    measure_widths,
)
from goalkeeper.games.artefact_leak.game import LEAVES, RECORDS, WORDS
from goalkeeper.games.base import Marking, Task
from goalkeeper.games.tallies import beats_baseline
from goalkeeper.testing.worlds import artefact_leak
from goalkeeper.testing.worlds.kit import HashedTarget

GAME = ArtefactLeak()


def table(x: object, y: object = None) -> Data:
    rows = np.asarray(x, dtype=np.float64)
    return Data(x=rows, y=np.zeros(len(rows), dtype=np.int64) if y is None else np.asarray(y))


def evaluate(app: Application, claims: Claims, task: Task = RECORDS) -> AttackResult:
    rng = np.random.default_rng(0)
    return GAME.mark(
        Marking(
            app=app,
            task=task,
            deal=GAME.deal(app, task, rng),
            answers=[Checkpoint(claims, Cost(), np.array([0]))],
            granted=Power(),
            rng=rng,
        )
    )


def counts(result: AttackResult) -> tuple[int, int, int]:
    tally = result.trials[0].tally
    assert isinstance(tally, Proportion)
    return tally.successes, tally.n, tally.baseline_successes


def test_a_record_is_singled_out_by_itself_up_to_rounding() -> None:
    data = table([[0.1, 5.0], [0.1, 6.0], [0.3, 5.0], [0.3, 5.0]])
    claims = claim_records(np.array([[0.1, 5.0], [0.3, 5.0], [0.1, 5.5]]), np.array([0, 0, 0]))
    assert match_single_records(claims, data).tolist() == [
        True,
        True,
        False,
    ]  # equal records are one
    near = claim_records(data.x[:1].astype(np.float32).astype(np.float64), np.array([0]))
    assert match_single_records(near, data).all()
    assert not match_single_records(
        claim_records(data.x[:1], np.array([1])), data
    ).any()  # another class
    assert match_single_records(
        claim_records(data.x[:1], np.array([-1])), data
    ).all()  # no class is claimed


def test_a_region_must_hold_exactly_one_record() -> None:
    data = table([[1.0, 0.0], [2.0, 0.0], [3.0, 1.0]])
    low = np.array([[-np.inf, -np.inf], [2.5, -np.inf], [5.0, 0.0], [-np.inf, 0.5]])
    high = np.array([[1.5, np.inf], [np.inf, np.inf], [6.0, 1.0], [np.inf, np.inf]])
    claims = Regions(low, high, np.zeros(4, dtype=np.int64))
    assert match_single_records(claims, data).tolist() == [True, True, False, True]
    np.testing.assert_allclose(measure_widths(claims, data), [0.625, 0.625, 0.5, 0.75])


def test_a_record_on_the_edge_between_two_leaves_is_in_one() -> None:
    app = artefact_leak.rigged("table", np.random.default_rng(0))
    data = replace(app.data, train=table([[0.0], [1.0], [2.0]])).train
    low, high = np.array([[-np.inf], [1.0]]), np.array([[1.0], [np.inf]])
    closed = Regions(low, high, np.array([-1, -1]))
    assert match_single_records(closed, data).tolist() == [False, False]
    leaves = replace(closed, open_below=np.array([True]))
    assert match_single_records(leaves, data).tolist() == [False, True]
    points = claim_records(data.x, data.y)
    assert match_single_records(replace(points, open_below=np.array([True])), data).all()


def test_words_single_out_a_person_where_persons_are_known() -> None:
    x = texts(["Call Zoe now", "zoe is here", "call me", "at 10:30 sharp"])
    data = Data(x=x, y=np.zeros(4, np.int64), columns={"who": np.array(["p", "p", "q", "r"])})
    claims = WordSets(tuple(frozenset(w) for w in (["zoe"], ["call"], ["call", "now"], ["10:30"])))
    assert match_single_records(claims, data).tolist() == [False, False, True, True]
    assert match_single_records(claims, data, "who").tolist() == [True, False, True, True]
    assert not match_single_records(WordSets((frozenset({"nobody"}),)), data).any()


def test_nothing_is_claimed_twice_or_beyond_the_limit() -> None:
    data = table([[1.0, 0.0], [2.0, 0.0]])
    twice = claim_records(np.array([[1.0, 0.0], [2.0, 0.0], [1.0, 0.0]]), np.array([0, 0, 0]))
    assert len(check_claims(twice, data, 10)) == 2
    words = WordSets((frozenset({"A"}), frozenset({"a"}), frozenset()))
    once = check_claims(words, data, 10)
    assert isinstance(once, WordSets)
    assert once.sets == (frozenset({"a"}),)
    with pytest.raises(DataError, match="3 claims were made, 2 are allowed"):
        check_claims(twice, data, 2)
    with pytest.raises(DataError, match=r"low and high of shape \(1, 2\)"):
        check_claims(claim_records(np.ones((1, 3)), np.array([0])), data, 10)


@pytest.mark.requirement("S36", "S37")
def test_all_or_nothing_are_both_told() -> None:
    app = artefact_leak.rigged("table", np.random.default_rng(0))
    every = claim_records(app.data.train.x, app.data.train.y)
    found = evaluate(app, every)
    n = len(app.data.train)
    assert counts(found) == (n, n, 0)
    assert found.measurements[0].metric == "success_rate"
    assert found.measurements[0].value == found.measurements[1].value == 1.0
    assert found.trials[0].verified == n
    others = claim_records(app.data.holdout.x, app.data.holdout.y)
    nothing = evaluate(app, others)
    assert counts(nothing)[:2] == (0, n)
    assert not beats_baseline(nothing.trials[0].tally)
    none = evaluate(app, claim_records(np.empty((0, 3)), np.empty(0, dtype=np.int64)))
    assert none.status is Status.NOT_TESTED


def test_where_inputs_have_few_values_guesses_meet_records_too() -> None:
    """The parts are disjoint, so that strangers alone would say that no guess can."""
    grid = np.array(np.meshgrid(*[np.arange(4.0)] * 4)).reshape(4, -1).T
    rows = grid[np.random.default_rng(0).permutation(256)]
    app = Application(
        name="grid",
        target=HashedTarget(b"k"),
        data=Splits(
            train=table(rows[:128]),
            holdout=table(rows[128:200]),
            calibration=table(rows[200:220]),
            similar=table(rows[220:]),
        ),
        domain=TableDomain(columns=tuple(Column(name=f"c{i}", low=0, high=3) for i in range(4))),
        classes=("a", "b"),
    )
    guessed = np.random.default_rng(1).permutation(grid)[:120]
    found = evaluate(app, claim_records(guessed, np.zeros(120, dtype=np.int64)))
    right, n, by_chance = counts(found)
    assert 0.3 * n < right < 0.7 * n
    assert by_chance > 0.2 * n
    assert not beats_baseline(found.trials[0].tally)


def test_examples_are_private_and_name_columns() -> None:
    app = artefact_leak.rigged("table", np.random.default_rng(0))
    exhibit = evaluate(app, claim_records(app.data.train.x, app.data.train.y)).exhibits[0]
    assert exhibit.private
    assert "c0 " in exhibit.after
    assert exhibit.after.count("\n") == 2


def test_a_region_of_words_must_hold_exactly_one_text_of_its_class() -> None:
    app = artefact_leak.rigged("text", np.random.default_rng(0))
    x = texts(["red car", "red bus", "blue bus", "blue bus here", "green bus"])
    data = replace(app.data, train=Data(x=x, y=np.array([0, 1, 0, 0, 1])))
    has, lacks = (0.0, np.inf), (-np.inf, 0.5)
    bounds = ({"red": has, "car": lacks}, {"red": has, "car": has}, {"bus": lacks}, {"here": has})
    words = WordWeights(words=("red", "car", "bus", "here"))
    made = WordRegions(
        weights=words, bounds=(*bounds, bounds[0]), classes=np.array([1, 1, 0, -1, 1])
    )
    claims = check_claims(made, data.train, 10)
    assert len(claims) == 4  # the last one says what the first one says
    assert match_single_records(claims, data.train).tolist() == [True, False, True, True]
    assert count_singled_out(claims, data.train) == 3


def test_tasks_follow_the_kind_of_input() -> None:
    app = artefact_leak.rigged("text", np.random.default_rng(0))
    assert GAME.tasks(app) == (WORDS, RECORDS, LEAVES)
    assert GAME.tasks(artefact_leak.rigged("image", np.random.default_rng(0))) == (RECORDS, LEAVES)
    assert isinstance(app.domain, TextDomain)
    few = replace(app, data=replace(app.data, train=app.data.train.take(slice(0, 5))))
    unfit = GAME.unfit(few, WORDS)
    assert unfit is not None
    assert "there are 5" in unfit.reason
    assert GAME.unfit(app, WORDS) is None


def test_fewer_strangers_than_records_are_told() -> None:
    app = artefact_leak.rigged("table", np.random.default_rng(0))
    few = app.data.holdout.take(slice(0, 10))
    less = replace(
        app,
        data=replace(
            app.data,
            holdout=few,
            calibration=app.data.calibration.take(slice(0, 10)),
            similar=app.data.similar.take(slice(0, 10)),
        ),
    )
    found = evaluate(less, claim_records(app.data.train.x, app.data.train.y))
    assert "only 30 records that the model never saw" in found.caveats[0]
    assert evaluate(app, claim_records(app.data.train.x, app.data.train.y)).caveats == ()
