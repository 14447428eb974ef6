"""Texts as arrays of words: how goalkeeper splits, collects and compares them."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from goalkeeper.core.data import Inputs
from goalkeeper.core.scripts import list_words, split_units

__all__ = [
    "terms",
    "texts",
]

TERM = re.compile(r"(?u)\b\w\w+\b")  # what the usual vectorisers take for a word


def texts(values: Iterable[str]) -> Inputs:
    """Return texts as an object array `(n,)`."""
    rows = list(values)
    out = np.empty(len(rows), dtype=object)
    out[:] = rows
    return out


def terms(text: str) -> list[str]:
    """Split a text into the lower-case words that a filter would see.

    Marks stay with their letter. A run of a script without spaces gives all pairs of neighbouring
    characters, as nothing says where its words end.
    """
    lower = text.lower()
    return TERM.findall(lower) if lower.isascii() else list(list_words(lower))


def vocabulary(x: Inputs) -> list[str]:
    """List every word of texts `(n,)` once, in alphabetical order."""
    return sorted({word for text in x for word in terms(text)})


def kept(before: str, after: str) -> bool:
    """Tell whether the words of `before` all stand in `after`, whole and in their order.

    Words end at spaces, and at the punctuation of scripts without spaces: what stands between
    is kept whole.
    """
    rest = iter(split_units(after))
    return all(word in rest for word in split_units(before))
