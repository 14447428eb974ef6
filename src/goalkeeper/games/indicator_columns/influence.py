"""How much a model looks at each column: read from its weights, or measured by shuffling."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Target
from goalkeeper.core.data import Data, Floats
from goalkeeper.core.design import Design
from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.numbers import spread
from goalkeeper.core.power import View

SMALLEST = 1e-12  # probability: below it a logarithm measures rounding
SHUFFLES = 3  # of each column: one alone may hardly move a row


def column_names(domain: Domain) -> list[str]:
    """List the names of a table's columns; none for texts and images."""
    return [column.name for column in getattr(domain, "columns", ())]


def measure_influence(target: Target, like: Data) -> tuple[Floats, str]:
    """Measure how much each column moves the answers, `(d,)`, and return how it was measured.

    Weight times spread where the weights can be read: the standard deviation of what the column
    adds. Else the mean change of the log-odds when the column is shuffled among the rows `like`.
    """
    rows = np.asarray(like.x, dtype=np.float64)
    try:
        known = target.parameters()
    except NotOffered:
        known = {}
    weights = np.atleast_2d(np.asarray(known.get("weights", np.zeros((0, 0))), dtype=np.float64))
    if "design" in known:
        return _spread_added(known["design"], rows, weights), "the spread of what it adds"
    if weights.shape[1] == rows.shape[1]:
        both = np.vstack([np.zeros_like(weights), weights]) if len(weights) == 1 else weights
        apart = both - both.mean(axis=0)
        return np.abs(apart).max(axis=0) * spread(rows), "its weight times its spread"
    return _shuffle(target, rows), "the change of the answers when it is shuffled"


def _spread_added(design: Design, rows: Floats, weights: Floats) -> Floats:
    """Measure how much what each column adds to a class varies, `(d,)`."""
    added = design.add_columns(rows, weights)
    both = np.concatenate([np.zeros_like(added), added], axis=2) if len(weights) == 1 else added
    apart = both - both.mean(axis=2, keepdims=True)
    answered = apart[np.isfinite(apart).all(axis=(1, 2))]
    return (
        np.asarray(answered.std(axis=0).max(axis=1)) if len(answered) else np.zeros(rows.shape[1])
    )


def _shuffle(target: Target, rows: Floats) -> Floats:
    rng = np.random.default_rng(0)  # the truth must be the same in every run
    before = _log_scores(target, rows)
    moved = np.zeros(rows.shape[1])
    for column in range(rows.shape[1]):
        for _ in range(SHUFFLES):
            other = rows.copy()
            other[:, column] = rng.permutation(other[:, column])
            moved[column] += np.abs(_log_scores(target, other) - before).mean()
    return moved / SHUFFLES


def _log_scores(target: Target, rows: Floats) -> Floats:
    if target.offers < View.SCORES:
        labels = target.answer(rows, View.LABELS).labels
        return np.asarray(labels[:, None] == np.unique(labels), dtype=np.float64)
    return np.asarray(np.log(np.clip(target.answer(rows, View.SCORES).scores, SMALLEST, 1)))
