"""Teaching: give feedback to an application that learns from it, until it answers wrongly."""

from __future__ import annotations

from goalkeeper.core.feedback import FeedbackBatch
from goalkeeper.games.teaching.game import FeedbackChannel, FeedbackPlan, Teaching

__all__ = [
    "FeedbackBatch",
    "FeedbackChannel",
    "FeedbackPlan",
    "Teaching",
]
