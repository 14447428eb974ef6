"""Transit: answers on their way to the surrounding system are rewritten, repeated or withheld."""

from __future__ import annotations

from goalkeeper.games.shared.system import Messages
from goalkeeper.games.transit.game import Transit
from goalkeeper.games.transit.rewrites import Rewrite, drop_answers, rewrite_answers
from goalkeeper.games.transit.traffic import InterceptedTraffic

__all__ = [
    "InterceptedTraffic",
    "Messages",
    "Rewrite",
    "Transit",
    "drop_answers",
    "rewrite_answers",
]
