"""Keep a stratified random sample of records, the same for the same records."""

from __future__ import annotations

import hashlib

import numpy as np

from goalkeeper.core.data import PARTS, Data, Floats, Ints, Splits, row_keys
from goalkeeper.describe.form import ModelForm

SALT = b"data.sample"  # the parts are cut by the keys themselves, of which these are independent


def sample_parts(splits: Splits, wanted: int) -> Splits:
    """Keep about `wanted` records: of each class in each part the same share, one at least.

    Which ones follows from the hash of each input alone: not from the order of the data, nor from
    any seed.
    """
    parts = {part: getattr(splits, part) for part in PARTS}
    share = min(1.0, wanted / sum(map(len, parts.values())))
    return Splits(**{part: _sample(data, share) for part, data in parts.items()})


def describe_sample(splits: Splits, given: int, model: ModelForm) -> str:
    """Say in a caveat what is used of `given` records, and what was trained on it."""
    sizes = splits.sizes()
    used = f"{sum(sizes.values()):,} of {given:,} records are used, a random sample (data.sample)"
    if model.file is not None or model.weights is not None:
        return (
            f"{used}; the model is the stored one, which was trained on all its training records, "
            f"while what attackers train sees at most {sizes['train']:,} of them"
        )
    if model.build is not None:
        return (
            f"{used}; the model is trained on {sizes['train']:,} of them, and usually remembers "
            "them better, and is easier to change, than a model of all records"
        )
    return used


def _sample(data: Data, share: float) -> Data:
    digests = [hashlib.blake2b(key, digest_size=8, key=SALT).digest() for key in row_keys(data.x)]
    draws = np.array([int.from_bytes(digest, "big") / 2**64 for digest in digests])
    kept = [_draw(np.flatnonzero(data.y == label), draws, share) for label in np.unique(data.y)]
    return data.take(np.sort(np.concatenate(kept)))


def _draw(rows: Ints, draws: Floats, share: float) -> Ints:
    """Take the rows of one class with the smallest draws; copies have the same draw."""
    order = rows[np.argsort(draws[rows], kind="stable")]
    return order[: max(1, round(share * len(rows)))]
