"""Where the application of a run was described, as a report in the repository points to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from goalkeeper.core.goals import Goal

if TYPE_CHECKING:
    from goalkeeper.describe.document import Document
    from goalkeeper.report.application_file import ApplicationFile


def find_source(folder: Path) -> ApplicationFile | None:
    """Find the application file of a run, and the lines of its keys, in what the run wrote down.

    None for an application that was made in Python.
    """
    from goalkeeper.cli.common import read_run_value
    from goalkeeper.core.errors import DescriptionError
    from goalkeeper.describe.document import parse
    from goalkeeper.report.application_file import ApplicationFile

    file, text = read_run_value(folder, "file"), read_run_value(folder, "description")
    if not file:
        return None
    path = Path(file)
    try:
        lines = _lines(parse(text.removeprefix("\ufeff"), path))
    except DescriptionError:  # an older run, or one that was written by hand
        lines = {}
    return ApplicationFile(path=_relative(path), lines=lines)


def _lines(document: Document) -> dict[str, int]:
    """Map needs and attackers, by their names, to the lines on which they stand."""
    lines = {
        key: document.lines[key,] for key in ("needs", "attackers") if (key,) in document.lines
    }
    for goal in Goal:
        if ("needs", goal) in document.lines:
            lines[f"needs.{goal}"] = document.lines["needs", str(goal)]
    entries = document.at(("attackers",))
    for i, entry in enumerate(entries if isinstance(entries, list) else []):
        name = entry.get("name") if isinstance(entry, dict) else entry
        lines.setdefault(f"attackers.{name}", document.lines["attackers", i])
    return lines


def _relative(file: Path) -> str:
    """Return the path of a file in its repository; elsewhere, below the current folder."""
    whole = file.absolute()
    roots = [folder for folder in whole.parents if (folder / ".git").exists()]
    for root in (*roots[:1], Path.cwd()):
        if whole.is_relative_to(root):
            return whole.relative_to(root).as_posix()
    return file.name
