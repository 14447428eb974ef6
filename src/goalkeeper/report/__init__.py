"""One report model, rendered as HTML, terminal text and JSON; it computes nothing."""

from goalkeeper.report.coverage_data import coverage_csv, coverage_json
from goalkeeper.report.html import render_html
from goalkeeper.report.json import render_json, schema
from goalkeeper.report.model import Report
from goalkeeper.report.parts import AssignmentRow, Context
from goalkeeper.report.renderer import Renderer
from goalkeeper.report.renderers import renderers
from goalkeeper.report.terminal import render_terminal

__all__ = [
    "AssignmentRow",
    "Context",
    "Renderer",
    "Report",
    "coverage_csv",
    "coverage_json",
    "render_html",
    "render_json",
    "render_terminal",
    "renderers",
    "schema",
]
