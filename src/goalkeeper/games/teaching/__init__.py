"""Teaching: give feedback to an application that learns from it, until it answers wrongly."""

from __future__ import annotations

from goalkeeper.core.feedback import Lesson
from goalkeeper.games.teaching.game import Channel, Course, Teaching

__all__ = [
    "Channel",
    "Course",
    "Lesson",
    "Teaching",
]
