"""Which role each record has in the question, and what the attack says of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.core.evidence import Outcomes
from goalkeeper.games.shared.items import keep_outcomes
from goalkeeper.stats import calibrated_threshold

FALSE_POSITIVE_RATES = (0.001, 0.01, 0.05, 0.1)


@dataclass(frozen=True, eq=False, slots=True)
class Roles:
    """Which records of the question are members, evaluated non-members, or calibration `(n,)`."""

    member: Bools
    non_member: Bools
    calibration: Bools


def keep_levels(app: Application, x: Inputs, ranks: Floats, roles: Roles) -> Outcomes | None:
    """Keep of each member and non-member how many of the thresholds its score exceeds."""
    cuts = [calibrated_threshold(ranks[roles.calibration], rate) for rate in FALSE_POSITIVE_RATES]
    levels = np.sum([ranks > cut for cut in cuts], axis=0)
    return keep_outcomes(app, x, levels, roles.member, roles.member | roles.non_member)
