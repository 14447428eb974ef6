"""What became of single items, so that two runs can be compared item by item."""

from __future__ import annotations

import base64
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.need import Frozen

RANK = ">u2"


class Outcomes(Frozen):
    """What became of each item at the largest budget, so that two runs can be compared by item.

    An item is named by a hash of its content. The key of the hash is made of all data, so that
    nobody who lacks the data can look a record up.
    """

    ids: str = Field(description="4 characters an item")
    hits: str = Field(
        description="a digit an item: whether the attack succeeded; for membership, how many of "
        "the thresholds its score exceeds"
    )
    beside: str = Field(
        default="",
        description="a digit an item: whether the baseline succeeded on it; for membership, "
        "its role: 1 a training record, 0 another one, 2 one that thresholds are chosen on; empty "
        "where the baseline had other items",
    )
    ranks: str = Field(
        default="",
        description="for membership: the rank of each score, lowest first, two bytes an item "
        "(big-endian) in Base64",
    )

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        n = len(self.hits)
        if len(self.ids) != 4 * n or len(self.beside) not in (0, n):
            raise ValueError("ids, hits and beside are not of the same number of items")
        if len(self.ranks) not in (0, 4 * -(-2 * n // 3)):
            raise ValueError("ranks are not of the same number of items as hits")
        return self


def write_ranks(scores: Floats) -> str:
    """Write the ranks of scores `(n,)`, of which no two are equal."""
    ranks = scores.argsort().argsort().astype(RANK)
    return base64.urlsafe_b64encode(ranks.tobytes()).decode()


def read_ranks(outcomes: Outcomes) -> Ints:
    """Read the ranks of scores `(n,)`; raises ValueError where they are no ranks."""
    raw = base64.b64decode(outcomes.ranks, altchars=b"-_", validate=True)
    ranks = np.frombuffer(raw, dtype=RANK).astype(np.int64)
    if not np.array_equal(np.sort(ranks), np.arange(len(outcomes.hits))):
        raise ValueError("the ranks of outcomes are not the numbers from 0 on")
    return ranks
