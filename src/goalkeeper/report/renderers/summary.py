"""The report on at most two printed pages."""

from __future__ import annotations

from typing import ClassVar

from goalkeeper.core.assessment import Assessment
from goalkeeper.report.html import render_summary
from goalkeeper.report.parts import Context
from goalkeeper.report.renderer import Renderer


class SummaryRenderer(Renderer):
    """One self-contained page that prints on two sheets of A4: what to sign, or to hand on."""

    suffix: ClassVar[str] = ".html"
    media_type: ClassVar[str] = "text/html"

    def render(self, assessment: Assessment, context: Context) -> str:
        """Return the page."""
        return render_summary(assessment, context)
