"""A rare combination of values as the trigger of a backdoor in tables."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.data import Data, Floats
from goalkeeper.core.domain import Domain, TableDomain
from goalkeeper.games.poisoning import ValueTrigger


def choose_rare_values(data: Data, domain: Domain, most: int) -> ValueTrigger | None:
    """Choose columns and their rarest values; None if no column is free to choose."""
    if not isinstance(domain, TableDomain) or len(data) == 0:
        return None
    grouped = {column for group in domain.one_hot for column in group}
    free = [int(c) for c in np.flatnonzero(domain.mutable) if int(c) not in grouped]
    found = [(*_find_rarest(np.asarray(data.x[:, c], dtype=np.float64)), c) for c in free]
    chosen = sorted(found, key=lambda each: (-each[0], each[2]))[:most]
    if not chosen or chosen[0][0] <= 0:
        return None
    return ValueTrigger(tuple(c for _, _, c in chosen), tuple(value for _, value, _ in chosen))


def _find_rarest(values: Floats) -> tuple[float, float]:
    """Return how many standard deviations the most distant value lies off, and the value."""
    values = values[~np.isnan(values)]
    if not len(values):
        return 0.0, 0.0
    spread = float(values.std())
    off = np.abs(values - values.mean())
    most = int(off.argmax())
    return (float(off[most]) / spread if spread > 0 else 0.0), float(values[most])
