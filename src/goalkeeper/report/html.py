"""The report as one HTML file: no network, no script, everything escaped."""

from __future__ import annotations

import base64
import hashlib
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from goalkeeper.core.assessment import Assessment
from goalkeeper.report import format as fmt
from goalkeeper.report import leading, words
from goalkeeper.report.language import _, ngettext, speaking
from goalkeeper.report.model import Report
from goalkeeper.report.palette import DARK, LIGHT, TONES
from goalkeeper.report.parts import Context, Table
from goalkeeper.report.rows import attack_rows

SHORT = 24  # characters; a cell of this length is kept on one line
MOST_COLUMNS = 9


def render_html(assessment: Assessment, context: Context | None = None) -> str:
    """Return the report of an assessment as a self-contained page."""
    context = context or Context()
    with speaking(context.language):
        report = Report.of(assessment, context=context)
        drawn = {"overview": _overview(report), "drawings": _drawings(report)}
        return _page("report.html", report, language=context.language.code, **drawn)


def render_summary(assessment: Assessment, context: Context | None = None) -> str:
    """Return the first two pages of the report as a self-contained page."""
    context = context or Context()
    with speaking(context.language):
        report = Report.of(assessment, context=context)
        return _page("summary.html", report, language=context.language.code)


def _page(template: str, report: Report, **drawn: object) -> str:
    """Lay a report out as a self-contained page."""
    environment = _environment()
    style = environment.get_template("style.css").render(
        light=LIGHT, dark=DARK, tones=sorted(set(TONES.values())), columns=MOST_COLUMNS
    )
    return environment.get_template(template).render(
        report=report,
        style=Markup(style),  # noqa: S704 - our own template and palette
        policy=_policy(style),
        **drawn,
    )


@cache  # compiling the templates takes longer than filling them in
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("goalkeeper.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(_, ngettext, newstyle=False)  # type: ignore[attr-defined]
    environment.filters |= {"narrow": _narrow, "tie": fmt.tie}
    environment.globals |= {
        "words": words,
        "leading": leading,
        "tones": TONES,
        "attack_rows": attack_rows,
    }
    return environment


def _narrow(table: Table) -> str:
    """Name the columns that are short enough to stand on one line."""
    columns = list(zip(*table.rows, strict=True))[:MOST_COLUMNS]
    short = (i for i, cells in enumerate(columns, 1) if max(map(len, cells)) <= SHORT)
    return " ".join(f"k{i}" for i in short)


def _policy(style: str) -> str:
    """Allow exactly one style sheet, and nothing else: no script, no address."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _drawings(report: Report) -> dict[str, Markup]:
    from goalkeeper.report import (
        plots,
    )  # matplotlib is slow to import: only when something is drawn

    return {
        f.anchor: Markup(plots.curve(f.drawing, f"plot-{i}"))  # noqa: S704 - escaped there
        for i, f in enumerate(report.findings, 1)
        if f.drawing and f.decides
    }


def _overview(report: Report) -> tuple[Markup, Table] | None:
    from goalkeeper.report import (
        plots,
    )  # matplotlib is slow to import: only when something is drawn

    if not report.goals:
        return None
    drawn = Markup(plots.overview(report.goals, "overview"))  # noqa: S704 - escaped there
    rows = tuple(
        (g.title, g.label.word, g.need, g.exposure, g.critical_level) for g in report.goals
    )
    head = (_("Goal"), _("Verdict"), _("Need"), _("Exposure"), _("Critical from"))
    return drawn, Table(_("Exposure of every goal, in numbers"), head, rows)
