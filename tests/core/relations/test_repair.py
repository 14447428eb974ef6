"""Broken relations are restored where there is room, and undone where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from goalkeeper.core.data import Floats
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.relations import Relations

NAMES = ("total", "a", "b", "n", "paid", "amount", "x", "y")
DOMAIN = TableDomain(
    columns=(
        Column(name="total", low=0, high=100),
        Column(name="a", low=0, high=100),
        Column(name="b", low=0, high=100),
        Column(name="n", kind="integer", low=0, high=20),
        Column(name="paid", kind="category", categories=("no", "yes")),
        Column(name="amount", low=0, high=50),
        Column(name="x", kind="integer", low=0, high=1),
        Column(name="y", kind="integer", low=0, high=1),
    ),
    one_hot=((6, 7),),
)
BEFORE = np.array([[30.0, 10, 20, 5, 1, 40, 1, 0]])


def restored(text: str, low: Any = None, high: Any = None, **changes: float) -> dict[str, float]:
    """Restore one relation in a row in which some columns were changed; return what differs."""
    box = [np.array([[0.0] * 8]), np.array([[100.0, 100, 100, 20, 1, 50, 1, 1]])]
    for end, limits in zip(box, (low, high), strict=True):
        for name, value in (limits or {}).items():
            end[0, NAMES.index(name)] = value
    rows = BEFORE.copy()
    for name, value in changes.items():
        rows[0, NAMES.index(name)] = value
    relations = Relations.of([text], DOMAIN)
    out = relations.restore(BEFORE, rows, (box[0], box[1]))
    assert relations.hold(out).all()
    return {n: v for n, v, b in zip(NAMES, out[0], BEFORE[0], strict=True) if v != b}


# What is nearest was worked out by hand.
@pytest.mark.parametrize(
    ("text", "changes", "expected"),
    [
        ("total = a + b", {"a": 15}, {"a": 15, "total": 35}),  # the sum follows
        ("a + b = total", {"a": 15}, {"a": 15, "total": 35}),  # what was not changed gives way
        ("a <= b", {"a": 25}, {"a": 20}),  # what was changed goes back as far as it must
        ("a < b", {"a": 25}, {"a": pytest.approx(20, abs=1e-3)}),
        ("n < 8", {"n": 12}, {"n": 7}),  # whole numbers stay whole
        ("2 * n <= 15", {"n": 12}, {"n": 7}),
        ("if paid = no then amount = 0", {"paid": 0}, {"paid": 0, "amount": 0}),
        (
            "if paid = no then amount < 10",
            {"paid": 0},
            {"paid": 0, "amount": pytest.approx(10, abs=1e-3)},
        ),
        ("a * b = 200", {"a": 8}, {}),  # a product: undone
        ("amount = a * 4", {"a": 8}, {"a": 8, "amount": 32}),
        ("amount = a * b / 5", {"a": 8}, {"a": 8, "amount": 32}),
        ("amount >= max(a, b)", {"a": 45}, {"a": 45, "amount": 45}),
        ("n != 6", {"n": 6}, {}),
        ("a = 10 or a = 50", {"a": 49}, {}),
        ("x = 1 or a = 10", {"a": 49}, {"a": 49}),
    ],
)
def test_a_relation_is_restored_with_the_least(
    text: str, changes: dict[str, float], expected: dict[str, float]
) -> None:
    assert restored(text, **changes) == expected


def test_where_there_is_no_room_the_change_is_undone_as_far_as_needed() -> None:
    fixed = {"total": 30, "b": 20}
    assert restored("total = a + b", fixed, fixed, a=15) == {}
    little = {"total": 33, "b": 20}
    assert restored("total = a + b", {"b": 20}, little, a=15) == {"a": 13, "total": 33}


def test_room_of_several_columns_adds_up() -> None:
    found = restored("a + b = total", {"total": 30}, {"total": 33}, a=15)
    assert found == {"a": 15, "total": 33, "b": 18}


def test_the_alternative_moves_others_along() -> None:
    relations = Relations.of(["a <= b", "if paid = no then amount = 0"], DOMAIN)
    rows = BEFORE.copy()
    rows[0, 1], rows[0, 4] = 25, 0
    box = np.zeros((1, 8)), np.array([[100.0, 100, 100, 20, 1, 50, 1, 1]])
    out = relations.restore(BEFORE, rows, box, alternative=True)
    assert out[0, :6].tolist() == [30, 25, 25, 5, 1, 40]


def test_one_hot_groups_return_as_a_whole() -> None:
    relations = Relations.of(["if y = 1 then a > 90"], DOMAIN)
    rows = BEFORE.copy()
    rows[0, 6:] = 0, 1
    fixed = BEFORE.copy(), BEFORE.copy()
    fixed[0][0, 6:], fixed[1][0, 6:] = 0, 1
    assert relations.restore(BEFORE, rows, fixed).tolist() == BEFORE.tolist()


TEXTS = (
    "total = a + b",
    "a <= b",
    "n > a / 10",
    "if paid = no then amount = 0",
    "amount <= 3 * n + 1",
    "2 * a + 3 * b - n <= 150",
    "not (paid = yes and n = 0)",
    "abs(a - b) <= 30",
    "total * 2 >= amount",
    "n != 13",
    "if x = 1 then amount + a < 80 or n >= 2",
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Relations, Floats, Floats, tuple[Floats, Floats]]:
    """Draw relations, rows that keep them, changed rows, and a box around both."""
    chosen = draw(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=5, unique=True))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = 40
    low, high = DOMAIN.bounds()
    before = DOMAIN.project(rng.uniform(low, high, (n, 8)))
    before[:, 0] = before[:, 1] + before[:, 2]
    before[:, 5] *= before[:, 4]
    relations = Relations.of(chosen, DOMAIN)
    before = before[relations.hold(before) & DOMAIN.valid(before)]
    assume(len(before))
    step = rng.uniform(0, 40, 8) * (rng.random(8) < 0.8)
    below, above = np.maximum(before - step, low), np.minimum(before + step, high)
    below[:, 3:5], above[:, 3:5] = np.ceil(below[:, 3:5]), np.floor(above[:, 3:5])
    below[:, 6:], above[:, 6:] = before[:, 6:], before[:, 6:]
    rows = rng.uniform(below, above)
    rows[:, 3:5] = np.round(rows[:, 3:5])
    keep = rng.random(rows.shape) < 0.5
    return relations, before, np.where(keep, before, rows), (below, above)


@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("alternative", [False, True])
@given(case=cases())
def test_a_restored_row_keeps_every_relation_its_box_and_its_types(
    case: tuple[Relations, Floats, Floats, tuple[Floats, Floats]], *, alternative: bool
) -> None:
    relations, before, rows, (low, high) = case
    given_rows = rows.copy()
    out = relations.restore(before, rows, (low, high), alternative=alternative)
    assert relations.hold(out).all()
    assert ((out >= low) & (out <= high)).all()
    assert (out[:, DOMAIN.discrete] == np.round(out[:, DOMAIN.discrete])).all()
    assert (rows == given_rows).all()
    fine = relations.hold(rows)
    assert (out[fine] == rows[fine]).all()


def test_most_changes_survive() -> None:
    """A repair that undoes everything would keep its promises, and make every attack weak.

    Of random changes of 8 columns, three in four of those that break a linear relation keep half
    of their columns or more.
    """
    rng = np.random.default_rng(0)
    before = rng.uniform(10, 30, (500, 8))
    before[:, 0] = before[:, 1] + before[:, 2]
    before[:, 3:5] = np.round(before[:, 3:5] / 30)
    before[:, 6:] = 1, 0
    relations = Relations.of(["total = a + b", "amount <= total"], DOMAIN)
    before = before[relations.hold(before)]
    low, high = before - 8, before + 8
    rows = rng.uniform(low, high)
    rows[:, 3:5] = before[:, 3:5]
    rows[:, 6:] = low[:, 6:] = high[:, 6:] = before[:, 6:]
    out = relations.restore(before, rows, (low, high))
    changed = (out != before)[:, [0, 1, 2, 5]].sum(axis=1)
    assert not relations.hold(rows).any()
    assert (changed >= 2).mean() > 0.75
