"""Texts as arrays of words: how goalkeeper splits, collects and compares them."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from goalkeeper.core.data import Inputs

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
    """Split a text into the lower-case words that a filter would see."""
    return TERM.findall(text.lower())


def vocabulary(x: Inputs) -> list[str]:
    """List every word of texts `(n,)` once, in alphabetical order."""
    return sorted({word for text in x for word in terms(text)})


def kept(before: str, after: str) -> bool:
    """Tell whether the words of `before` all stand in `after`, whole and in their order."""
    rest = iter(after.split())
    return all(word in rest for word in before.split())
