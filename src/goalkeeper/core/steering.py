"""What somebody who steers a training process can do to it, and within which limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.errors import ChangeRefused, NotGranted
from goalkeeper.core.power import Capability, Power

Order = Callable[[Ints, Ints, int], Ints]
"""From the honest order of rows `(rows,)`, the labels `(rows,)` and the epoch to another order."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Steering:
    """How a training process is steered; the records and their labels stay what they are.

    Parameters
    ----------
    seed
        The seed that is used in place of the process's own.
    order
        The order in which rows are learnt in each epoch.
    weights
        How much the loss of each row counts, `(rows,)`, at least 0.
    """

    seed: int | None = None
    order: Order | None = None
    weights: Floats | None = None


def permitted(steering: Steering, granted: Power, rows: int) -> Steering:
    """Check a steering against what was granted; the order is checked again in every epoch.

    Who manipulates the process (M3) may set seed, order and weights. Who influences steps (M4)
    may only exchange rows among a share of the places of each epoch.

    Raises
    ------
    NotGranted
        Neither M3 nor M4 was granted, or M4 alone and more than the order is steered.
    ChangeRefused
        The weights do not fit the training data.
    """
    cells = granted.capabilities.closed()
    if Capability.M3 not in cells:
        if Capability.M4 not in cells:
            raise NotGranted("steer() needs capability M3 or M4")
        if steering.seed is not None or steering.weights is not None:
            raise NotGranted("seed and weights need capability M3; M4 influences the order only")
    weights = steering.weights
    if weights is not None:
        fits = np.shape(weights) == (rows,) and bool(np.isfinite(weights).all())
        if not fits or weights.min() < 0 or not weights.any():
            raise ChangeRefused(
                f"weights of shape {np.shape(weights)} do not fit {rows} rows; give one finite "
                "number of at least 0 for each row, and not only zeros"
            )
    if steering.order is None:
        return steering
    share = 1.0 if Capability.M3 in cells else granted.budget.share
    return replace(steering, order=_limited(steering.order, share))


def _limited(order: Order, share: float) -> Order:
    def checked(honest: Ints, labels: Ints, epoch: int) -> Ints:
        steered = np.asarray(order(honest.copy(), labels.copy(), epoch))
        if not np.array_equal(np.sort(steered), np.sort(honest)):
            raise ChangeRefused("an order must name every row of the epoch exactly once")
        moved = int((steered != honest).sum())
        if moved > share * len(honest) + 1e-9:
            raise ChangeRefused(
                f"{moved} of {len(honest)} places of epoch {epoch} were changed, but the attacker "
                f"influences at most {share:.2%} of them"
            )
        return steered

    return checked
