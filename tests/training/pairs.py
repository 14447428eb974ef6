"""Products of parameters of which the usual suite runs each pair of values once.

Most faults that depend on several parameters depend on two of them (Kuhn, Wallace and Gallo, 2004,
IEEE Transactions on Software Engineering 30, 418-421). The other combinations are marked as
validations.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, product
from typing import Any

import pytest

Choice = tuple[int, ...]  # the place of a value, for each parameter
Pair = tuple[tuple[int, int], tuple[int, int]]  # two parameters with the place of their values


def pairs_of(choice: Choice) -> set[Pair]:
    """Give the pairs of values of a combination."""
    return set(combinations(enumerate(choice), 2))


def covering(sizes: Iterable[int]) -> set[Choice]:
    """Choose combinations that hold every pair: at each step the one that adds the most."""
    choices = list(product(*(range(size) for size in sizes)))
    missing: set[Pair] = set().union(*map(pairs_of, choices))
    chosen: set[Choice] = set()
    while missing:
        best = max(choices, key=lambda choice: len(pairs_of(choice) & missing))
        chosen.add(best)
        missing -= pairs_of(best)
    return chosen


def pairwise(*parameters: Iterable[Any]) -> list[Any]:
    """Give all combinations of values for `parametrize`, those beyond the pairs as validations."""
    values = [list(given) for given in parameters]
    usual = covering(map(len, values))
    return [
        pytest.param(
            *(given[place] for given, place in zip(values, choice, strict=True)),
            marks=() if choice in usual else pytest.mark.validation,
        )
        for choice in product(*(range(len(given)) for given in values))
    ]
