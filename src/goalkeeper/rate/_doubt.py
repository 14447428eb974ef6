"""What a rating is worth where the model may not be the user's: nothing that was withstood."""

from __future__ import annotations

import math

from goalkeeper.core.assessment import Bracket, GoalRating, Verdict
from goalkeeper.core.evidence import Status
from goalkeeper.core.fit import FitReport
from goalkeeper.core.goals import Goal
from goalkeeper.policy import Policy

# What an attack took out of a model was in it, whatever the model answers. To change a right answer
# or to decline a harmless input shows nothing where answers are as good as a coin.
STANDS = frozenset({Goal.CONFIDENTIALITY, Goal.PRIVACY})


def cast_doubt(rating: GoalRating, fit: FitReport, policy: Policy) -> GoalRating:
    """Return the rating of a goal when it is in doubt whether this is the user's model.

    Nothing is met. A demonstrated success stays where it does not depend on right answers, for
    confidentiality and privacy; integrity and availability are inconclusive in any case. Bounds
    from above are those of an attack that was not tested.
    """
    if rating.verdict is Verdict.NOT_ASSESSED:
        return rating
    reason = "; ".join(fit.reasons)
    if rating.goal in STANDS and rating.verdict is Verdict.NOT_MET:
        return rating.model_copy(update={"doubt": reason})
    level, rules = rating.need.level, policy.rating
    shown = rating.demonstrated if rating.goal in STANDS else math.inf
    worst = rules.interval(Status.NOT_TESTED)[1]
    low = rating.exposure.low if rating.goal in STANDS else 0
    changed = {
        "verdict": Verdict.INCONCLUSIVE,
        "risk": Bracket(low=rules.risk(level, shown), high=rules.risk(level, 0)),
        "demonstrated": shown,
        "potential": 0.0,
        "exposure": Bracket(low=low, high=max(worst, rating.exposure.high)),
        "cheapest_attack": rating.cheapest_attack if rating.goal in STANDS else "",
        "because": (),
        "reason": f"Inconclusive: it is in doubt whether this is your model: {reason}.",
        "doubt": reason,
    }
    return rating.model_copy(update=changed)
