from __future__ import annotations

import numpy as np
import pytest

from goalkeeper.core.data import PARTS, Data, Splits, cut, fingerprint, place, row_keys
from goalkeeper.core.domain import Column, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.errors import DataError

EVEN = dict.fromkeys(PARTS, 0.25)


def texts(n: int) -> Data:
    x = np.array([f"message {i % (n - 5)}" for i in range(n)], dtype=object)
    return Data(x=x, y=np.arange(n) % 2, columns={"row": np.arange(n)})


def test_duplicates_stay_together_and_nothing_is_lost() -> None:
    data = texts(200)
    parts = cut(data, EVEN)
    assert sum(parts.sizes().values()) == 200
    seen = [set(getattr(parts, part).x) for part in PARTS]
    assert sum(len(s) for s in seen) == len(set.union(*seen))


def test_a_record_keeps_its_part_whatever_the_order() -> None:
    data = texts(200)
    shuffled = data.take(np.random.default_rng(0).permutation(200))
    for part in PARTS:
        first, second = getattr(cut(data, EVEN), part), getattr(cut(shuffled, EVEN), part)
        assert sorted(first.columns["row"]) == sorted(second.columns["row"])


def test_shares_are_kept_on_average() -> None:
    x = np.random.default_rng(0).normal(size=(4000, 3))
    data = Data(x=x, y=np.zeros(4000, dtype=np.int64))
    sizes = cut(data, {"train": 0.4, "holdout": 0.3, "calibration": 0.1, "similar": 0.2}).sizes()
    # standard deviation of each size is below 31; 5 of them: false alarm below 1e-5
    assert all(
        abs(sizes[p] - 4000 * s) < 155 for p, s in zip(PARTS, (0.4, 0.3, 0.1, 0.2), strict=True)
    )


SHARES = {"train": 0.4, "holdout": 0.25, "calibration": 0.1, "similar": 0.25}


def many_classes(each: int, classes: int = 50) -> Data:
    """A few records of each class, the first two of them alike; and a frequent class."""
    y = np.concatenate([np.repeat(np.arange(classes), each), np.full(400, classes)])
    x = np.random.default_rng(0).normal(size=(len(y), 2))
    x[1 : classes * each : each] = x[0 : classes * each : each]
    return Data(x=x, y=y, columns={"row": np.arange(len(y))})


def test_rare_classes_are_spread_over_all_parts_whatever_the_order() -> None:
    data = many_classes(each=6)
    parts, where = cut(data, SHARES), place(data, SHARES)
    rare = sum(len({int(p) for p in where[data.y == c]}) < len(PARTS) for c in range(50))
    assert rare > 25, "the hashes alone leave most classes out of a part"
    for part in PARTS:
        assert set(getattr(parts, part).y) == set(range(51))
    shuffled = cut(data.take(np.random.default_rng(0).permutation(len(data))), SHARES)
    for i, part in enumerate(PARTS):
        found = getattr(parts, part)
        assert set(found.columns["row"]) == set(getattr(shuffled, part).columns["row"])
        common = found.columns["row"][found.y == 50]
        assert set(common) == set(np.flatnonzero((where == i) & (data.y == 50)))
    sizes = parts.sizes()  # of 5 different inputs of a class: one each, and one more to train on
    assert sizes["train"] > sizes["holdout"] > sizes["calibration"]


def test_an_input_of_two_classes_stays_in_one_part() -> None:
    data = many_classes(each=6)
    x = data.x.copy()
    x[data.y == 1] = x[data.y == 0]
    cut(Data(x=x, y=data.y), SHARES)  # parts that overlap are refused


def test_overlap_names_the_rows() -> None:
    a, b = texts(10), texts(10)
    with pytest.raises(DataError, match="row 0 of the holdout data is also in the train"):
        Splits(train=a, holdout=b, calibration=b, similar=b)


def test_too_few_records_are_said() -> None:
    with pytest.raises(DataError, match="too few"):
        cut(texts(200).take(slice(0, 2)), EVEN)


def test_lengths_must_fit() -> None:
    with pytest.raises(DataError, match="x has 3 records but y has 2"):
        Data(x=np.zeros((3, 1)), y=np.zeros(2, dtype=np.int64))


def test_keys_depend_on_content_only() -> None:
    x = np.array([[0.0, 1.0], [-0.0, 1.0], [0.0, 2.0]])
    keys = row_keys(x)
    assert keys[0] == keys[1] != keys[2]


def test_a_fingerprint_follows_content() -> None:
    data = texts(20)
    same = Data(x=data.x.copy(), y=data.y.copy(), columns=dict(data.columns))
    other = Data(x=data.x, y=1 - data.y, columns=data.columns)
    assert fingerprint(data) == fingerprint(same) != fingerprint(other)
    assert fingerprint("a", "b") != fingerprint("ab")


def test_a_table_is_projected_to_its_rules() -> None:
    domain = TableDomain(
        columns=(
            Column(name="age", kind="integer", low=0, high=99),
            Column(name="job", kind="category", categories=("a", "b", "c")),
            Column(name="is_x", low=0, high=1),
            Column(name="is_y", low=0, high=1),
        ),
        one_hot=((2, 3),),
    )
    wild = np.array([[200.4, -3, 0.4, 0.6], [17.6, 1.2, 5, 1]])
    assert not domain.valid(wild).any()
    tame = domain.project(wild)
    assert domain.valid(tame).all()
    np.testing.assert_array_equal(tame, [[99, 0, 0, 1], [18, 1, 1, 0]])


def test_texts_and_images_know_what_is_valid() -> None:
    text = TextDomain(max_chars=5)
    assert text.valid(np.array(["short", "too long", 3], dtype=object)).tolist() == [
        True,
        False,
        False,
    ]
    image = ImageDomain(shape=(1, 2, 2))
    x = np.stack([np.full((1, 2, 2), 0.5), np.full((1, 2, 2), 1.5), np.full((1, 2, 2), np.nan)])
    assert image.valid(x).tolist() == [True, False, False]


def test_no_records_have_no_keys() -> None:
    assert row_keys(np.empty((0, 3))) == []
