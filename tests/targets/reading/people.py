"""A small table of words, numbers and missing values, as pandas gave it to the user."""

from __future__ import annotations

from typing import Any

import numpy as np

from goalkeeper.core.data import Floats
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.targets.inputs import prepared

CLASSES = ("zeta", "alpha", "mid")
WORK = ("clerk", "farmer", "nurse", "never seen")  # the last is in no training record
COLUMNS = (
    Column(name="age", kind="integer", low=17, high=90, dtype="int64"),
    Column(name="work", kind="category", categories=WORK, missing=True, dtype="object"),
    Column(name="gain", low=0, high=100, missing=True, dtype="float64"),
    Column(
        name="grade", kind="category", categories=("low", "mid", "high"), dtype="category[object]"
    ),
    Column(name="rooms", kind="integer", low=1, high=4, dtype="int64"),
)
PEOPLE = TableDomain(columns=COLUMNS, named=True)
NUMBERS = ["age", "gain"]
WORDS = ["work", "grade"]


def draw(n: int, seed: int = 0, *, unseen: bool = False, gaps: bool = True) -> Floats:
    """Draw valid rows `(n, 5)`; work is farmer for few of them, grade high for few."""
    rng = np.random.default_rng(seed)
    work = rng.choice(3 + unseen, n, p=[0.5, 0.05, 0.45] if not unseen else [0.3, 0.1, 0.3, 0.3])
    grade = rng.choice(3, n, p=[0.5, 0.45, 0.05])
    gain = np.round(rng.gamma(1.0, 15.0, n), 1).clip(0, 100)
    rows = np.stack([rng.integers(17, 91, n), work, gain, grade, rng.integers(1, 5, n)], axis=1)
    rows = rows.astype(np.float64)
    if gaps:
        rows[rng.random(n) < 0.15, 1] = np.nan
        rows[rng.random(n) < 0.2, 2] = np.nan
    return rows


def people(classes: int = 2, n: int = 160, **given: Any) -> tuple[Any, Any]:
    """Return the user's frame and the classes by name, those of a rule with noise."""
    rows = draw(n, **given)
    rng = np.random.default_rng(7)
    value = rows[:, 0] / 30 + 1.5 * (rows[:, 1] == 2) - (rows[:, 3] == 1)
    value += np.nan_to_num(rows[:, 2], nan=40.0) / 30 + rng.normal(size=n) * 0.5
    y = np.digitize(value, np.quantile(value, np.arange(1, classes) / classes))
    return prepared(rows, PEOPLE), np.array(CLASSES)[y]
