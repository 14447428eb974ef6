"""A model of the attacker's own, learnt from an application's labels of rows."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.data import Bools, Data, Floats, Ints
from goalkeeper.core.domain import Domain
from goalkeeper.training.families import FamilyModel, fit_family, predict_held_back

__all__ = ["FamilyModel", "fit_best", "measure_lead", "pick_doubtful"]

# Families whose scores rise towards a boundary, so that a search knows where to go. A single tree
# and few neighbours give steps.
FAMILIES = ("linear", "boosting", "kernel")


def pick_doubtful(model: FamilyModel | None, rows: Floats, n: int) -> Floats:
    """Pick the `n` rows on which a model decides most narrowly; any without a model."""
    if model is None or len(rows) <= n:
        return rows[:n]
    margins = np.sort(_margins(model, rows), axis=1)
    return rows[np.argsort(margins[:, -1] - margins[:, -2], kind="stable")[:n]]


def fit_best(seen: Data, domain: Domain, rng: np.random.Generator) -> FamilyModel | None:
    """Fit the family that predicts held-back answers best; None where all answers are alike."""
    if len(np.unique(seen.y)) < 2:
        return None
    folds: Ints = rng.permutation(np.arange(len(seen)) % 3)
    seed = int(rng.integers(2**31))
    right = [
        int((predict_held_back(family, seen, domain, folds, seed) == seen.y).sum())
        for family in FAMILIES
    ]
    return fit_family(FAMILIES[int(np.argmax(right))], seen, domain, seed)


def measure_lead(model: FamilyModel, rows: Floats, wanted: Bools) -> Floats:
    """Measure how far the wanted answers `(classes,)` are ahead for rows `(q, d)`."""
    scores = np.full((len(rows), len(wanted)), -np.inf)
    scores[:, model.model.classes_] = _margins(model, rows)
    best = scores[:, wanted].max(axis=1)
    with np.errstate(invalid="ignore"):  # neither a wanted nor another class was ever answered
        lead = best - scores[:, ~wanted].max(axis=1)
    return np.asarray(np.where(np.isnan(lead), -np.inf, lead))


def _margins(model: FamilyModel, rows: Floats) -> Floats:
    """Return what classes are chosen by `(n, classes seen)`."""
    margins = model.margins(rows)
    return np.hstack([-margins, margins]) if margins.shape[1] == 1 else margins
