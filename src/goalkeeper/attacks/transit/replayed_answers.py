"""Replayed answers: an old answer, signature and all, is sent in place of the new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.application import Answers
from goalkeeper.games.transit import InterceptedTraffic, Messages, Rewrite, Transit


@final
@dataclass(frozen=True, kw_only=True)
class ReplayedAnswers(Attack[InterceptedTraffic, Rewrite]):
    """Put a whole recorded answer of a class with another reaction in place of every answer.

    A signature over the answer alone still fits; one over its number or time as well does not.

    Deviations from the source: it names the threat; what is replayed is chosen by the reaction.
    """

    game: ClassVar[type[Transit]] = Transit
    variant: ClassVar[str] = "output.in_transit"
    reference: ClassVar[str] = (
        "OWASP Machine Learning Security Top Ten 2023, ML09: Output Integrity; "
        "CWE-294: Authentication Bypass by Capture-replay"
    )
    tasks: ClassVar[tuple[str, ...]] = ("wrong-reaction", "denied-in-transit")

    def run(self, question: InterceptedTraffic, access: Access) -> Rewrite:
        """Replay the last recorded answer of each class."""
        recorded = question.earlier.labels
        last = np.full(len(question.classes), -1, dtype=np.int64)
        last[recorded] = np.arange(len(recorded))  # the later one stays
        instead = np.full(len(last), -1, dtype=np.int64)
        for label in range(len(last)):
            wrong = [i for i in question.classes_unlike(label).tolist() if last[i] >= 0]
            instead[label] = last[wrong[0]] if wrong else -1
        replay = _Replay(question.earlier, instead)
        access.intercept(replay)  # refused without the capability
        return replay


@dataclass(frozen=True, eq=False, slots=True)
class _Replay:
    earlier: Messages
    instead: np.ndarray[tuple[int], np.dtype[np.int64]]

    def __call__(self, answers: Answers) -> Answers:
        """Exchange every answer for which a fitting old one was recorded."""
        sent = answers if isinstance(answers, Messages) else Messages(answers.labels)
        rows = self.instead[sent.labels]
        if (rows < 0).all():
            return sent
        return sent.exchange(rows >= 0, self.earlier.take(np.maximum(rows, 0)))
