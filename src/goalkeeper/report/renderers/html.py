"""The report as one page for a browser."""

from __future__ import annotations

from typing import ClassVar

from goalkeeper.core.assessment import Assessment
from goalkeeper.report.html import render_html
from goalkeeper.report.parts import Context
from goalkeeper.report.renderer import Renderer


class HtmlRenderer(Renderer):
    """One self-contained page: no network, no script."""

    suffix: ClassVar[str] = ".html"
    media_type: ClassVar[str] = "text/html"

    def render(self, assessment: Assessment, context: Context) -> str:
        """Return the page."""
        return render_html(assessment, context)
