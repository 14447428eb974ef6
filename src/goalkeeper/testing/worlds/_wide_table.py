"""A table of many columns, of which half matter to the model, or none does."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application, Target
from goalkeeper.core.data import Data
from goalkeeper.core.domain import TableDomain
from goalkeeper.games.shared.simple_targets import LinearTarget
from goalkeeper.testing.worlds.kit import HashedTarget, application, numbers, splits

WIDTH, ROWS = 40, 120  # columns, and rows of each part


def wide_table(rng: np.random.Generator, *, hashed: bool) -> Application:
    """Build an application of 40 columns: half of them matter, or its answers are a hash."""
    data = splits(lambda: Data(x=rng.random((ROWS, WIDTH)), y=rng.integers(0, 2, ROWS)))
    strong = rng.permutation(WIDTH) < WIDTH // 2
    weights = np.where(strong, rng.choice([-4.0, 4.0], WIDTH), rng.normal(size=WIDTH) * 0.2)
    both = np.stack([np.zeros(WIDTH), weights])
    target: Target = LinearTarget(both, np.array([0.0, -weights.sum() / 2]))
    if hashed:
        target = HashedTarget(rng.bytes(16))
    return application("wide table", target, data, TableDomain(columns=numbers(WIDTH, 0.0, 1.0)))
