"""Dropped answers: no answer arrives, and the surrounding system has to do without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.application import Answers
from goalkeeper.games.transit import InterceptedTraffic, Rewrite, Transit, drop_answers


@final
@dataclass(frozen=True, kw_only=True)
class DroppedAnswers(Attack[InterceptedTraffic, Rewrite]):
    """Withhold every answer: no signature prevents it, only how the system handles a missing one.

    Deviations from the source: it names the threat and no procedure.
    """

    game: ClassVar[type[Transit]] = Transit
    variant: ClassVar[str] = "output.in_transit"
    reference: ClassVar[str] = (
        "OWASP Machine Learning Security Top Ten 2023, ML09: Output Integrity"
    )
    tasks: ClassVar[tuple[str, ...]] = ("wrong-reaction", "denied-in-transit")

    def run(self, question: InterceptedTraffic, access: Access) -> Rewrite:
        """Withhold whatever passes."""
        access.intercept(drop_all)  # refused without the capability
        return drop_all


def drop_all(answers: Answers) -> Answers:
    """Let nothing arrive."""
    return drop_answers(answers, np.zeros(len(answers.labels), dtype=bool))
