"""Records near one class that are honestly of another: as near as the labeller lets them be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from goalkeeper.attacks.poisoning.honest_lookalikes import (
    HonestLookalikes,
    measure_spread,
    take_over,
)
from goalkeeper.core.domain import Column, ImageDomain, TableDomain
from goalkeeper.core.power import Capability
from goalkeeper.games.tallies import beats_baseline, value
from tests.attacks.poisoning.handing_in import answers_of, app_of, handed_in, result_of


def rows(d: int, one_hot: tuple[tuple[int, ...], ...] = ()) -> TableDomain:
    columns = [Column(name=f"c{j}", low=-9, high=9) for j in range(d)]
    return TableDomain(columns=tuple(columns), one_hot=one_hot)


def test_the_largest_differences_are_taken_over_first() -> None:
    base, towards = np.array([[0.0, 0, 0, 0]]), np.array([[1.0, 5, 0, 3]])
    scale = np.array([1.0, 10, 1, 1])  # in these 5 is a small difference
    for part, wanted in ((0.25, [0, 0, 0, 3]), (0.5, [1, 0, 0, 3]), (1.0, [1, 5, 0, 3])):
        assert take_over(base, towards, part, scale, rows(4)).tolist() == [wanted]


def test_one_hot_groups_and_pixels_are_taken_over_whole() -> None:
    base, towards = np.array([[1.0, 0, 0, 4]]), np.array([[0.0, 0, 1, 3.9]])
    taken = take_over(base, towards, 0.5, np.ones(4), rows(4, ((0, 1, 2),)))
    assert taken.tolist() == [[0, 0, 1, 4]]
    dark, light = np.zeros((1, 2, 1, 2)), np.array([[[[0.9, 0.1]], [[0.0, 0.2]]]])
    taken = take_over(dark, light, 0.5, np.ones(4), ImageDomain(shape=(2, 1, 2)))
    assert taken.tolist() == [[[[0.9, 0.0]], [[0.0, 0.0]]]]


def test_what_never_differs_has_no_spread_of_its_own() -> None:
    assert measure_spread(np.array([[1.0, np.nan], [1.0, 2.0], [1.0, 4.0]])).tolist() == [1.0, 1.0]


@pytest.mark.requirement("S13", "S24")
@pytest.mark.parametrize("kind", ["table", "image"])
def test_records_are_honestly_labelled_and_nearer_to_the_other_class(kind: str) -> None:
    app, access, answers = handed_in(HonestLookalikes(), kind)
    change = answers[-1].change
    assert change.cells() is Capability.T2
    assert change.bases is not None
    assert change.add is not None
    assert (access.check(change).extra.y == 1).all()
    harmless = app.data.similar.x[app.data.similar.y == 0]

    def away(x: Any) -> float:
        return float(np.median([np.abs(harmless - row).reshape(len(harmless), -1).max(1).min()
                                for row in x]))  # fmt: skip

    assert away(change.add) < away(change.bases.x)


@pytest.mark.requirement("S13", "S44")
def test_they_decline_harmless_rows_of_a_fragile_learner() -> None:
    result = result_of(HonestLookalikes(), "table")
    assert beats_baseline(result.trials[-1].tally, 0.05)
    assert value(result.trials[-1].tally) > 0


def test_a_labeller_that_sees_through_everything_gets_the_bases() -> None:
    app = app_of("table")

    def strict(x: Any, bases: Any) -> Any:
        return np.where((x != bases.x).any(axis=1), 0, bases.y)

    _, answers = answers_of(HonestLookalikes(), replace(app, labeller=strict))
    change = answers[-1].change
    assert change.bases is not None
    np.testing.assert_array_equal(change.add, change.bases.x)
