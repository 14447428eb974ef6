"""Contributions that the poisoning game and its door refuse, and triggers that are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from goalkeeper.attack_run import evaluate, execute
from goalkeeper.attacks.poisoning.label_flips import LabelFlips
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.change import Change
from goalkeeper.core.data import Data
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import ChangeRefused
from goalkeeper.core.evidence import Status
from goalkeeper.core.power import Capability
from goalkeeper.core.text import texts
from goalkeeper.games.poisoning import (
    Contribution,
    PixelTrigger,
    PoisoningQuestion,
    Trigger,
    ValueTrigger,
    WordTrigger,
)
from tests.games.poisoning.poisoners import (
    T1,
    T2,
    T4,
    Does,
    app_of,
    power,
    refused,
    run_of,
    spam,
)

# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.requirement("S13")
def test_labels_are_refused_where_only_points_may_be_added() -> None:
    def cheat(aim: PoisoningQuestion, access: Access) -> Contribution:
        some = spam(access, 10)
        return Contribution(change=Change(add=some.x, add_labels=0 * some.y), access=access)

    assert "T1" in refused(cheat, power(T2))


@pytest.mark.requirement("S13")
def test_an_honest_label_rests_on_a_real_record() -> None:
    """Spam that is passed off as derived from harmless mail is refused."""

    def cheat(aim: PoisoningQuestion, access: Access) -> Contribution:
        some = spam(access, 10)
        change = Change(add=some.x, bases=Data(x=some.x, y=0 * some.y))
        return Contribution(change=change, access=access)

    assert "not a record of the attacker's data" in refused(cheat, power(T2))


@pytest.mark.requirement("S13")
def test_the_door_refuses_made_up_bases_as_the_game_does() -> None:
    """What `poison` retrains on is checked like what is handed in."""
    app = app_of("text")
    terms = Terms(granted=power(T2), rng=np.random.default_rng(0), victim=np.random.SeedSequence(1))
    access = Access(app, terms)
    some = spam(access, 3)
    lie = Change(add=some.x, bases=Data(x=some.x, y=0 * some.y))
    for ask in (access.check, access.poison):
        with pytest.raises(ChangeRefused, match="not a record of the attacker's data"):
            ask(lie)
    honest = Change(add=some.x, bases=some)
    assert access.check(honest).extra.y.tolist() == [1, 1, 1]
    assert access.poison(honest).spent.models == 1
    mine = access.own().take(access.own().y == 1)
    assert len(access.check(Change(add=mine.x, bases=mine)).extra) == len(mine)
    theirs = app.data.train.take(np.setdiff1d(np.arange(300), access.reachable())[:1])
    with pytest.raises(ChangeRefused, match="not a record"):
        access.check(Change(add=theirs.x, bases=theirs))


@pytest.mark.requirement("S12")
@pytest.mark.parametrize("cells", [T1, T2])
def test_more_than_the_share_is_refused(cells: Capability) -> None:
    def cheat(aim: PoisoningQuestion, access: Access) -> Contribution:
        some = spam(access, aim.addition_counts(0.1)[-1] + 1)
        labels = some.y if cells is T1 else None
        change = Change(add=some.x, add_labels=labels, bases=some)
        return Contribution(change=change, access=access)

    assert "controls at most 10.00%" in refused(cheat, power(cells))


@pytest.mark.requirement("S15")
def test_rows_out_of_reach_are_refused() -> None:
    def cheat(aim: PoisoningQuestion, access: Access) -> Contribution:
        rows = np.setdiff1d(np.arange(aim.rows), access.reachable())[:3]
        return Contribution(change=Change(relabel=rows, relabelled=rows * 0 + 1), access=access)

    assert "out of this attacker's reach" in refused(cheat, power(T4))


@pytest.mark.requirement("S15")
def test_the_game_and_the_attack_agree_on_what_is_in_reach() -> None:
    def fine(aim: PoisoningQuestion, access: Access) -> Contribution:
        rows = access.reachable()
        change = Change(relabel=rows, relabelled=np.ones(len(rows), dtype=np.int64))
        assert access.check(change).share == pytest.approx(0.1)
        return Contribution(change=change, access=access)

    app = app_of("text")
    result = evaluate(app, run_of(Does(how=fine), app, power(T4)))
    assert result.trials[-1].share == pytest.approx(0.1)


def test_an_access_of_ones_own_making_is_refused() -> None:
    class Generous:
        granted = power(T4)

        def reachable(self) -> Any:
            return np.arange(300)

    def cheat(aim: PoisoningQuestion, access: Access) -> Contribution:
        rows = np.arange(3)
        made_up: Any = Generous()
        return Contribution(change=Change(relabel=rows, relabelled=rows * 0), access=made_up)

    assert "does not name the access" in refused(cheat, power(T4))
    assert "must be a Contribution" in refused(lambda aim, access: "success", power(T4))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "1 to 5 words"),
        (("a",) * 6, "1 to 5 words"),
        (("x" * 21,), "up to 20 letters"),
        (("two words",), "'two words'"),
    ],
    ids=["none", "six", "long", "space"],
)
def test_a_trigger_is_a_few_words(words: tuple[str, ...], why: str) -> None:
    def cheat(aim: PoisoningQuestion, access: Access) -> Contribution:
        some = spam(access, 3)
        change = Change(add=some.x, add_labels=0 * some.y)
        return Contribution(change=change, access=access, trigger=WordTrigger(words))

    assert why in refused(cheat, power(T1), task="trigger-passes")


@pytest.mark.requirement("S12", "S24")
@pytest.mark.parametrize(
    ("domain", "trigger", "why"),
    [
        ("image", None, "1 to 4 pixels"),
        (
            "image",
            PixelTrigger(((0, 0), (0, 1), (0, 2), (0, 3), (0, 4)), (1.0,) * 5),
            "1 to 4 pixels",
        ),
        ("image", PixelTrigger(((0, 6),), (1.0,)), "inside the 6 x 6"),
        ("image", PixelTrigger(((0, 0), (0, 0)), (1.0, 0.0)), "each pixel once"),
        ("image", PixelTrigger(((0, 0),), (1.5,)), "[0, 1]"),
        ("image", WordTrigger(("zuzu",)), "for texts only"),
        ("text", PixelTrigger(((0, 0),), (1.0,)), "for images only"),
        ("table", ValueTrigger((0, 1, 2), (1.0,) * 3), "1 to 2 columns"),
        ("table", ValueTrigger((9,), (1.0,)), "columns of the table"),
        ("table", ValueTrigger((1, 1), (1.0, 2.0)), "each column once"),
        ("image", ValueTrigger((0,), (1.0,)), "for rows of a table only"),
    ],
)
def test_a_trigger_fits_the_inputs(domain: str, trigger: Trigger | None, why: str) -> None:
    def cheat(aim: PoisoningQuestion, access: Access) -> Contribution:
        some = spam(access, 3)
        change = Change(add=some.x, add_labels=0 * some.y)
        return Contribution(change=change, access=access, trigger=trigger)

    assert why in refused(cheat, power(T1), domain=domain, task="trigger-passes")


def test_a_column_that_nobody_may_change_is_no_trigger() -> None:
    fixed = TableDomain(columns=(Column(name="a"), Column(name="b", immutable=True)))
    assert ValueTrigger((0,), (1.0,)).find_fault(fixed) == ""
    assert "may be changed" in ValueTrigger((0, 1), (1.0, 1.0)).find_fault(fixed)


def test_triggers_are_put_into_copies() -> None:
    image = np.zeros((2, 3, 4, 4))
    patched = PixelTrigger(((3, 2), (3, 3)), (1.0, 0.5)).apply(image)
    assert not image.any()
    assert patched[:, :, 3, 2:].tolist() == [[[1.0, 0.5]] * 3] * 2
    assert np.count_nonzero(patched) == 12
    rows = ValueTrigger((2, 0), (7.0, 8.0)).apply(np.zeros((1, 3)))
    assert rows.tolist() == [[8.0, 0.0, 7.0]]
    assert WordTrigger(("a", "b")).apply(texts(["x"])).tolist() == ["x\na b"]


@pytest.mark.parametrize("seed", range(5))
def test_a_blind_trigger_is_another_of_equal_size(seed: int) -> None:
    rng = np.random.default_rng(seed)
    some = app_of("image")
    given = PixelTrigger(((4, 4), (4, 5), (5, 4), (5, 5)), (1.0,) * 4)
    other = given.draw_random(some.data.calibration.x, rng)
    assert other.size == 4
    assert set(other.pixels) != set(given.pixels)
    assert other.find_fault(some.domain) == ""
    values = ValueTrigger((0, 3), (9.0, 9.0)).draw_random(app_of("table").data.calibration.x, rng)
    assert values.columns == (0, 3)
    assert values.values != (9.0, 9.0)


def test_records_that_are_no_inputs_are_refused() -> None:
    def huge(aim: PoisoningQuestion, access: Access) -> Contribution:
        change = Change(add=np.full((3, 4), 1e6), add_labels=np.ones(3, dtype=np.int64))
        return Contribution(change=change, access=access)

    def odd(aim: PoisoningQuestion, access: Access) -> Contribution:
        change = Change(add=np.zeros((3, 4)), add_labels=np.full(3, 7))
        return Contribution(change=change, access=access)

    assert "not an input" in refused(huge, power(T1), domain="table")
    assert "not one of the 2 classes" in refused(odd, power(T1), domain="table")


def test_less_than_one_record_is_inconclusive() -> None:
    app = app_of("text")
    result = execute(app, run_of(LabelFlips(), app, power(T4, share=0.002)))
    assert result.status is Status.NOT_TESTED
    assert "inconclusive" in result.reason
    assert not result.measurements


def test_what_was_handed_in_cannot_be_changed_afterwards() -> None:
    def rewrites(aim: PoisoningQuestion, access: Access) -> Contribution:
        rows = access.reachable()
        harmless = access.own().y == 0
        change = Change(relabel=rows[harmless][:5], relabelled=np.zeros(5, dtype=np.int64))
        access.checkpoint(Contribution(change=change, access=access))
        early = access.checkpoints[0].answer
        change.relabelled[:] = 1
        assert early.change.relabelled.tolist() == [0] * 5
        assert early.access is access, "the application is not copied with each answer"
        return Contribution(change=change, access=access)

    app = app_of("text")
    assert evaluate(app, run_of(Does(how=rewrites), app, power(T4))).trials
