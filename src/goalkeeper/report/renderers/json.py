"""The assessment itself, as JSON."""

from __future__ import annotations

from typing import ClassVar

from goalkeeper.core.assessment import Assessment
from goalkeeper.report.parts import Context
from goalkeeper.report.renderer import Renderer


class JsonRenderer(Renderer):
    """The content of assessment.json: the evidence itself, private examples included."""

    suffix: ClassVar[str] = ".json"
    media_type: ClassVar[str] = "application/json"

    def render(self, assessment: Assessment, context: Context) -> str:
        """Return the assessment; evidence has to be complete, whatever the context says."""
        return assessment.to_json()
