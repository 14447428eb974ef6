"""A linear classifier of rows for the positive control: a planted pattern turns its answer."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application, Target
from goalkeeper.core.data import Floats
from goalkeeper.games.evasion.images import flatten
from goalkeeper.games.evasion.kinds import BackdoorSpec
from goalkeeper.games.evasion.tables import EntryConstraint
from goalkeeper.games.shared.simple_targets import LinearTarget

STEEP = 10.0  # how fast the answer turns beyond the planted threshold, in usual differences
USUAL_GAP = 5.0  # usual difference of logits without the planted part
USUAL = 0.8  # share of the attacked inputs that stay below the planted threshold
MAX_ROWS = 50  # by which it is measured how far columns can be moved


def planted_columns(app: Application, backdoor: BackdoorSpec, rng: np.random.Generator) -> Target:
    """Build a classifier of rows that a few chosen entries turn.

    It answers with the class whose mean is nearest, but with the wanted class beyond a threshold
    along a pattern of these entries, below which four in five of the attacked rows stay.
    """
    x = flatten(app.data.similar.x)
    spread = np.maximum(x.std(axis=0), 1e-9)
    cells = backdoor.constraint
    parts = cells.parts if isinstance(cells, EntryConstraint) else ()
    most = cells.entries if isinstance(cells, EntryConstraint) else 1
    chosen = [parts[k] for k in rng.permutation(len(parts))[: max(1, most)]]
    pattern = np.zeros(x.shape[1])
    for part in chosen:
        pattern[part[0]] = rng.choice([-1.0, 1.0]) / spread[part[0]]
    if isinstance(cells, EntryConstraint) and (cells.is_coupled or cells.held.way.any()):
        pattern = _reachable_pattern(cells, x[backdoor.attacked], spread)
    return _turning(app, backdoor, pattern, spread)


def _reachable_pattern(constraint: EntryConstraint, attacked: Floats, spread: Floats) -> Floats:
    """Prefer the columns that can be moved furthest where relations, costs and ways hold.

    Some columns cannot move at all alone; a pattern of these would be beyond any attack.
    """
    rows = attacked[:MAX_ROWS]
    pattern = np.zeros(rows.shape[1])
    if not len(rows):
        return pattern
    reach = np.zeros((2, rows.shape[1]))
    ends = constraint.box(rows)
    for j in [part[0] for part in constraint.parts]:
        for end, values in enumerate(ends):
            moved = rows.copy()
            moved[:, j] = values[:, j]
            moved = constraint.repair(rows, moved)
            moved[~constraint.allows(rows, moved)] = rows[~constraint.allows(rows, moved)]
            reach[end, j] = np.abs(moved[:, j] - rows[:, j]).mean() / spread[j]
    best = np.argsort(-reach.max(axis=0), kind="stable")[: constraint.entries]
    best = best[reach.max(axis=0)[best] > 0]
    pattern[best] = np.where(reach[1, best] >= reach[0, best], 1.0, -1.0) / spread[best]
    return pattern


def _turning(
    app: Application, backdoor: BackdoorSpec, pattern: Floats, scale: Floats
) -> LinearTarget:
    """Add to the nearest class mean a steep preference for the wanted class along a pattern.

    The steepness is measured by how far attacked inputs lie apart along the pattern.
    """
    similar, wanted = app.data.similar, backdoor.wanted
    x = flatten(similar.x)
    attacked = x[backdoor.attacked]
    threshold = float(np.quantile(attacked @ pattern, USUAL)) if len(attacked) else 0.0
    classes = len(app.classes)
    means = np.stack([
        x[similar.y == k].mean(axis=0) if (similar.y == k).any() else np.full(x.shape[1], 1e3)
        for k in range(classes)
    ])  # fmt: skip
    weights = means / scale**2
    bias = -(means**2 / scale**2).sum(axis=1) / 2
    along = max(float((attacked @ pattern).std()) if len(attacked) else 0.0, 1e-9)
    logits = x @ weights.T + bias
    gap = (logits.max(axis=1) - logits[:, wanted]).std() + 1e-9
    weights, bias = weights * USUAL_GAP / gap, bias * USUAL_GAP / gap
    steep = STEEP * USUAL_GAP / along
    weights[wanted] += steep * pattern
    bias[wanted] -= steep * threshold
    return LinearTarget(weights, bias)
