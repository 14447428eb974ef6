"""`goalkeeper coverage`: frameworks, formats, and a clear error for one that there is not."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from goalkeeper.cli.exits import Exit
from goalkeeper.policy import default_policy
from tests.cli.inline import inline
from tests.report import sample

FRAMEWORKS = {framework.key: framework for framework in default_policy().frameworks()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sample.assessment().save(tmp_path / "assessment.json")
    return tmp_path


def test_lists_every_framework(folder: Path) -> None:
    done = inline("coverage", folder)
    assert done.code == 0, done.err
    for framework in FRAMEWORKS.values():
        assert f"## {framework.name}\n" in done.out
    assert inline("report", folder, "--format", "coverage").out.count("\n## ") == len(FRAMEWORKS)


def test_one_framework_in_every_format(folder: Path) -> None:
    told = inline("coverage", folder, "--framework", "aitg").out
    assert "AITG-APP-01" in told
    assert "ML01:2023" not in told
    rows = inline("coverage", folder, "--framework", "aitg", "--format", "csv").out
    assert [row["criterion"] for row in csv.DictReader(io.StringIO(rows))] == [
        c.id for c in FRAMEWORKS["aitg"].criteria
    ]
    found = inline("coverage", folder, "--framework", "aitg", "--format", "json").out
    assert list(json.loads(found)["frameworks"]) == ["aitg"]


def test_writes_a_file(folder: Path) -> None:
    done = inline("coverage", folder, "-o", folder / "coverage.md")
    assert done.out == f"written: {folder / 'coverage.md'}\n"
    assert (folder / "coverage.md").read_text().startswith("# ")


def test_a_framework_that_there_is_not_names_all(folder: Path) -> None:
    done = inline("coverage", folder, "--framework", "iso")
    assert done.code == Exit.USAGE
    assert f"expected: one of {', '.join(FRAMEWORKS)}" in done.err


def test_a_folder_without_an_assessment_says_so(tmp_path: Path) -> None:
    assert inline("coverage", tmp_path).code == Exit.USAGE
