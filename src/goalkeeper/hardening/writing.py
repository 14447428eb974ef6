"""What hardening writes: the hardened application, its model, and the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Assessment
from goalkeeper.core.private import make_folder, write_text
from goalkeeper.defences import Chosen
from goalkeeper.hardening.markdown import render_hardening
from goalkeeper.hardening.model_files import write_model
from goalkeeper.hardening.page import describe_hardening
from goalkeeper.hardening.records import Hardening
from goalkeeper.hardening.subject import Subject
from goalkeeper.report import renderers
from goalkeeper.running import report_context

HARDENED = "hardened"
RESULT, PAGE, REPORT = "hardening.json", "hardening.md", "report.html"


def write_hardened(subject: Subject, root: Path, kept: Sequence[Chosen]) -> tuple[str, str]:
    """Write the hardened application file, and the model where it can be stored."""
    folder = root / HARDENED
    described = subject.defended(kept, folder)
    make_folder(folder)
    model = write_model(subject.load(described).target, folder)
    return ("" if isinstance(described, Application) else str(described)), model


def write_pages(found: Hardening, before: Assessment, subject: Subject, root: Path) -> Hardening:
    """Write what was found, as JSON, Markdown, and as a part of the report.

    The report is that of the hardened application; where nothing was accepted, of the one as it is.
    """
    found = found.model_copy(update={"report": str(root / REPORT)})
    shown = before
    if found.combined is not None:
        shown = Assessment.from_folder(Path(found.combined.run))
    app = subject.load(subject.given)
    about = report_context(subject.policy, file=found.hardened, person=app.person or "")
    about = replace(about, hardening=describe_hardening(found))
    page = renderers()[Path(REPORT).suffix[1:]]().render(shown, about)
    make_folder(root)
    write_text(root / REPORT, page)
    write_text(root / PAGE, render_hardening(found))
    write_text(root / RESULT, found.to_json())
    return found
