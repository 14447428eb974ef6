"""Which role each record has in the question, and what the attack says of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.outcomes import Outcomes, write_ranks
from goalkeeper.games.shared.items import keep_outcomes
from goalkeeper.stats import calibrated_threshold

FALSE_POSITIVE_RATES = (0.001, 0.01, 0.05, 0.1)
MOST_RECORDS = 15_000  # as many as a game asks about at most


@dataclass(frozen=True, eq=False, slots=True)
class Roles:
    """Which records of the question are members, evaluated non-members, or calibration `(n,)`."""

    member: Bools
    non_member: Bools
    calibration: Bools


def keep_levels(app: Application, x: Inputs, ranks: Floats, roles: Roles) -> Outcomes | None:
    """Keep of each record its role, its rank, and how many of the thresholds its score exceeds.

    Calibration records are kept as well: whoever compares two runs must allow for thresholds that
    are estimated from them.
    """
    levels = count_exceeded(ranks, ranks[roles.calibration])
    parts = roles.member + 2 * roles.calibration
    used = roles.member | roles.non_member | roles.calibration
    if used.sum() > MOST_RECORDS:
        return None
    kept = keep_outcomes(app, x[used], levels[used], parts[used], most=MOST_RECORDS)
    return None if kept is None else kept.model_copy(update={"ranks": write_ranks(ranks[used])})


def count_exceeded(ranks: Floats, calibration: Floats) -> Ints:
    """Count how many of the thresholds each score exceeds."""
    cuts = [calibrated_threshold(calibration, rate) for rate in FALSE_POSITIVE_RATES]
    return np.asarray(np.sum([ranks > cut for cut in cuts], axis=0))
