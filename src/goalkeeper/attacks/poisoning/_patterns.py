"""A pattern of pixels that images seldom hold."""

from __future__ import annotations

from math import isqrt

import numpy as np

from goalkeeper.core.data import Inputs
from goalkeeper.core.domain import Domain, ImageDomain
from goalkeeper.games.poisoning import PixelTrigger


def choose_rare_pattern(images: Inputs, domain: Domain, most: int) -> PixelTrigger | None:
    """Choose a block of pixels, all dark or all light, that the known images are farthest from.

    Of equally rare blocks the last one counts, nearest the lower right corner. None when the
    inputs are no images, or are none at all.

    Parameters
    ----------
    known
        Images `(n, c, h, w)`.
    most
        Pixels that the block may have.
    """
    if not isinstance(domain, ImageDomain) or len(images) == 0 or most < 1:
        return None
    mean = np.asarray(images, dtype=np.float64).mean(axis=(0, 1))
    height = min(isqrt(most), mean.shape[0])
    width = min(most // height, mean.shape[1])
    blocks = np.lib.stride_tricks.sliding_window_view(mean, (height, width)).mean(axis=(2, 3))
    far = np.stack([blocks - domain.low, domain.high - blocks])
    # Rounded, so that borders that are as good as empty count as equally rare.
    end, top, left = np.argwhere(far.round(3) == far.round(3).max())[-1].tolist()
    pixels = tuple((top + r, left + c) for r in range(height) for c in range(width))
    value = (domain.low, domain.high)[end]
    return PixelTrigger(pixels, (value,) * len(pixels))
