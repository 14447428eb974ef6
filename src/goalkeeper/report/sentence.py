"""The one sentence about a finding or a goal, for every format that shows no more than that."""

from __future__ import annotations

from goalkeeper.report.finding import Finding
from goalkeeper.report.goalpart import GoalPart


def sentence_of(what: Finding | GoalPart) -> str:
    """Say in one sentence what a finding shows, or why a goal has its verdict."""
    if isinstance(what, Finding):
        return what.summary or what.warning or f"{what.title}: {what.outcome}"
    return what.reason or what.label.meaning
