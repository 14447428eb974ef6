"""Single bits of stored numbers, against what the standard says of them."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.stored_numbers import (
    BFLOAT16,
    Stored,
    as_floats,
    read_numbers,
    rewrite_numbers,
)
from goalkeeper.games.bit_flips.bits import (
    Flip,
    bit_width,
    draw_flips,
    flip_bits,
    flip_each_bit,
)
from goalkeeper.targets import SklearnTarget

KINDS = [("d", np.float64, 64), ("f", np.float32, 32), ("e", np.float16, 16), ("b", np.int8, 8)]
DOMAIN = TableDomain(columns=tuple(Column(name=f"c{j}") for j in range(3)))


@pytest.mark.parametrize(("code", "kind", "bits"), KINDS)
def test_every_flip_is_what_the_bytes_say(code: str, kind: Any, bits: int) -> None:
    values = np.array([1, -3, 5, 0], dtype=kind)
    found = flip_each_bit(values)
    assert found.shape == (4, bits)
    for value, row in zip(values.tolist(), found, strict=True):
        word = int.from_bytes(struct.pack("<" + code, value), "little")
        for bit in range(bits):
            raw = (word ^ (1 << bit)).to_bytes(bits // 8, "little")
            np.testing.assert_equal(row[bit].item(), struct.unpack("<" + code, raw)[0])


def test_known_flips() -> None:
    stored = {"w": np.array([[1.0, 1.5], [-2.0, 0.25]])}
    assert flip_bits(stored, [Flip("w", 0, 63)])["w"][0, 0] == -1.0
    assert np.isinf(flip_bits(stored, [Flip("w", 0, 62)])["w"][0, 0])
    assert np.isnan(flip_bits(stored, [Flip("w", 1, 62)])["w"][0, 1])
    assert flip_bits(stored, [Flip("w", 3, 52)])["w"][1, 1] == 0.125
    both = flip_bits(stored, [Flip("w", 2, 63), Flip("w", 3, 63)])["w"]
    np.testing.assert_array_equal(both[1], [2.0, -0.25])
    np.testing.assert_array_equal(stored["w"], [[1.0, 1.5], [-2.0, 0.25]])


def test_flipping_twice_is_flipping_back() -> None:
    rng = np.random.default_rng(0)
    stored: Stored = {"a": rng.normal(size=(3, 4)), "b": rng.integers(-9, 9, 5).astype(np.int8)}
    flips = draw_flips(stored, 50, rng)
    again = flip_bits(flip_bits(stored, flips), flips[::-1])
    for name, values in stored.items():
        np.testing.assert_array_equal(again[name], values)


def test_random_bits_are_different_and_equally_likely() -> None:
    """Chi-square of 4 arrays' shares; false alarm 1 in 1,000."""
    stored: Stored = {"a": np.zeros(10), "b": np.zeros(5, np.float32), "c": np.zeros(20, np.int8)}
    rng = np.random.default_rng(1)
    total = {name: values.size * bit_width(values.dtype) for name, values in stored.items()}
    drawn = [f for _ in range(2000) for f in draw_flips(stored, 3, rng)]
    every = draw_flips(stored, 10**6, rng)
    assert len(every) == len(set(every)) == sum(total.values())
    expected = {n: len(drawn) * t / sum(total.values()) for n, t in total.items()}
    seen = {n: sum(f.name == n for f in drawn) for n in total}
    assert sum((seen[n] - expected[n]) ** 2 / expected[n] for n in total) < 13.8


def test_what_is_stored_is_not_what_is_computed() -> None:
    """Weights with a scaler folded in are stored nowhere: the scaler's numbers are, and weights."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, 3)), rng.integers(0, 2, 80)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)
    target = SklearnTarget(model, ["no", "yes"], DOMAIN)
    stored = read_numbers(target)
    assert {n: v.shape for n, v in stored.items()} == {
        "standardscaler.mean_": (3,),
        "standardscaler.var_": (3,),
        "standardscaler.scale_": (3,),
        "logisticregression.coef_": (1, 3),
        "logisticregression.intercept_": (1,),
    }
    flip = Flip("logisticregression.intercept_", 0, 63)
    changed = rewrite_numbers(target, flip_bits(stored, [flip]))
    np.testing.assert_array_equal(changed.model[-1].intercept_, -model[-1].intercept_)
    np.testing.assert_array_equal(target.model[-1].intercept_, model[-1].intercept_)


def test_a_target_without_numbers_is_refused() -> None:
    from goalkeeper.testing.worlds.kit import HashedTarget

    with pytest.raises(NotOffered, match="cannot be rewritten"):
        read_numbers(HashedTarget(b"key"))


def test_bfloat16_flips_as_the_upper_half_of_float32() -> None:
    values = np.array([1.0, -3.0, 0.15625, 0.0], dtype=np.float32)
    stored = (values.view(np.uint32) >> 16).astype(np.uint16).view(BFLOAT16)
    np.testing.assert_array_equal(as_floats(stored), values)
    found = flip_each_bit(stored)
    assert found.shape == (4, 16)
    for bit in range(16):
        np.testing.assert_array_equal(
            as_floats(found[:, bit]), flip_each_bit(values)[:, bit + 16].astype(np.float64)
        )
