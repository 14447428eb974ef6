"""`show` and `report` name the application file of the run, where the run wrote it down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from goalkeeper.cli.common import read_run_value
from goalkeeper.cli.main import build
from goalkeeper.policy import default_policy
from goalkeeper.running import report_context
from tests.report import sample
from tests.report.page import Page


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sample.assessment().save(tmp_path / "assessment.json")
    (tmp_path / "run.json").write_text(json.dumps({"file": "my apps/mail.yaml"}))
    return tmp_path


@pytest.mark.parametrize("verb", [["show"], ["report", "--format", "text"], ["report"]])
def test_commands_name_the_file_as_it_was_typed(folder: Path, verb: list[str]) -> None:
    done = CliRunner().invoke(build(), [*verb, str(folder)])
    assert done.exit_code == 0
    text = Page(done.stdout).root.text if verb == ["report"] else done.stdout
    text = " ".join(text.split())
    assert "goalkeeper run 'my apps/mail.yaml' --only integrity" in text
    assert "run FILE" not in text


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"file": 3}', "not json"])
def test_where_nothing_was_written_down_the_word_file_stands(folder: Path, content: str) -> None:
    (folder / "run.json").write_text(content)
    done = CliRunner().invoke(build(), ["report", "--format", "text", str(folder)])
    assert "goalkeeper run FILE --only" in done.stdout


def test_a_missing_run_file_is_no_error(tmp_path: Path) -> None:
    assert read_run_value(tmp_path, "file") == ""
    assert report_context(default_policy(), file="").commands == {}


def test_the_column_of_people_is_passed_on() -> None:
    assert report_context(default_policy(), person="patient").person == "patient"
    assert report_context(default_policy()).person == "person"
