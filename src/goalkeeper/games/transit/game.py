"""Transit: answers on their way to the surrounding system are rewritten, repeated or withheld."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.goals import Goal, Harm, IntegrityLevel
from goalkeeper.core.power import Attacker
from goalkeeper.core.standing import DECIDES, Standing
from goalkeeper.games.base import Deal, Game, Marking, Task, Unfit
from goalkeeper.games.shared.reacting import METRIC, react_by_certainty, unfit_reactions
from goalkeeper.games.shared.system import IN_PROCESS, NONE, NUMBERED, SIGNED
from goalkeeper.games.transit import marks
from goalkeeper.games.transit.rewrites import Rewrite
from goalkeeper.games.transit.traffic import InterceptedTraffic, SessionSecret, record_traffic

WRONG = Task(
    name="wrong-reaction",
    harms=(Harm(Goal.INTEGRITY, level=IntegrityLevel.OUTPUT),),
    metric=METRIC,
    sentence="rewrite answers in transit so that the surrounding system reacts wrongly "
    "and does not notice",
)


@final
@dataclass(frozen=True, kw_only=True)
class Transit(Game[InterceptedTraffic, SessionSecret, Rewrite]):
    """Question: what was recorded of an earlier session. Answer: a rewrite of what passes.

    The game sends genuine answers through the described channel, the attack's rewrite and the
    described reactions (or the user's own adapter). A reaction is wrong when it differs from the
    one without tampering; only inputs that were classified correctly count, and the same inputs
    without tampering are the baseline. What the channel or the adapter rejects is noticed. To
    deny a harmless input its reaction is a success even if it is noticed.

    Parameters
    ----------
    inputs
        Inputs whose answers are sent, at most.
    """

    name: ClassVar[str] = "transit"
    family: ClassVar[str] = "output"
    grows: ClassVar[Mapping[str, int]] = {"inputs": 150}

    inputs: int = 400

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Trigger wrong reactions; deny harmless inputs their reaction."""
        if app.harmless is None:
            return (WRONG,)
        denied = Task(
            name="denied-in-transit",
            harms=(Harm(Goal.AVAILABILITY),),
            metric=METRIC,
            sentence=f"tamper in transit so that {app.classes[app.harmless]} inputs do not get "
            "their reaction",
            about=app.classes[app.harmless],
        )
        return WRONG, denied

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need reactions that differ, and a channel."""
        return unfit_reactions(app, withheld=bool(task.about)) or _unfit_channel(app)

    def standing(self, app: Application, task: Task, attacker: Attacker) -> Standing:
        """To withhold answers, or to rewrite unprotected ones, is what capability O grants."""
        wiring = app.wiring
        if not task.about and (wiring.channel in (SIGNED, NUMBERED) or wiring.adapter is not None):
            return DECIDES
        what = "withholds" if task.about else "rewrites"
        return Standing.no_harm(
            f"{attacker.name} was granted the answers in transit (O), and {what} them as it likes; "
            "what limits this attacker is whether the surrounding system notices"
        )

    def deal(
        self, app: Application, task: Task, rng: np.random.Generator
    ) -> Deal[InterceptedTraffic, SessionSecret]:
        """Record an earlier session for the attacker, and draw the inputs of the next one."""
        holdout = app.data.holdout
        rows = rng.permutation(len(holdout))[: self.inputs]
        secret = SessionSecret(key=rng.bytes(16), data=holdout.take(rows))
        denied = app.classes.index(task.about) if task.about else None
        return Deal(record_traffic(app, secret, denied), secret)

    def mark(self, marking: Marking[InterceptedTraffic, SessionSecret, Rewrite]) -> AttackResult:
        """Let the surrounding system react to what the attack made of the answers."""
        return marks.mark(marking)

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Send bare answers to a system that believes whatever arrives."""
        wiring = replace(app.wiring, missing="nothing", channel=NONE, adapter=react_by_certainty)
        return replace(app, wiring=wiring)

    def smaller(self) -> Transit:
        """Send fewer answers."""
        return replace(self, inputs=min(self.inputs, 150))


def _unfit_channel(app: Application) -> Unfit | None:
    """Say that no answer is in transit, or that nothing is known of it."""
    if not app.wiring.channel:
        return Unfit(
            "the description does not say how answers reach the surrounding system; describe it "
            "(system.channel: none, signed, replay-protected or in-process)"
        )
    if app.wiring.channel == IN_PROCESS:
        return Unfit(
            "the description states that answers do not leave the program that runs the model",
            proven=True,
        )
    return None
