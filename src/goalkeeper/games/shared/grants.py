"""What follows from what an attacker was granted: no gain, and no harm that a run could show."""

from __future__ import annotations

from goalkeeper.core.power import Attacker, Capability, Grade, Knowledge, Power
from goalkeeper.core.standing import DECIDES, Standing

MOST_SHARE = 0.5  # of the training data: from here on they are the attacker's own


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


def unless_most_data_is_its_own(attacker: Attacker) -> Standing:
    """Return `no_harm` where half of the training data is granted: any model follows from it."""
    share = attacker.power.budget.share
    if share < MOST_SHARE:
        return DECIDES
    return Standing.no_harm(
        f"{attacker.name} was granted {share:.0%} of the training data, with which any model "
        "follows the attacker; declare a smaller share, and see which one is the smallest that "
        "does harm"
    )


def unless_it_trains(attacker: Attacker) -> Standing:
    """Return `no_harm` for an attacker who controls the training: it may train anything."""
    if Capability.M3 not in attacker.power.capabilities:
        return DECIDES
    return Standing.no_harm(
        f"{attacker.name} was granted the training itself (M3) and could train any model; what "
        "limits this attacker is whether somebody notices, and repeats the training"
    )
