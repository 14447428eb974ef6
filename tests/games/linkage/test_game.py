"""The linkage game releases answers without names, and knows who is who."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Application
from goalkeeper.core.cost import Cost
from goalkeeper.core.data import PARTS, Data, Splits
from goalkeeper.core.errors import DataError
from goalkeeper.core.evidence import AttackResult, Gain
from goalkeeper.core.power import Budget, Power, View
from goalkeeper.core.standing import StandingKind
from goalkeeper.games.base import Marking
from goalkeeper.games.linkage import Linkage
from goalkeeper.games.linkage.game import TASK
from goalkeeper.games.linkage.person_codes import person_codes
from goalkeeper.games.tallies import beats_baseline
from goalkeeper.policy import default_policy
from goalkeeper.testing.worlds import linkage
from goalkeeper.testing.worlds.linkage import PEOPLE

GAME = Linkage()


@pytest.fixture
def app() -> Application:
    return linkage.fair("table", np.random.default_rng(0))


def evaluate(app: Application, links: object, seed: int = 0) -> AttackResult:
    dealt = GAME.deal(app, TASK, np.random.default_rng(seed))
    links = dealt.secret if links is None else links
    return GAME.mark(
        Marking(
            app=app,
            task=TASK,
            deal=dealt,
            answers=[Checkpoint(links, Cost(), np.array([0]))],
            granted=Power(),
            rng=np.random.default_rng(1),
        )
    )


def right(result: AttackResult) -> int:
    tally = result.trials[0].tally
    assert isinstance(tally, Gain)
    assert (tally.n, tally.baseline_successes, tally.baseline_n) == (PEOPLE, PEOPLE, PEOPLE**2)
    return tally.successes


def test_releases_hold_each_person_once_and_nothing_of_the_inputs(app: Application) -> None:
    named = replace(app, target=person_codes(app))
    dealt = GAME.deal(named, TASK, np.random.default_rng(0))
    first, second = dealt.question.first, dealt.question.second
    assert first.shape == second.shape == (PEOPLE, 3, 2)
    # The scores are a code of the person, so that partners are equal and all others are not.
    np.testing.assert_allclose(second[dealt.secret], first)
    assert len(np.unique(first[:, 0, 1])) == PEOPLE
    assert (dealt.secret != np.arange(PEOPLE)).sum() > PEOPLE / 2  # the orders are unrelated


def test_entries_hold_fewer_answers_where_people_have_fewer_records(app: Application) -> None:
    few = replace(
        app,
        data=replace(
            app.data,
            train=app.data.train.take(slice(0, 0)),
            calibration=app.data.calibration.take(slice(0, 0)),
        ),
    )
    dealt = GAME.deal(few, TASK, np.random.default_rng(0))
    assert dealt.question.first.shape == (PEOPLE, 1, 2)


@pytest.mark.requirement("S40")
def test_all_none_and_chance(app: Application) -> None:
    everybody = evaluate(app, None)
    assert right(everybody) == PEOPLE
    assert everybody.measurements[0].metric == "normalised_gain"
    assert everybody.measurements[0].value == 1.0
    assert beats_baseline(everybody.trials[0].tally)
    nobody = evaluate(app, np.full(PEOPLE, -1))
    assert right(nobody) == 0
    assert "0 were linked" in nobody.measurements[1].note
    rng = np.random.default_rng(2)
    guessed = [right(evaluate(app, rng.permutation(PEOPLE))) for _ in range(200)]
    assert 0.75 < np.mean(guessed) < 1.25  # 1 expected, standard error 0.07


def test_a_partner_is_given_once(app: Application) -> None:
    with pytest.raises(DataError, match="linked twice"):
        evaluate(app, np.zeros(PEOPLE, dtype=np.int64))
    with pytest.raises(DataError, match=r"must lie in -1 \.\. 39"):
        evaluate(app, np.arange(PEOPLE) + 1)
    with pytest.raises(DataError, match="40 whole numbers"):
        evaluate(app, np.arange(3))


@pytest.mark.requirement("S39")
@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ("", "does not say whether it claims anonymity or pseudonymity"),
        ("anonymity", "claims anonymity: nobody should be able to link"),
        ("pseudonymity", "claims pseudonymity: answers under one pseudonym belong together"),
    ],
)
def test_the_claimed_grade_is_told(app: Application, claims: str, said: str) -> None:
    result = evaluate(replace(app, claims=claims), None)
    assert said in result.summary
    assert any("privacy.claims" in c for c in result.caveats) is (claims == "")
    assert replace(app, claims="x").fingerprint != app.fingerprint


def test_a_record_never_stands_in_both_releases(app: Application) -> None:
    """Records that are there twice would be linked by being the same, not by their answers."""
    parts = {p: getattr(app.data, p) for p in ("train", "holdout", "calibration")}
    twice = replace(app, data=replace(app.data, **{p: d.joined(d) for p, d in parts.items()}))
    dealt = GAME.deal(twice, TASK, np.random.default_rng(0))
    both = np.concatenate([dealt.question.first, dealt.question.second]).reshape(-1, 2)
    assert len(np.unique(both, axis=0)) == len(both)


def test_who_cannot_be_asked(app: Application) -> None:
    assert GAME.unfit(app, TASK) is None
    nobody = GAME.unfit(replace(app, person=None), TASK)
    assert nobody is not None
    assert "data.person" in nobody.reason
    assert not nobody.proven
    none = replace(app, person="patient")
    missing = GAME.unfit(none, TASK)
    assert missing is not None
    assert "'patient' is missing" in missing.reason
    few = {p: getattr(app.data, p).take(slice(0, 8)) for p in ("train", "holdout", "calibration")}
    lonely = GAME.unfit(replace(app, data=replace(app.data, **few)), TASK)
    assert lonely is not None
    assert "people have two records or more" in lonely.reason


def test_examples_are_private(app: Application) -> None:
    exhibit = evaluate(app, None).exhibits[0]
    assert exhibit.private
    assert exhibit.before.count(",") == exhibit.after.count(",") == 2
    assert evaluate(app, np.full(PEOPLE, -1)).exhibits == ()


def test_the_positive_control_keeps_strange_records(app: Application) -> None:
    weak = GAME.weakened(app, TASK, np.random.default_rng(0))
    other = linkage.fair("table", np.random.default_rng(9)).data.holdout.x
    np.testing.assert_allclose(
        weak.target.answer(other, View.SCORES).scores,
        app.target.answer(other, View.SCORES).scores,
    )
    assert GAME.smaller().people == 60
    assert GAME.estimate(app, TASK, Power(budget=Budget(queries=50))).queries == 1250


# ---- what the description says ---------------------------------------------------------------


def every_part(app: Application, change: Callable[[Data], dict[str, object]]) -> Application:
    parts = {part: replace(getattr(app.data, part), **change(getattr(app.data, part)))
             for part in PARTS}  # fmt: skip
    return replace(app, data=Splits(**parts))


def nameless(app: Application) -> Application:
    return replace(every_part(app, lambda part: {"columns": {}}), person=None)


def test_linkage_is_ruled_out_where_nobody_has_two_records(app: Application) -> None:
    declared = replace(nameless(app), one_record_a_person=True)
    refused = GAME.unfit(declared, TASK)
    assert refused is not None
    assert refused.proven
    assert "threats.linkage" in refused.reason


def test_repeated_records_refute_that_nobody_has_two(app: Application) -> None:
    """Without a column of persons there is nothing to play on then: it is not tested."""
    app = nameless(app)
    twice = every_part(app, lambda part: {
        "x": np.concatenate([part.x, part.x]), "y": np.concatenate([part.y, part.y])
    })  # fmt: skip
    refused = GAME.unfit(replace(twice, one_record_a_person=True), TASK)
    assert refused is not None
    assert not refused.proven
    assert "repeat another one" in refused.reason


@pytest.mark.parametrize("name", ["patient", "customer_id", "UserID"])
def test_a_column_that_tells_people_apart_refutes_it(app: Application, name: str) -> None:
    renamed = every_part(app, lambda part: {"columns": {name: part.columns[app.person or ""]}})
    refused = GAME.unfit(replace(renamed, person=None, one_record_a_person=True), TASK)
    assert refused is not None
    assert not refused.proven
    assert name in refused.reason


def test_where_the_column_of_persons_refutes_it_the_game_is_played(app: Application) -> None:
    assert GAME.unfit(replace(app, one_record_a_person=True), TASK) is None


def test_a_column_of_persons_without_repeats_rules_linkage_out(app: Application) -> None:
    numbers = iter(range(10**6))
    single = every_part(
        app,
        lambda part: {"columns": {"person": np.array([str(next(numbers)) for _ in part.y])}},
    )
    refused = GAME.unfit(replace(single, person="person"), TASK)
    assert refused is not None
    assert refused.proven


def test_records_without_a_name_are_of_nobody(app: Application) -> None:
    blank = every_part(app, lambda part: {"columns": {"person": np.full(len(part), "")}})
    refused = GAME.unfit(replace(blank, person="person"), TASK)
    assert refused is not None
    assert not refused.proven


def test_linkage_decides_only_where_the_description_says_whose_records_are_whose(
    app: Application,
) -> None:
    customer = default_policy().attackers["customer"]
    undeclared = nameless(app)
    kinds = [
        GAME.standing(a, TASK, customer).kind
        for a in (app, undeclared, replace(undeclared, one_record_a_person=True))
    ]
    assert kinds == [StandingKind.DECIDES, StandingKind.BY_ASSUMPTION, StandingKind.DECIDES]
