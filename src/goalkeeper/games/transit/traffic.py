"""Answers on their way through one session: what the attacker has recorded, and what is secret."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Ints
from goalkeeper.games.shared.system import Messages, System, ask_target


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class InterceptedTraffic:
    """The question in transit: what the attacker in the middle knows and has recorded.

    Parameters
    ----------
    classes, reactions
        Names of the classes, and the reaction to each as far as it is described.
    harmless
        The class whose reaction is to be denied; None: any wrong reaction will do.
    earlier
        Messages of an earlier session, as they were sent.
    """

    classes: tuple[str, ...]
    reactions: tuple[str, ...]
    harmless: int | None
    earlier: Messages

    def classes_unlike(self, label: int) -> Ints:
        """List the classes whose reaction differs from that of a class."""
        same = self.reactions[label]
        return np.array(
            [i for i, name in enumerate(self.reactions) if name != same], dtype=np.int64
        )


@dataclass(frozen=True, eq=False, slots=True)
class SessionSecret:
    """The secret in transit: the key of the channel, and the inputs to be answered."""

    key: bytes
    data: Data


def record_traffic(
    app: Application, secret: SessionSecret, harmless: int | None
) -> InterceptedTraffic:
    """Record an earlier session, on calibration inputs, and say what is known."""
    system = System.of(app, secret.key)
    answers, scored = ask_target(app, app.data.calibration.x)
    return InterceptedTraffic(
        classes=app.classes,
        reactions=tuple(system.reaction(i, None) or "" for i in range(len(app.classes)))
        if app.wiring.adapter is None
        else app.classes,
        harmless=harmless,
        earlier=system.channel.seal(answers, 0, scored=scored),
    )
