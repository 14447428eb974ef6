"""Pictures of a change: real PNG files, the same everywhere, with a difference that can be seen."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from goalkeeper.core.data import Floats
from goalkeeper.core.domain import ImageDomain
from goalkeeper.games.shared.pictures import MAX_SIDE, draw_change


def read(png: str) -> Floats:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))), dtype=np.float64)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_pictures_show_before_after_and_an_amplified_difference(channels: int) -> None:
    domain = ImageDomain(shape=(channels, 8, 6), low=-1.0, high=1.0)
    before = np.zeros(domain.shape)
    after = before.copy()
    after[:, 2, 3] = 0.1  # a twentieth of the range
    drawn = draw_change(before, after, domain)
    first, second, difference = map(read, (drawn.before, drawn.after, drawn.difference))
    assert first.shape[:2] == (8, 6)
    assert first.ndim == (3 if channels == 3 else 2)
    assert np.unique(first).tolist() == [128]
    assert drawn.factor == 20
    changed = (2, 3)
    assert np.all(second[changed] == 140)
    assert np.all(difference[changed] == 255)
    rest = np.ones(first.shape[:2], dtype=bool)
    rest[2, 3] = False
    assert np.all(difference[rest] == 128)


def test_a_large_image_is_shrunk_and_keeps_its_proportions() -> None:
    domain = ImageDomain(shape=(3, 224, 120))
    image = np.random.default_rng(3).random(domain.shape)
    small = read(draw_change(image, image, domain).before)
    assert small.shape == (45, 24, 3)
    assert max(small.shape) <= MAX_SIDE


def test_a_change_of_the_whole_range_is_not_clipped() -> None:
    domain = ImageDomain(shape=(1, 2, 2))
    drawn = draw_change(np.zeros(domain.shape), np.ones(domain.shape), domain)
    assert drawn.factor == 1
    assert np.unique(read(drawn.difference)).tolist() == [255]
