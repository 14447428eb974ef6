"""The generated pages are what the code says now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from goalkeeper.attacks import catalogue
from goalkeeper.policy import default_policy
from tests.docs.pages import DOCS, ROOT, anchors

REFERENCE = DOCS / "reference"


def generate(*arguments: str, script: Path = DOCS / "generate.py") -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-B", str(script), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_generated_pages_are_fresh() -> None:
    code, told = generate("--check")
    assert code == 0, told


def test_a_stale_page_is_named(tmp_path: Path) -> None:
    """In a folder without pages, the check fails and says what to do."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "src" / "goalkeeper").mkdir(parents=True)
    for script in DOCS.glob("*.py"):
        (tmp_path / "docs" / script.name).write_text(script.read_text())
    (tmp_path / "tests").mkdir()
    (tmp_path / "docs" / "requirements.yaml").write_text("- {id: S1, asks: something}")
    code, told = generate("--check", script=tmp_path / "docs" / "generate.py")
    assert code == 1
    assert "attacks.md is missing" in told
    assert "next: python docs/generate.py" in told


def test_every_attack_and_variant_is_listed() -> None:
    assert set(catalogue()) <= anchors(REFERENCE / "attacks.md")
    page = (REFERENCE / "variants.md").read_text()
    assert all(f"| `{variant.name}` |" in page for variant in default_policy().variants())


def test_the_corrected_year_is_noted() -> None:
    """The source prints 2016 for the Marauder's Map (requirement S53)."""
    row = next(
        line
        for line in (REFERENCE / "bibliography.md").read_text().splitlines()
        if line.startswith("| `papernot2018map`")
    )
    assert "2018" in row
    assert "the source prints 2016" in row


def test_unchecked_works_are_not_printed() -> None:
    page = (REFERENCE / "bibliography.md").read_text()
    for key, work in default_policy().taxonomy.literature.items():
        assert (f"`{key}`" in page) == (work.checked != "memory")
