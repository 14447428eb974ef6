"""New inputs made of parts of two of the attacker's own, far apart or close together."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.domain import Domain, TableDomain, TextDomain

NEIGHBOURS = 5  # of the attacker's own inputs that are nearest to one
MOST_COMPARED = 4000  # own inputs among which the nearest are looked for
HALF_WAY = 0.5  # share of the way to the other input, at most


def blend_inputs(x: Inputs, n: int, domain: Domain, rng: np.random.Generator) -> Inputs:
    """Make `n` new valid inputs, each of parts of two of the attacker's own inputs `x`.

    Half of rows take single columns of another row, half lie between the two.
    """
    one, two = rng.integers(0, len(x), n), rng.integers(0, len(x), n)
    if isinstance(domain, TextDomain):
        out = np.empty(n, dtype=object)
        out[:] = [
            _join_halves(x[i], x[j])[: domain.max_chars] for i, j in zip(one, two, strict=True)
        ]
        return out
    rows = np.asarray(x, dtype=np.float64)
    share = rng.choice([0.1, 0.3, 0.5], (n, *[1] * (rows.ndim - 1)))
    swap = rng.random(rows[one].shape) < share
    if not isinstance(domain, TableDomain):
        return np.asarray(np.where(swap, rows[two], rows[one]))
    for group in domain.one_hot:
        swap[:, list(group)] = swap[:, [group[0]]]
    swapped = np.where(swap, rows[two], rows[one])
    coded = _find_coded(domain)
    between = rows[one] + rng.random((n, 1)) * (rows[two] - rows[one])
    between = np.where(coded | np.isnan(between), rows[one], between)
    half = rng.random((n, 1)) < 0.5
    return np.asarray(domain.project(np.where(half, between, swapped)))


def _join_halves(one: str, two: str) -> str:
    left, right = one.split(), two.split()
    return " ".join(left[: (len(left) + 1) // 2] + right[len(right) // 2 :])


def blend_near(
    x: Inputs, others: Inputs, n: int, domain: Domain, rng: np.random.Generator
) -> tuple[Inputs, Ints]:
    """Make up to `n` valid inputs close to rows `x`: on the way to one of the nearest of `others`.

    Returns them, and near which of `x` each lies. Models differ there as they differ on inputs
    that really come, of which the attacker has few (Chawla et al. 2002, SMOTE, makes records so).
    """
    rows = np.asarray(x, dtype=np.float64)
    pool = np.asarray(others, dtype=np.float64)
    pool = pool[rng.permutation(len(pool))[:MOST_COMPARED]]
    place = np.arange(n) % max(1, len(rows))
    if not n or len(pool) < 2:
        return rows[:0], place[:0]
    nearest = _find_nearest(rows[:n], pool, domain)  # the others have no place
    partner = pool[nearest[place, rng.integers(0, nearest.shape[1], n)]]
    start = rows[place]
    share = HALF_WAY * rng.random((n, *[1] * (rows.ndim - 1)))
    between = start + share * (partner - start)
    if isinstance(domain, TableDomain):
        coded = _find_coded(domain)
        swap = rng.random((n, 1)) < share
        taken = np.where(swap, partner, start)
        between = domain.project(np.where(coded | np.isnan(between), taken, between))
    new = domain.valid(between)
    return np.asarray(between[new]), place[new]


def _find_nearest(x: Floats, pool: Floats, domain: Domain) -> Ints:
    """Return the places in `pool` of the nearest to each of `x` that are not equal to it."""
    one, two = x.reshape(len(x), -1), pool.reshape(len(pool), -1)
    scale = np.nanstd(two, axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    coded = _find_coded(domain) if isinstance(domain, TableDomain) else np.zeros(len(scale), bool)
    one, two = np.nan_to_num(one / scale), np.nan_to_num(two / scale)
    square = (one[:, ~coded] ** 2).sum(axis=1)[:, None] + (two[:, ~coded] ** 2).sum(axis=1)
    distance = square - 2 * one[:, ~coded] @ two[:, ~coded].T
    for j in np.flatnonzero(coded):
        distance += one[:, j][:, None] != two[:, j]
    distance[distance < 1e-9 * np.maximum(square, 1.0)] = np.inf  # itself
    count = min(NEIGHBOURS, len(pool) - 1)
    near = np.argpartition(distance, count - 1, axis=1)[:, :count]
    order = np.argsort(np.take_along_axis(distance, near, axis=1), axis=1)
    return np.asarray(np.take_along_axis(near, order, axis=1))


def _find_coded(domain: TableDomain) -> Bools:
    """Tell which columns `(d,)` hold codes, between which nothing lies."""
    coded = np.array([bool(c.categories) for c in domain.columns])
    coded[[j for group in domain.one_hot for j in group]] = True
    return coded
