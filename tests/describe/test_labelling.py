"""The honest labellers that stand in where a description names none."""

from __future__ import annotations

import numpy as np
import pytest

from goalkeeper.core.data import Data
from goalkeeper.core.domain import Column, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.errors import TargetError
from goalkeeper.describe.labelling import FunctionLabeller, honest

TRAIN = Data(
    x=np.array(["a", "b", "c", "d", "e"], dtype=object), y=np.array([0, 1, 2, 2, 0], dtype=np.int64)
)


@pytest.mark.parametrize(
    ("base", "label", "text", "expected"),
    [
        ("see you soon", 0, "see you soon", 0),
        ("see you soon", 0, "win see you prize soon now", 0),
        ("see you soon", 0, "win see you prize soon now gold", 2),
        ("see you soon", 0, "see soon you", 2),
        ("see you soon", 0, "see soon", 2),
        ("see you soon", 0, "", 2),
        ("buy gold", 1, "buy gold see you soon dear friend", 1),
        ("buy gold", 1, "anything", 1),
        ("", 0, "", 0),
        ("", 0, "gold", 2),
    ],
)
def test_texts_are_labelled_by_what_was_done_to_them(
    base: str, label: int, text: str, expected: int
) -> None:
    labeller = honest(TRAIN, TextDomain(), classes=3, harmless=0)
    bases = Data(x=np.array([base], dtype=object), y=np.array([label], dtype=np.int64))
    assert labeller(np.array([text], dtype=object), bases).tolist() == [expected]


def test_texts_without_a_harmless_class() -> None:
    labeller = honest(TRAIN, TextDomain(), classes=3, harmless=None)
    bases = Data(x=np.array(["a b"] * 2, dtype=object), y=np.array([1, 1], dtype=np.int64))
    assert labeller(np.array(["a x b", "b"], dtype=object), bases).tolist() == [1, 0]


def test_rows_get_the_class_of_their_neighbours() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat(np.array([0, 1], dtype=np.int64), 20)
    # The second column is a thousand times as wide and says nothing: bounds put it in its place.
    x = np.stack([y + 0.1 * rng.random(40), 1000 * rng.random(40)], axis=1)
    columns = (Column(name="a", low=0, high=1.1), Column(name="b", low=0, high=1000))
    train = Data(x=x, y=y)
    labeller = honest(train, TableDomain(columns=columns), classes=2, harmless=None)
    given = np.array([[0.05, 990.0], [1.05, 10.0]])
    assert labeller(given, train.take(slice(2))).tolist() == [0, 1]
    assert labeller(np.ones((0, 2)), train.take(slice(0))).tolist() == []


def images(*values: float) -> Data:
    """Five images of 4 x 5 pixels of each value; its class is the value's place."""
    y = np.repeat(np.arange(len(values)), 5)
    return Data(x=np.tile(np.array(values)[y, None, None, None], (1, 1, 4, 5)), y=y)


def test_a_patch_or_faint_noise_does_not_change_what_an_image_shows() -> None:
    train = images(0.0, 1.0)
    labeller = honest(train, ImageDomain(shape=(1, 4, 5)), classes=2, harmless=None)
    bases = train.take(np.zeros(5, dtype=np.int64))
    patched, noisy, other, most = (bases.x[0].copy() for _ in range(4))
    patched[0, 3, 3:] = 1.0
    noisy += 0.06
    most[0, :, 1:] = 1.0
    other[:] = 1.0
    given = np.stack([patched, noisy, most, other, bases.x[0]])
    assert labeller(given, bases).tolist() == [0, 0, 1, 1, 0]
    assert labeller(given[:0], bases.take(slice(0))).tolist() == []
    relabelled = Data(x=bases.x, y=np.ones(5, dtype=np.int64))
    assert labeller(given, relabelled).tolist() == [1, 1, 1, 1, 1], "the record's class counts"


@pytest.mark.parametrize("given", [["ham"], ["hem", "ham"], [0, 7]])
def test_what_is_no_label_is_refused(given: list[object]) -> None:
    labeller = FunctionLabeller(lambda x, bases: given, ("ham", "spam"))
    with pytest.raises(TargetError, match="label"):
        labeller(TRAIN.x[:2], TRAIN.take(slice(2)))
