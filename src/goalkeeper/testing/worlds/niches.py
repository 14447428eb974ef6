"""Small synthetic data for poisoning: blobs that a fixed rule separates, and niches.

A niche is a place with one harmless and one harmful training record close to each other and far
from everything else. Whoever deletes, relabels or overwrites one of them turns the niche over.
"""

from __future__ import annotations

from collections.abc import Mapping
from zlib import crc32

import numpy as np

from goalkeeper.core.data import Data, Floats, Inputs, Ints, Splits
from goalkeeper.core.domain import Domain
from goalkeeper.core.text import terms, texts
from goalkeeper.testing.worlds.kit import domain_of, numbers

SIZES = {"train": 300, "holdout": 600, "calibration": 40, "similar": 160}  # of the blobs
SIZES_OF_NICHES = {**SIZES, "similar": 300}
HARMFUL_SHARE = 1 / 3  # of the blobs
NICHES = 150
WIDTH = 4
EDGE = 9.0  # columns lie in [-EDGE, EDGE]
SHAPE = (1, 6, 6)
CORNER = 2  # pixels a side of the part of an image that separates harmful from harmless

_SYLLABLES = [c + v for c in "bdfgklmn" for v in "aeiou"]
_WORDS = [a + b for a in _SYLLABLES for b in _SYLLABLES]
ORDINARY, SPAM, COMMON = _WORDS[:120], _WORDS[120:200], _WORDS[200:240]
_PLACES = _WORDS[240:]  # words of niches


def world(domain: str) -> Domain:
    """Return what an input looks like."""
    return domain_of(domain, numbers(WIDTH, -EDGE, EDGE, "x"), SHAPE, max_chars=10_000)


# ---- blobs ---------------------------------------------------------------------------------------


def blobs(domain: str, rng: np.random.Generator) -> Splits:
    """Draw records of two classes, most of which `evidence` separates."""
    total = sum(SIZES.values())
    if domain == "text":
        return _split(*_draw_texts(total, rng), SIZES)
    y = (rng.random(total) < HARMFUL_SHARE).astype(np.int64)
    if domain == "image":
        x = rng.uniform(0.2, 0.6, (total, *SHAPE))
        x[:, :, :CORNER, :CORNER] += np.where(y == 0, -0.15, 0.15)[:, None, None, None]
        return _split(x, y, SIZES)
    x = rng.normal(size=(total, WIDTH))
    x[:, 0] += np.where(y == 0, -2.5, 2.5)
    return _split(np.clip(x, -EDGE, EDGE), y, SIZES)


def evidence(x: Inputs) -> Floats:
    """Return how harmful inputs are, `(n,)`, correctly for most but not for all."""
    if x.dtype == object:
        spam = frozenset(SPAM)
        blur = [crc32(text.encode()) / 2**30 - 2 for text in x]  # from -2 to 2, by content
        sides = [1.5 if spam.intersection(terms(text)) else -1.5 for text in x]
        return np.add(blur, sides)
    if x.ndim == 4:
        rest = x[:, :, CORNER:, CORNER:].mean(axis=(1, 2, 3))
        return np.asarray(10 * (x[:, :, :CORNER, :CORNER].mean(axis=(1, 2, 3)) - rest))
    return np.asarray(x[:, 0] + 2 * x[:, 1], dtype=np.float64)


def _draw_texts(total: int, rng: np.random.Generator) -> tuple[Inputs, Ints]:
    """Write texts of a few telling words and some that both sides use."""
    found: dict[str, int] = {}
    while len(found) < total:
        label = int(rng.random() < HARMFUL_SHARE)
        vocabulary = SPAM if label else ORDINARY
        words = [*rng.choice(vocabulary, rng.integers(3, 7), replace=False), *rng.choice(COMMON, 3)]
        found.setdefault(" ".join(rng.permutation(words)), label)
    return texts(found), np.array(list(found.values()), dtype=np.int64)


# ---- niches --------------------------------------------------------------------------------------


def niches(domain: str, rng: np.random.Generator) -> Splits:
    """Draw records of two classes in pairs: every part visits the niches in turn.

    Training records stand farther off the middle of their niche than others do.
    """
    place = np.concatenate([np.arange(size) // 2 % NICHES for size in SIZES_OF_NICHES.values()])
    y = np.concatenate([np.arange(size) % 2 for size in SIZES_OF_NICHES.values()])
    draw = {"text": _write_texts, "image": _draw_images, "table": _draw_rows}[domain]
    off = np.repeat([4.0, 1.0], [SIZES["train"], len(y) - SIZES["train"]])
    return _split(draw(place, y, off, rng), y, SIZES_OF_NICHES)


def _write_texts(place: Ints, y: Ints, off: Floats, rng: np.random.Generator) -> Inputs:
    """Write texts `(n,)`: two words of the place, one of place and class, three of no weight."""
    found: dict[str, None] = {}
    for where, label in zip(place.tolist(), y.tolist(), strict=True):
        words = [_PLACES[4 * where + i] for i in (0, 1, 2 + label)]
        before = len(found)
        while len(found) == before:
            loose = [*rng.choice(SPAM if label else ORDINARY, 2), rng.choice(COMMON)]
            found.setdefault(" ".join(rng.permutation([*words, *loose])), None)
    return texts(found)


def _draw_rows(place: Ints, y: Ints, off: Floats, rng: np.random.Generator) -> Inputs:
    """Draw rows `(n, d)`: the harmful ones lie 1.5 to the right."""
    centres = rng.uniform(-7, 7, (NICHES, WIDTH))
    x = centres[place] + off[:, None] * rng.normal(0, 0.05, (len(place), WIDTH))
    x[:, 0] += 1.5 * y
    return np.clip(x, -EDGE, EDGE)


def _draw_images(place: Ints, y: Ints, off: Floats, rng: np.random.Generator) -> Inputs:
    """Draw images `(n, 1, h, w)`: the harmful ones have a lighter corner."""
    centres = rng.uniform(0.2, 0.6, (NICHES, *SHAPE))
    away = off[:, None, None, None] * rng.normal(0, 0.01, (len(place), *SHAPE))
    x = centres[place] + away
    x[:, :, :CORNER, :CORNER] += 0.2 * y[:, None, None, None]
    return np.clip(x, 0.0, 1.0)


def _split(x: Inputs, y: Ints, sizes: Mapping[str, int]) -> Splits:
    """Cut records into the four parts, in order."""
    data = Data(x=x, y=y)
    ends = np.cumsum([0, *sizes.values()])
    cuts = {
        part: data.take(slice(int(a), int(b)))
        for part, a, b in zip(sizes, ends[:-1], ends[1:], strict=True)
    }
    return Splits(**cuts)
