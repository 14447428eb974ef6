"""Formats of the report on the command line: several at once, and never into a sealed folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from goalkeeper.cli.formats import file_name
from goalkeeper.cli.main import build
from goalkeeper.cli.source import find_source
from goalkeeper.report import renderers
from tests.cli.inline import inline
from tests.report import sample

DESCRIPTION = """\
goalkeeper: 1
name: Mail filter

needs:
  integrity: normal
  privacy:
    reputation: {level: high, reason: The mail is private.}

attackers:
  - outsider
  - name: Mallory
    based_on: contributor
"""


def made(folder: Path, file: Path | str, text: str = DESCRIPTION) -> Path:
    """Return a run folder that says where its application was described."""
    folder.mkdir(parents=True, exist_ok=True)
    sample.assessment().save(folder / "assessment.json")
    (folder / "MANIFEST.sha256").touch()
    record = {"file": str(file), "description": text, "person": ""}
    (folder / "run.json").write_text(json.dumps(record))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path / "run", tmp_path / "application.yaml")


# ---- where reports are written -------------------------------------------------------------------


def test_the_help_has_a_sentence_for_every_format() -> None:
    told = CliRunner().invoke(build(), ["report", "--help"], terminal_width=200).output
    told = " ".join(told.split())
    for name, renderer in renderers().items():
        sentence = (__import__(renderer.__module__, fromlist=["_"]).__doc__ or "").splitlines()[0]
        assert f"{name}: {sentence}" in told
        assert sentence.endswith(".")


@pytest.mark.parametrize("words", [["sarif,junit,csv"], ["sarif", "junit, csv"]])
def test_several_formats_go_into_a_folder(words: list[str], folder: Path) -> None:
    options = [part for word in words for part in ("--format", word)]
    done = inline("report", folder, *options, "-o", folder.parent / "new" / "reports")
    assert done.code == 0, done.err
    target = folder.parent / "new" / "reports"
    assert {p.name for p in target.iterdir()} == {"report.sarif", "junit.xml", "report.csv"}
    for path in target.iterdir():
        assert f"written: {path}" in done.out
    alone = inline("report", folder, "--format", "csv")
    assert (target / "report.csv").read_bytes().decode() == alone.out, "line ends as they were"


def test_names_of_files_differ() -> None:
    names = [file_name(form) for form in renderers()]
    assert len(names) == len(set(names))


def test_several_formats_need_a_folder(folder: Path) -> None:
    done = inline("report", folder, "--format", "sarif,junit")
    assert done.code == 4
    assert "add -o reports" in done.err


def test_one_format_into_a_folder_that_is_there(folder: Path) -> None:
    (folder.parent / "out").mkdir()
    done = inline("report", folder, "--format", "sarif", "-o", folder.parent / "out")
    assert done.code == 0, done.err
    assert (folder.parent / "out" / "report.sarif").is_file()


@pytest.mark.parametrize("where", ["report.sarif", "new/report.sarif", "."])
def test_nothing_is_added_to_a_sealed_folder(where: str, folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    done = inline("report", folder, "--format", "sarif", "-o", folder / where)
    assert done.code == 4
    assert "is sealed" in done.err
    assert sorted(folder.rglob("*")) == before


def test_a_format_that_there_is_not_stops_a_run_before_it_begins(tmp_path: Path) -> None:
    done = inline("run", tmp_path / "application.yaml", "--format", "sarif,pdf")
    assert done.code == 4
    assert "there is no such format" in done.err
    assert "given:    pdf" in done.err


# ---- where the application was described ---------------------------------------------------------


def placed(folder: Path, cwd: Path) -> dict[str, tuple[str, int]]:
    """Map each rule of a SARIF report to the place of its first result."""
    done = inline("report", folder, "--format", "sarif", cwd=cwd)
    assert done.code == 0, done.err
    found: dict[str, tuple[str, int]] = {}
    for result in json.loads(done.out)["runs"][0]["results"]:
        where: dict[str, Any] = result["locations"][0]["physicalLocation"]
        place = (where["artifactLocation"]["uri"], where["region"]["startLine"])
        found.setdefault(result["ruleId"], place)
    return found


def test_findings_point_to_their_lines_from_the_root_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    file = tmp_path / "repository" / "models" / "mail filter" / "application.yaml"
    folder = made(tmp_path / "elsewhere" / "run", file)
    uri = "models/mail%20filter/application.yaml"
    for cwd in (tmp_path, tmp_path / "repository"):
        found = placed(folder, cwd)
        assert found["goal.integrity"] == (uri, 5)
        assert found["goal.privacy"] == (uri, 6)
        assert found["goal.availability"] == (uri, 4), "not stated: the needs as a whole"
        assert found["evasion.good_words"] == (uri, 10)


def test_without_a_repository_places_are_below_the_current_folder(tmp_path: Path) -> None:
    folder = made(tmp_path / "run", tmp_path / "models" / "application.yaml")
    assert placed(folder, tmp_path)["goal.integrity"] == ("models/application.yaml", 5)
    other = tmp_path / "other"
    other.mkdir()
    assert placed(folder, other)["goal.integrity"] == ("application.yaml", 5)


def test_an_attacker_of_ones_own_is_found_by_name(folder: Path) -> None:
    source = find_source(folder)
    assert source is not None
    assert source.line("attackers", "Mallory") == 11
    assert source.line("attackers", "outsider") == 10
    assert source.line("attackers", "insider") == 9, "a built-in one: the list"


@pytest.mark.parametrize("text", ["", "not: [yaml", "- a list"])
def test_a_description_that_cannot_be_read_has_no_lines(text: str, tmp_path: Path) -> None:
    folder = made(tmp_path / "run", tmp_path / "application.yaml", text)
    assert placed(folder, tmp_path)["goal.integrity"] == ("application.yaml", 1)


def test_an_application_made_in_python_has_no_file(tmp_path: Path) -> None:
    folder = made(tmp_path / "run", "", "")
    assert find_source(folder) is None
    assert placed(folder, tmp_path)["goal.integrity"] == ("application.yaml", 1)


# ---- in another language -------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["summary", "html", "markdown", "text"])
def test_a_report_is_written_in_german(folder: Path, form: str) -> None:
    words = ["report", str(folder), "--format", form, "--fail-on", "never"]
    told = CliRunner().invoke(build(), [*words, "--language", "de"])
    assert "nicht erreicht" in told.output
    by_variable = CliRunner().invoke(build(), words, env={"GOALKEEPER_LANGUAGE": "de"})
    assert by_variable.output == told.output
    assert "nicht erreicht" not in CliRunner().invoke(build(), words).output


def test_show_speaks_german(folder: Path) -> None:
    words = ["show", str(folder), "--language", "de", "--fail-on", "never"]
    told = CliRunner().invoke(build(), words)
    assert "nicht erreicht (Schutzbedarf normal" in told.output


def test_a_language_that_there_is_not_is_refused(folder: Path) -> None:
    told = CliRunner().invoke(build(), ["report", str(folder), "--language", "fr"])
    assert told.exit_code == 2
    assert "'en', 'de'" in told.output
