"""The usual suite holds every pair of values."""

from __future__ import annotations

from itertools import product

import pytest

from tests.training.pairs import covering, pairs_of, pairwise


@pytest.mark.parametrize("sizes", [(2, 2, 2), (4, 3, 2), (5, 2, 3), (3, 3, 3, 2)])
def test_every_pair_is_covered_by_fewer_combinations(sizes: tuple[int, ...]) -> None:
    chosen = covering(sizes)
    every = list(product(*map(range, sizes)))
    assert set().union(*map(pairs_of, chosen)) == set().union(*map(pairs_of, every))
    assert len(chosen) < len(every)


def test_the_other_combinations_are_validations() -> None:
    cases = pairwise("ab", [1, 2], [None, "x"])
    usual = [case.values for case in cases if not case.marks]
    assert len(cases) == 8
    assert len(usual) == 4
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert len({(case[first], case[second]) for case in usual}) == 4
