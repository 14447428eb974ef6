"""Scaled answers: classes stay, sure answers become unsure and unsure ones sure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.core.access import Access
from goalkeeper.core.application import Answers, Application
from goalkeeper.core.power import View
from goalkeeper.games.transit import (
    InterceptedTraffic,
    Messages,
    Rewrite,
    Transit,
    rewrite_answers,
)


@final
@dataclass(frozen=True, kw_only=True)
class ScaledAnswers(Attack[InterceptedTraffic, Rewrite]):
    """Mirror the confidence of each answer, so that it crosses any threshold in between.

    With k classes the highest score c becomes 1 + 1/k - c, the others keep their proportions,
    and the class stays the same: only a system that reacts to scores is affected.

    Deviations from the source: it names the threat; the rule is ours.
    """

    game: ClassVar[type[Transit]] = Transit
    variant: ClassVar[str] = "output.in_transit"
    reference: ClassVar[str] = (
        "OWASP Machine Learning Security Top Ten 2023, ML09: Output Integrity"
    )
    tasks: ClassVar[tuple[str, ...]] = ("wrong-reaction",)

    def unfit(self, app: Application) -> Unfit | None:
        """Need a system that reacts to scores."""
        if app.wiring.adapter is None:
            return Unfit(
                "reactions follow from the class alone, as described, so scores change nothing",
                proven=True,
            )
        if app.target.offers < View.SCORES:
            return Unfit("the model gives no scores that could be changed", proven=True)
        return None

    def run(self, question: InterceptedTraffic, access: Access) -> Rewrite:
        """Rewrite whatever passes."""
        access.intercept(mirror_confidence)  # refused without the capability
        return mirror_confidence


def mirror_confidence(answers: Answers) -> Answers:
    """Turn sure answers unsure and unsure ones sure."""
    if isinstance(answers, Messages) and not answers.scored:
        return answers
    scores, rows = answers.scores, np.arange(len(answers.labels))
    top = scores[rows, answers.labels]
    wanted = 1 + 1 / scores.shape[1] - top
    rest = 1 - top
    even = np.full_like(scores, 1 / (scores.shape[1] - 1))
    parts = np.divide(scores, rest[:, None], out=even, where=rest[:, None] > 0)
    turned = parts * (1 - wanted)[:, None]
    turned[rows, answers.labels] = wanted
    return rewrite_answers(answers, answers.labels, turned)
