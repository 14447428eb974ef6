"""How long a trial takes, estimated from the run itself, before it is begun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log, prod

from goalkeeper.core.deadline import format_duration
from goalkeeper.defences import Chosen
from goalkeeper.hardening.trials import Before

__all__ = ["Needed", "estimate_trial"]

SPARE = 1.5  # times what is needed, in the time that is advised
SHORT = 20.0  # seconds up to which trials count as equally short
STEP = 4.0  # times as long are the trials of the next class


@dataclass(frozen=True, slots=True)
class Needed:
    """Seconds that a trial needs, roughly and at least.

    Parameters
    ----------
    training
        Of the defended model.
    attacks
        Of the attack runs.
    """

    training: float
    attacks: float

    @property
    def seconds(self) -> float:
        """Both together."""
        return self.training + self.attacks

    @property
    def length(self) -> int:
        """The class of its length: trials of one class are in the order of the advice."""
        return max(0, ceil(log(max(self.seconds, SHORT) / SHORT, STEP)))

    def refuse(self, left: float, names: Sequence[str]) -> str:
        """Say why a trial is not begun with so many seconds left, and what to do."""
        minutes = ceil(SPARE * self.seconds / 60) + 1
        options = " ".join(f"--defence {name}" for name in names)
        return (
            f"training takes about {format_duration(self.training)} and the attack runs at least "
            f"{format_duration(self.attacks)}; {format_duration(max(left, 0.0))} were left: use "
            f"--time {minutes}m, with {options} for this one alone"
        )


def estimate_trial(before: Before, chosen: Sequence[Chosen], workers: int) -> Needed:
    """Estimate a trial from what the attack runs on the application as it is have taken.

    Those that train models take longer by as much as the defence makes a training longer. Attack
    runs that the first assessment did not need are not known, so that this is the least.
    """
    app = before.costs.app
    work = prod(one.defence.work(app, one.settings) for one in chosen)
    changes = [one for one in chosen if not one.defence.narrows]
    training = before.costs.training * work if changes else 0.0
    units = {e.unit: e.result for e in before.whole.evidence if e.unit}
    if not changes:  # most of their results are those that there are
        return Needed(0.0, 0.0)
    attacks = sum(r.took * (work if r.cost.models else 1.0) for r in units.values())
    return Needed(training, attacks / max(1, workers))
