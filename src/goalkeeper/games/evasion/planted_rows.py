"""Rows for the positive control: how each gives way to changes of few entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from goalkeeper.core.application import Application, Target
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.design import Design
from goalkeeper.games.evasion.kinds import BackdoorSpec
from goalkeeper.games.evasion.planted_target import (
    MOST,
    PlantedTarget,
    choose_classes,
    fit_ridge,
    measure_random,
    rest_of,
    steepen,
)
from goalkeeper.games.evasion.tables import EntryConstraint

# Of the farthest allowed change. A search that takes the best entries one by one goes all the way;
# one that learns from a model of its own takes some others.
FAR = 0.55
RARE = 0.95  # share of random changes that turn no answer; of few columns, chance hits the best


@dataclass(frozen=True, eq=False)
class PlantedRowsTarget(PlantedTarget):
    """The same for rows, in numbers of which each column has mean 0 and spread 1.

    A missing number counts as the mean.
    """

    middle: Floats
    spread: Floats

    def values(self, x: Inputs) -> Floats:
        """Scale rows `(n, d)`."""
        rows = (np.asarray(x, dtype=np.float64) - self.middle) / self.spread
        return np.nan_to_num(rows, nan=0.0)

    def parameters(self) -> Mapping[str, Any]:
        """Return weights and bias of a linear model, and the features that they multiply."""
        weights = np.eye(self.classes)
        return {
            "weights": weights,
            "bias": np.zeros(self.classes),
            "design": PlantedDesign.of(self),
        }


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class PlantedDesign(Design):
    """The features are all that the target computes, so that who has it knows its answers."""

    target: PlantedRowsTarget

    @classmethod
    def of(cls, target: PlantedRowsTarget) -> PlantedDesign:
        """Return the features of a target."""
        return cls(names=tuple(map(str, range(target.classes))), terms=(), target=target)

    def expand(self, x: Inputs) -> Floats:
        """Return the features `(n, classes)` of rows `(n, d)`."""
        return self.target.logits(x)

    def jumps(self, column: int) -> Floats:
        """Return no number: features move steadily."""
        return np.zeros(0)


def planted_rows(app: Application, backdoor: BackdoorSpec, rng: np.random.Generator) -> Target:
    """Build a classifier that gives way to changes of the rows under attack.

    The way of each row is that of a linear model from its class to the nearest wanted one, which
    other models resemble. The answer turns at somewhat more than half of what the strongest
    entries can reach that may be changed together, or farther, where random changes come that far.
    """
    rows, limits = np.asarray(backdoor.inputs.x, dtype=np.float64), backdoor.constraint
    if not isinstance(limits, EntryConstraint):
        raise TypeError(f"changes of rows are bounded by entries, not by {limits!r}")
    similar, labels = np.asarray(app.data.similar.x, dtype=np.float64), app.data.similar.y
    with np.errstate(all="ignore"):
        known = np.ma.masked_invalid(similar)
        middle, spread = known.mean(axis=0).filled(0.0), known.std(axis=0).filled(0.0)
    blank = PlantedRowsTarget(
        known=np.zeros((0, len(middle))),
        slopes=np.zeros((0, len(middle))),
        truth=backdoor.inputs.y,
        given=backdoor.inputs.y,
        classes=len(app.classes),
        rest=rest_of(least_likely=backdoor.least_likely),
        middle=np.asarray(middle),
        spread=np.where(spread > 0, spread, 1.0),
    )
    before, seen = blank.values(rows), blank.values(similar)
    given, _ = choose_classes(before, backdoor.goal.wanted, seen, labels, rng)
    learnt = fit_ridge(seen, labels, len(app.classes))
    ways = learnt[given] - learnt[backdoor.inputs.y]
    best = np.array([
        _change_most(limits, row, way / blank.spread) for row, way in zip(rows, ways, strict=True)
    ]).reshape(rows.shape)  # fmt: skip
    slopes = steepen(ways, ((blank.values(best) - before) * ways).sum(axis=1))
    random = measure_random(
        limits,
        rows,
        limits.entries,
        lambda x: ((blank.values(x) - before) * slopes).sum(axis=1),
        rng,
        RARE,
    )
    far = np.clip(random, FAR, MOST)
    return replace(blank, known=before, slopes=slopes / far, given=given)


def _change_most(limits: EntryConstraint, row: Floats, way: Floats) -> Floats:
    """Change those entries of a row `(d,)` that lead farthest along a way and may change together.

    Where relations or costs exclude all of them, fewer are changed.
    """
    changes = limits.list_changes(row)
    gain = np.nan_to_num((changes.value - row) * changes.mask, nan=0.0) @ way
    order = np.argsort(-gain, kind="stable")
    _, first = np.unique(changes.entry[order], return_index=True)
    chosen = order[np.sort(first)]  # the best change of each entry, those that gain most first
    chosen = chosen[gain[chosen] > 0][: limits.entries]
    best, most = row, 0.0
    made = row.copy()
    for k in chosen:
        made = np.where(changes.mask[k], changes.value[k], made)
        for tried in (made, np.where(changes.mask[k], changes.value[k], row)):
            after = limits.repair(row[None], tried[None])
            reached = float(np.nan_to_num(after[0] - row, nan=0.0) @ way)
            if reached > most and limits.allows(row[None], after)[0]:
                best, most = after[0], reached
    return best
