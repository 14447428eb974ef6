"""The findings as SARIF, for code scanning."""

from __future__ import annotations

import json
from typing import ClassVar

from goalkeeper.core.assessment import Assessment
from goalkeeper.report.parts import Context
from goalkeeper.report.renderer import Renderer
from goalkeeper.report.sarif import render_sarif


class SarifRenderer(Renderer):
    """A SARIF 2.1.0 log: verdicts and attack runs, at the lines of the application file."""

    suffix: ClassVar[str] = ".sarif"
    media_type: ClassVar[str] = "application/sarif+json"

    def render(self, assessment: Assessment, context: Context) -> str:
        """Return the log."""
        log = render_sarif(assessment, context)
        return json.dumps(log, indent=1, ensure_ascii=False) + "\n"
