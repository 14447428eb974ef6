"""Answers in transit whose content is known."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Answers
from goalkeeper.games.transit import InterceptedTraffic, Messages

NAMES = ("inbox", "spam", "fraud")
SCORES = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.0, 0.1, 0.9]])
SENT = Messages(np.array([0, 1, 2]), SCORES)


def traffic(reactions: tuple[str, ...] = NAMES, earlier: Messages = SENT) -> InterceptedTraffic:
    return InterceptedTraffic(classes=NAMES, reactions=reactions, harmless=None, earlier=earlier)


def sent(*labels: int, scored: bool = True) -> Messages:
    rows = np.array(labels, dtype=np.int64)
    return Messages(rows, SCORES[rows] if scored else None)


def messages(answers: Answers) -> Messages:
    assert isinstance(answers, Messages)
    return answers
