"""The threshold on a number that separates own models of the two worlds best."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.data import Bools, Floats


def find_threshold(values: Floats, world: Bools) -> tuple[float, float, tuple[float, float]]:
    """Find the threshold on `values` `(models,)` that separates the worlds best.

    Returns the threshold, the sign (+1: world 1 lies above), and how good it is: the share of
    models on their own side, then the distance of the means in standard deviations.
    """
    order = np.sort(np.unique(values))
    cuts = np.concatenate([[order[0] - 1.0], (order[:-1] + order[1:]) / 2])
    above = (values[None, :] > cuts[:, None]) == world
    share = above.mean(axis=1)
    either = np.maximum(share, 1 - share)
    ties = np.flatnonzero(either == either.max())
    i = int(ties[len(ties) // 2])
    spread = float(values.std())
    apart = abs(float(values[world].mean() - values[~world].mean())) / max(spread, 1e-12)
    sign = 1.0 if share[i] >= 0.5 else -1.0
    return float(cuts[i]), sign, (float(either[i]), apart if spread > 0 else 0.0)
