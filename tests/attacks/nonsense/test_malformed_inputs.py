"""Malformed inputs: every kind breaks the domain in the way its name says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from goalkeeper.attacks.nonsense.malformed_inputs import MalformedInputs
from goalkeeper.core.domain import Column, TableDomain
from tests.attacks.nonsense.doors import MOST, asked, by_kind, inside, plain

STILL_TEXTS = {"blank", "control characters", "broken Unicode", "piled-up marks"} | {
    "one very long word",
    "markup and placeholders",
}


@pytest.mark.requirement("S26")
def test_texts_break_what_their_kind_says() -> None:
    app = plain("text")
    kinds = by_kind(asked(MalformedInputs(), app))
    assert set(kinds) > STILL_TEXTS
    for kind in STILL_TEXTS:
        assert all(inside(app.domain, kinds[kind])), kind
    for kind in set(kinds) - STILL_TEXTS:
        assert not any(inside(app.domain, kinds[kind])), kind
    assert all(not x[0].strip("\u200b\ufeff").strip() for x in kinds["blank"])
    assert all(min(map(ord, x[0])) < 32 for x in kinds["control characters"])
    assert all(len(x[0]) == 600 and x[0].isalpha() for x in kinds["one very long word"])
    assert all(len(x[0]) > 600 for x in kinds["too long"])
    assert not any(isinstance(x[0], str) for x in kinds["not a text"])
    broken = [x[0] for x in kinds["broken Unicode"]]
    assert any(any(0xD800 <= ord(sign) <= 0xDFFF for sign in text) for text in broken)


@pytest.mark.requirement("S26")
@pytest.mark.parametrize("kind", ["table", "image"])
def test_numbers_break_the_domain(kind: str) -> None:
    app = plain(kind)
    kinds = by_kind(asked(MalformedInputs(), app))
    for name in set(kinds) - {"numbers next to nothing"}:
        assert not any(inside(app.domain, kinds[name])), name
    missing = "a missing value" if kind == "table" else "a pixel that is not a number"
    assert all(np.isnan(x).sum() == 1 for x in kinds[missing])
    endless = "an infinite value" if kind == "table" else "an infinite pixel"
    assert all(np.isinf(x).sum() == 1 for x in kinds[endless])
    if kind == "image":
        assert all(x.shape[1:] != (1, 5, 5) for x in kinds["another size"])
        assert all((x < 0).all() for x in kinds["negative"])
    else:
        outside = [((x < 0) | (x > 1)).sum() for x in kinds["a value out of range"]]
        assert set(outside) == {1}


def test_categories_and_whole_numbers_have_kinds_of_their_own() -> None:
    columns = (
        Column(name="job", kind="category", categories=("a", "b")),
        Column(name="age", kind="integer", low=0, high=100),
    )
    app = plain("table")
    rows = np.tile([1.0, 30.0], (20, 1))
    similar = replace(app.data.similar.take(np.arange(20)), x=rows)
    data = replace(app.data, similar=similar)
    app = replace(app, domain=TableDomain(columns=columns), data=data)
    kinds = by_kind(asked(MalformedInputs(), app))
    for x in kinds["an unknown category"]:
        assert x[0, 0] not in (0, 1)
        assert x[0, 1] == 30
    for x in kinds["a fraction of a whole number"]:
        assert x[0, 0] == 1
    assert {float(x[0, 1]) for x in kinds["a fraction of a whole number"]} <= {
        0.5,
        1e-9,
        2**53 + 0.5,
    }


@pytest.mark.parametrize("kind", ["text", "table", "image"])
def test_no_more_than_the_budget_every_kind_in_turn_and_each_input_once(kind: str) -> None:
    found = asked(MalformedInputs(), plain(kind))
    assert len(found) <= MOST
    assert len({(one.kind, repr(one.x.tolist())) for one in found}) == len(found)
    few = asked(MalformedInputs(), plain(kind), queries=7)
    assert len(few) == 7
    assert len({one.kind for one in few}) == 7
    again = asked(MalformedInputs(), plain(kind))
    assert [repr(one) for one in again] == [repr(one) for one in found]
