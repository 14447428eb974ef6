"""Out of distribution: always well-formed, and of the kind that its name says."""

from __future__ import annotations

import numpy as np
import pytest

from goalkeeper.attacks.nonsense.out_of_distribution import OutOfDistribution
from tests.attacks.nonsense.doors import MOST, asked, by_kind, inside, plain


@pytest.mark.requirement("S26")
@pytest.mark.parametrize("kind", ["text", "table", "image"])
def test_everything_is_of_the_domain_and_stands_there_once(kind: str) -> None:
    app = plain(kind)
    found = asked(OutOfDistribution(), app)
    assert all(inside(app.domain, [one.x for one in found]))
    assert 100 <= len(found) <= MOST
    assert len({(one.kind, repr(one.x.tolist())) for one in found}) == len(found)
    counts = [len(rows) for rows in by_kind(found).values()]
    assert min(counts) >= 5  # there are five pieces of program text
    assert len(asked(OutOfDistribution(), app, queries=9)) == 9


@pytest.mark.requirement("S26")
def test_texts_are_what_their_kind_says() -> None:
    app = plain("text")
    kinds = by_kind(asked(OutOfDistribution(), app))
    ordinary = {word for text in app.data.similar.x[:20] for word in text.split()}
    assert all(len(set(x[0].split())) == 1 for x in kinds["one word again and again"])
    assert all(word.isdigit() for x in kinds["numbers"] for word in x[0].split())
    for x in kinds["shuffled words"]:
        assert set(x[0].split()[:-1]) <= ordinary, "the last word may be cut"
    letters = set("abcdefghijklmnopqrstuvwxyz ")
    assert all(set(x[0]) <= letters for x in kinds["random letters"])
    beyond = [sum(ord(sign) > 127 for sign in x[0]) / len(x[0]) for x in kinds["other languages"]]
    assert max(beyond) > 0.5


@pytest.mark.requirement("S26")
def test_rows_are_what_their_kind_says() -> None:
    app = plain("table")
    kinds = by_kind(asked(OutOfDistribution(), app))
    examples = app.data.similar.x[:20]
    assert all(np.isin(x, (0.0, 1.0)).all() for x in kinds["corners of the domain"])
    for x in kinds["columns of different rows"]:
        assert all(x[0, j] in examples[:, j] for j in range(6))
    for x in kinds["mirrored rows"]:
        assert np.abs(1 - x - examples).max(axis=1).min() < 1e-9
    for x in kinds["one extreme value"]:
        assert ((x != examples).sum(axis=1) <= 1).any()


@pytest.mark.requirement("S26")
def test_images_are_what_their_kind_says_and_keep_the_steps_of_pixels() -> None:
    app = plain("image")
    found = asked(OutOfDistribution(), app)
    for one in found:
        steps = np.asarray(one.x, dtype=np.float64) * 255
        assert np.abs(steps - np.round(steps)).max() < 1e-6, one.kind
    kinds = by_kind(found)
    examples = app.data.similar.x[:20]
    assert all(np.ptp(x) == 0 for x in kinds["one even colour"])
    assert all(np.isin(x, (0.0, 1.0)).all() for x in kinds["black and white noise"])
    assert all(len(np.unique(x)) <= 2 for x in kinds["chess boards"])
    flat = examples.reshape(20, -1)
    for x in kinds["inverted images"]:
        assert np.abs(1 - x.reshape(1, -1) - flat).max(axis=1).min() < 1e-6
    for x in kinds["shuffled pixels"]:
        assert np.abs(np.sort(x.reshape(1, -1)) - np.sort(flat)).max(axis=1).min() < 1e-6
