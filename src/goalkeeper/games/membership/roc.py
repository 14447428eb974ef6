"""The ROC curve of a membership attack, thinned to a few points: no score of a record is kept."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.data import Floats
from goalkeeper.core.evidence import Curve
from goalkeeper.stats import clopper_pearson, roc_curve

MOST_POINTS = 24  # at false-positive rates that are spread evenly on a logarithmic axis
FALSE_RATE = "false-positive rate"
TRUE_RATE = "true-positive rate"


def draw_roc(members: Floats, non_members: Floats) -> Curve:
    """Draw true-positive over false-positive rates, from one false alarm on.

    members, non_members: scores `(m,)` and `(n,)` without ties. The interval is that of the
    true-positive rate alone; the threshold is that of the empirical curve.
    """
    fpr, tpr, _ = roc_curve(members, non_members)
    wanted = np.unique(np.round(np.geomspace(1, len(non_members), MOST_POINTS))).astype(int)
    alarms = np.round(fpr * len(non_members)).astype(int)
    last = np.searchsorted(alarms, wanted, side="right") - 1  # the most found at so many alarms
    found = np.round(tpr[last] * len(members)).astype(int)
    bounds = [clopper_pearson(int(k), len(members)) for k in found]
    return Curve(
        metric=TRUE_RATE,
        budget=FALSE_RATE,
        unit="of records that are no members",
        x=tuple((wanted / len(non_members)).tolist()),
        value=tuple((found / len(members)).tolist()),
        low=tuple(low for low, _ in bounds),
        high=tuple(high for _, high in bounds),
    )
