"""The report as plain text, as a terminal shows it."""

from __future__ import annotations

import io
from typing import ClassVar

from rich.console import Console

from goalkeeper.core.assessment import Assessment
from goalkeeper.report.parts import Context
from goalkeeper.report.renderer import Renderer
from goalkeeper.report.terminal import render_terminal

WIDTH = 100


class TextRenderer(Renderer):
    """Plain text of at most 100 columns."""

    suffix: ClassVar[str] = ".txt"
    media_type: ClassVar[str] = "text/plain"

    def render(self, assessment: Assessment, context: Context) -> str:
        """Return the text."""
        buffer = io.StringIO()
        render_terminal(assessment, Console(file=buffer, width=WIDTH), context)
        return buffer.getvalue()
