"""What measures around the model share: they are described, and their effect is tested."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from goalkeeper.core.application import Application
from goalkeeper.core.power import Attacker, Capability, Grade

TRAINING = Capability.T1 | Capability.T2 | Capability.T3 | Capability.T4
ASSUMED = "that this measure is in force is taken from the description, and was not tested: {what}"


def holds_everything(attacker: Attacker) -> bool:
    """Whether an attacker has training data and model, as somebody who works on the application."""
    known = attacker.power.knowledge
    return known.data is Grade.FULL and known.model is Grade.FULL


def with_attackers(
    app: Application, change: Callable[[Attacker], Attacker], what: str
) -> Application:
    """Return the application with what a measure leaves to its attackers, and note the measure."""
    attackers = tuple(map(change, app.attackers))
    return replace(app, attackers=attackers, caveats=(*app.caveats, ASSUMED.format(what=what)))


def without(attacker: Attacker, capabilities: Capability) -> Attacker:
    """Return an attacker who can no longer do something.

    The capability to add any records includes others, of which those that are left remain. Without
    a capability of training, no share of the training data is under the attacker's control.
    """
    power = attacker.power
    left = power.capabilities.closed() & ~capabilities
    able = left & (TRAINING | Capability.M4)
    share = power.budget.share if able else 0.0
    budget = replace(power.budget, share=share)
    return replace(attacker, power=replace(power, capabilities=left, budget=budget))


def any_of(attackers: Sequence[Attacker], concerned: Callable[[Attacker], bool]) -> bool:
    """Whether a measure concerns anybody."""
    return any(map(concerned, attackers))
