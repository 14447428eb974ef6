"""Flipped answers: every answer in transit says another class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.application import Answers
from goalkeeper.games.transit import (
    InterceptedTraffic,
    Messages,
    Rewrite,
    Transit,
    rewrite_answers,
)


@final
@dataclass(frozen=True, kw_only=True)
class FlippedAnswers(Attack[InterceptedTraffic, Rewrite]):
    """Replace the class of every answer by one with another reaction, and swap their scores.

    Deviations from the source: it names the threat; that scores move along with the class, so
    that the answer stays consistent in itself, is ours.
    """

    game: ClassVar[type[Transit]] = Transit
    variant: ClassVar[str] = "output.in_transit"
    reference: ClassVar[str] = (
        "OWASP Machine Learning Security Top Ten 2023, ML09: Output Integrity"
    )
    tasks: ClassVar[tuple[str, ...]] = ("wrong-reaction", "denied-in-transit")

    def run(self, question: InterceptedTraffic, access: Access) -> Rewrite:
        """Rewrite whatever passes."""
        flip = _Flip(question)
        access.intercept(flip)  # refused without the capability
        return flip


@dataclass(frozen=True, eq=False, slots=True)
class _Flip:
    question: InterceptedTraffic

    def __call__(self, answers: Answers) -> Answers:
        """Change every class to the first with another reaction, if there is one."""
        other = np.arange(len(self.question.classes))
        for label in other.tolist():
            wrong = self.question.classes_unlike(label)
            other[label] = wrong[0] if len(wrong) else label
        labels = other[answers.labels]
        if not isinstance(answers, Messages) or not answers.scored:
            return rewrite_answers(answers, labels)
        scores, rows = answers.scores.copy(), np.arange(len(labels))
        scores[rows, labels], scores[rows, answers.labels] = (
            answers.scores[rows, answers.labels],
            answers.scores[rows, labels],
        )
        return rewrite_answers(answers, labels, scores)
