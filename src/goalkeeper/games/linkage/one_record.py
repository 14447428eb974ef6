"""Whether each record is of another person: what a description says, held against the records."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Ints, row_keys
from goalkeeper.core.domain import TableDomain

# Two people can have equal records by chance: of up to so many of all records that is believed, and
# of coarse tables of up to twice as many as repeat when every column is shuffled on its own.
REPEATS_BY_CHANCE = 0.01
COARSE = 2.0
# Names of columns that identify people, as words of the name or with a number behind them.
PERSON = re.compile(
    r"(^|[^a-z])(person|patient|user|customer|client|member|employee|subject|student|"
    r"participant|author|sender|account|ssn|email)(s?|[^a-z]*(id|no|nr|number|name|key|code))$"
)
MIN_NAMES = 0.05  # different values that such a column has at least, as a share of the records


def find_contradiction(app: Application) -> str:
    """Say what contradicts that each record is of another person; empty if nothing does.

    Looked at are the column of persons, columns whose name says that they identify people, and
    records that repeat.
    """
    data = every_record(app)
    for name, values in _columns_of_persons(app, data):
        repeated = int((np.unique(values, return_counts=True)[1] > 1).sum())
        if repeated:
            return f"{repeated:,} values of the column {name} stand in two records or more"
    repeats = _count_repeats(data)
    if repeats > max(REPEATS_BY_CHANCE * len(data), COARSE * _count_chance_repeats(data)):
        return f"{repeats:,} of {len(data):,} records repeat another one"
    return ""


def every_record(app: Application) -> Data:
    """Return the records of all four parts."""
    data = app.data
    return data.train.joined(data.holdout).joined(data.calibration).joined(data.similar)


def _columns_of_persons(app: Application, data: Data) -> Iterator[tuple[str, np.ndarray]]:
    """List columns that identify people, each with the values that it has."""
    for name, values in data.columns.items():
        words = values.astype(str)
        if name == app.person or _tells_apart(name, words):
            yield name, words[words != ""]
    if isinstance(app.domain, TableDomain):
        rows = np.asarray(data.x, dtype=np.float64)
        for place, column in enumerate(app.domain.columns):
            seen = rows[~np.isnan(rows[:, place]), place]
            if _tells_apart(column.name, seen):
                yield column.name, seen


def _tells_apart(name: str, values: np.ndarray) -> bool:
    spelt = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return bool(PERSON.search(spelt)) and len(np.unique(values)) > MIN_NAMES * len(values)


def _count_repeats(data: Data) -> int:
    return len(data) - len(set(row_keys(data.x)))


def _count_chance_repeats(data: Data) -> int:
    """Count the records that repeat when every column of a table is shuffled on its own."""
    if data.x.dtype == object:
        return 0
    rng = np.random.default_rng(0)  # the data decide, not a draw: it is the same in every run
    rows = np.asarray(data.x, dtype=np.float64).reshape(len(data), -1)
    order: Ints = rng.permuted(np.tile(np.arange(len(rows))[:, None], rows.shape[1]), axis=0)
    return len(rows) - len(set(row_keys(np.take_along_axis(rows, order, axis=0))))
