"""Outcomes of single items: named alike in two runs, and not to be looked up by others."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from goalkeeper.core.data import Splits, row_keys
from goalkeeper.core.outcomes import Outcomes, read_ranks, write_ranks
from goalkeeper.games.shared import items
from goalkeeper.games.shared.items import keep_outcomes
from tests.core.everything import application, part


def test_an_item_has_the_same_name_whatever_the_model_is() -> None:
    one, other = application(), replace(application(), trainer=None, name="another")
    x = one.data.holdout.x
    hits = np.arange(len(x)) % 2 == 0
    first, second = keep_outcomes(one, x, hits), keep_outcomes(other, x[::-1], hits)
    assert first
    assert second
    names = [first.ids[4 * i : 4 * i + 4] for i in range(len(x))]
    assert names[::-1] == [second.ids[4 * i : 4 * i + 4] for i in range(len(x))]
    assert len(set(names)) == len(x)
    assert first.hits.count("1") == hits.sum()


def test_other_data_give_other_names() -> None:
    app = application()
    data = Splits(train=part(1), holdout=part(200), calibration=part(400), similar=part(600))
    one, other = (
        keep_outcomes(a, part(200).x, np.ones(len(part(200).x), dtype=bool))
        for a in (app, replace(app, data=data))
    )
    assert one
    assert other
    assert one.ids != other.ids


def test_names_cannot_be_made_from_what_is_published() -> None:
    """Neither without a key, nor with a hash of the assessment, a record gives its name."""
    app = application()
    x = app.data.holdout.x[:1]
    kept = keep_outcomes(app, x, np.array([True]))
    assert kept
    published = [b"", app.fingerprint.encode(), *(c.encode() for c in app.contents.values())]
    for key in published:
        digest = hashlib.blake2b(row_keys(x)[0], key=key, digest_size=items.ID_BYTES).digest()
        assert base64.urlsafe_b64encode(digest).decode() != kept.ids


def test_only_what_counts_is_kept() -> None:
    app = application()
    x = app.data.holdout.x
    counted = np.arange(len(x)) < 5
    kept = keep_outcomes(app, x, counted, ~counted, counted)
    assert kept
    assert (kept.hits, kept.beside) == ("1" * 5, "0" * 5)


def test_too_many_items_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "MOST_ITEMS", 3)
    x = application().data.holdout.x
    assert keep_outcomes(application(), x, np.ones(len(x), dtype=bool)) is None


def test_outcomes_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValidationError, match="same number of items"):
        Outcomes(ids="abcdefgh", hits="1")


def test_ranks_are_read_as_they_were_written() -> None:
    scores = np.array([0.3, -1.0, 7.0, 0.1])
    kept = Outcomes(ids="abcd" * 4, hits="0011", beside="0012", ranks=write_ranks(scores))
    assert read_ranks(kept).tolist() == [2, 0, 3, 1]
    with pytest.raises(ValidationError, match="ranks"):
        Outcomes(ids="abcd" * 4, hits="0011", ranks=kept.ranks[:-4])
    with pytest.raises(ValueError, match="numbers from 0"):
        read_ranks(kept.model_copy(update={"ranks": write_ranks(scores)[:-4] + "AAA="}))
