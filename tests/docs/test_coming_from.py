"""Our halves of the page for those who come from another tool run, and show a figure."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from goalkeeper.attacks import catalogue
from goalkeeper.policy import default_policy
from tests.docs.pages import DOCS, ROOT, blocks, titled

PAGE = DOCS / "how-to" / "coming-from.md"
OURS = [b.title for b in blocks(PAGE, "python") if b.title and b.title != "common.py"]
ROW = re.compile(r"^ *(\w+) +\w+ .* +\d+$", re.MULTILINE)


def run(name: str, folder: Path) -> str:
    """Run one block of the page beside the common one, and return what it prints."""
    for title in ("common.py", name):
        (folder / title).write_text(titled(PAGE, title))
    done = subprocess.run(
        [sys.executable, "-W", "error", name],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_names_of_attacks_and_attackers_exist() -> None:
    code = "\n".join(b.body for b in blocks(PAGE, "python") if b.title)
    for known, key in (
        (set(catalogue()), "attacks"),
        (set(default_policy().attackers), "attackers"),
    ):
        named = re.findall(rf"{key}=\[([^\]]+)\]", code)
        assert named
        for names in named:
            assert set(re.findall(r'"(\w+)"', names)) <= set(known), names


def test_every_tool_has_both_halves() -> None:
    page = PAGE.read_text("utf-8")
    for part in re.split(r"^## ", page, flags=re.MULTILINE)[3:]:
        theirs_only = part.startswith("garak")
        assert "```python title=" in part or theirs_only, part[:30]
        assert "lacks*" in part or "nothing like it here" in part, part[:30]


@pytest.mark.validation
@pytest.mark.parametrize("name", OURS)
def test_ours_runs(name: str, tmp_path: Path) -> None:
    printed = run(name, tmp_path)
    if name == "images.py":
        assert re.fullmatch(r"\d+% robust accuracy\n", printed)
    elif name == "whole.py":
        assert re.search(r"^Integrity +(met|not met|inconclusive)", printed, re.MULTILINE)
        assert (tmp_path / "run" / "report.html").is_file()
    else:
        made = ROW.findall(printed)
        asked = re.findall(r'attacks=\["(\w+)"', titled(PAGE, name))
        assert set(made) == set(asked), printed
