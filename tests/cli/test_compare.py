"""`goalkeeper compare`, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from goalkeeper.cli.exits import Exit
from tests.cli.inline import inline
from tests.comparing.pairs import CASES, NAME, audit


@pytest.fixture
def before(tmp_path: Path) -> Path:
    audit(20).save(tmp_path / "before.json")
    return tmp_path / "before.json"


@pytest.fixture
def after(tmp_path: Path) -> Path:
    audit(80).save(tmp_path / "after.json")
    return tmp_path / "after.json"


def test_worse_is_exit_1_and_better_is_0(before: Path, after: Path) -> None:
    assert inline("compare", before, after).code == Exit.NOT_MET
    assert inline("compare", after, before).code == Exit.MET
    assert inline("compare", before, before).code == Exit.MET


def test_json_is_all_that_stands_on_stdout(before: Path, after: Path) -> None:
    done = inline("compare", before, after, "--json")
    found = json.loads(done.out)
    assert found["goals"]["integrity"]["change"] == "worse"
    assert {row["attack"] for row in found["attacks"]} == {case.name for case in CASES}
    assert inline("compare", before, after, "--format", "json").out == done.out


def test_text_says_all_and_cuts_nothing(before: Path, after: Path) -> None:
    """Each goal has its row and its sentence; nothing ends in dots; 80 columns suffice."""
    out = inline("compare", before, after).out
    joined = " ".join(out.split())
    assert "Integrity got worse" in joined
    assert "10.0% (6.2% to 15.0%) before, 40.0% (33.2% to 47.1%) after" in joined
    assert NAME in out
    assert "..." not in out
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= 80


def test_markdown_is_a_short_comment(before: Path, after: Path) -> None:
    lines = inline("compare", before, after, "--format", "markdown").out.splitlines()
    assert len(lines) < 60
    assert any(line.startswith("| integrity | ") and "**worse**" in line for line in lines)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not an assessment"),
        ('{"schema": 1}', "has schema 1, of an earlier goalkeeper"),
        ('{"schema": 99}', "has schema 99, of a later goalkeeper"),
        ('{"schema": 2}', "is not an assessment of this version"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_error(before: Path, content: str, words: str) -> None:
    other = before.with_name("other.json")
    other.write_text(content)
    done = inline("compare", before, other)
    assert done.code == Exit.USAGE
    assert done.err.count("error:") == 1
    assert words in done.err


def test_a_folder_without_a_run_and_one_that_was_changed_are_refused(
    before: Path, tmp_path: Path
) -> None:
    missing = inline("compare", before, tmp_path / "none")
    assert missing.code == Exit.USAGE
    assert "contains no assessment.json" in missing.err
    folder = tmp_path / "run"
    folder.mkdir()
    audit(20).save(folder / "assessment.json")
    (folder / "MANIFEST.sha256").write_text(f"{'0' * 64}  assessment.json\n")
    changed = inline("compare", folder, before)
    assert changed.code == Exit.USAGE
    assert "is not as the run wrote it" in changed.err
    assert f"goalkeeper verify {folder}" in changed.err
