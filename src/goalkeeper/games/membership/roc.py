"""The ROC curve of a membership attack, thinned to a few points: no score of a record is kept."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.data import Floats
from goalkeeper.core.evidence import Curve
from goalkeeper.stats import clopper_pearson, tpr_at_fpr

MOST_POINTS = 24  # at false-positive rates that are spread evenly on a logarithmic axis
FALSE_RATE = "false-positive rate"
TRUE_RATE = "true-positive rate"


def draw_roc(members: Floats, non_members: Floats) -> Curve:
    """Draw true-positive over false-positive rates, from one false alarm on.

    members, non_members: scores `(m,)` and `(n,)` without ties. The interval counts in that the
    threshold of each false-positive rate is known from the non-members by chance only, so that
    guessing lies inside it where the attack does no more.
    """
    n = len(non_members)
    alarms = np.unique(np.round(np.geomspace(1, n, MOST_POINTS)))[:-1]
    points = [tpr_at_fpr(members, non_members, float(k) / n) for k in alarms]
    whole = clopper_pearson(len(members), len(members))
    return Curve(
        metric=TRUE_RATE,
        budget=FALSE_RATE,
        unit="of records that are no members",
        x=(*(alarms / n).tolist(), 1.0),
        value=(*(point.tpr for point in points), 1.0),
        low=(*(point.low for point in points), whole[0]),
        high=(*(point.high for point in points), whole[1]),
    )
