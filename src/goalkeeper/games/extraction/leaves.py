"""How many leaves of a decision tree a copy answers as the tree does."""

from __future__ import annotations

from typing import Any

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View

POINTS = 8  # rows drawn in each leaf
DECIMALS = 12  # of scores that must be alike within a leaf


def find_copied_leaves(app: Application, substitute: Any, rng: np.random.Generator) -> Bools | None:
    """Tell which leaves `(n,)` of the target's own tree the substitute answers as it does.

    Each leaf that a valid row can reach is tried with rows drawn in it. None where the target is
    no single decision tree whose leaves can be read.
    """
    domain = app.domain
    if not isinstance(domain, TableDomain) or app.target.offers < View.SCORES:
        return None
    try:
        leaves = app.target.parameters().get("stored", {}).get("leaves", {})
    except NotOffered:
        return None
    low, high = domain.bounds()
    if "low" not in leaves or np.shape(leaves["low"])[1] != len(low):
        return None
    low = np.maximum(leaves["low"], np.where(np.isfinite(low), low, -1e6))
    high = np.minimum(leaves["high"], np.where(np.isfinite(high), high, 1e6))
    reached = (low <= high).all(axis=1)
    low, high = low[reached], high[reached]
    leaf = np.repeat(np.arange(len(low)), POINTS)
    rows = domain.project(low[leaf] + rng.uniform(0.02, 1, (len(leaf), low.shape[1]))
                          * (high - low)[leaf])  # fmt: skip
    inside = domain.valid(rows) & ((rows >= low[leaf]) & (rows <= high[leaf])).all(axis=1)
    rows, leaf = rows[inside], leaf[inside]
    if not len(rows):
        return None
    answers = app.target.answer(rows, View.SCORES)
    _, first, place = np.unique(leaf, return_index=True, return_inverse=True)
    scores = np.round(answers.scores, DECIMALS)
    if (scores == scores[first][place]).all(axis=1).mean() < 1 - 1 / POINTS:
        return None  # one of many trees
    wrong = np.asarray(substitute.predict(rows)) != answers.labels
    return np.asarray(np.bincount(place, weights=wrong, minlength=len(first)) == 0)
