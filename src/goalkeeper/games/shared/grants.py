"""What follows from what an attacker was granted: no gain, and no harm that a run could show."""

from __future__ import annotations

from goalkeeper.core.power import Attacker, Grade, Knowledge, Power
from goalkeeper.core.standing import DECIDES, Standing


def own_data(attacker: Power) -> Power:
    """Return what an attacker knows of the training data: on it depends what needs no query."""
    return Power(knowledge=Knowledge(data=attacker.knowledge.data))


def unless_it_holds_the_model(attacker: Attacker, what: str) -> Standing:
    """Return `no_harm` for an attacker who has the model itself: `what` is no gain to it."""
    if attacker.power.knowledge.model is not Grade.FULL:
        return DECIDES
    return Standing.no_harm(
        f"{attacker.name} was granted the model itself, so {what} gains nothing; what limits this "
        "attacker is how the stored model is protected"
    )
