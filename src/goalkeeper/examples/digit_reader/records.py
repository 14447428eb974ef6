"""1,797 handwritten digits of 8 x 8 pixels (scikit-learn's digits data)."""

from __future__ import annotations

import io

import numpy as np


def contents(seed: int, size: int | None) -> dict[str, bytes]:
    """Write `size` digits (default: all) in an order drawn from the seed."""
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(seed).permutation(len(data.target))[:size]
    images = (data.images[order] * (255 / 16)).round().astype(np.uint8)[:, None]
    buffer = io.BytesIO()
    np.savez_compressed(buffer, x=images, y=data.target[order])
    return {"digits.npz": buffer.getvalue()}
