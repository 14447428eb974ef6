"""assessment.json of another schema, or damaged: one line that says so, and what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from goalkeeper.compute.folder import RECORDS, RunFolder
from goalkeeper.core.assessment import CHANGES, SCHEMA_VERSION, Assessment
from goalkeeper.core.errors import OtherSchema, StoreError
from goalkeeper.verification import verify
from tests.cli.inline import inline
from tests.report import sample


def written(folder: Path, change: dict[str, Any]) -> Path:
    """Write a sealed run folder with an assessment in which some fields are others."""
    content = json.loads(sample.assessment().to_json()) | change
    run = RunFolder(folder / "run")
    run.create()
    for name in RECORDS:
        run.write(name, "{}")
    run.write("assessment.json", json.dumps(content))
    run.seal()
    return folder / "run"


def test_the_number_of_the_schema_is_said_once() -> None:
    field = Assessment.model_fields["schema_version"]
    assert field.default == SCHEMA_VERSION
    assert get_args(field.annotation) == (SCHEMA_VERSION,)
    assert set(CHANGES) == set(range(2, SCHEMA_VERSION + 1))


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        (1, "has schema 1, of an earlier goalkeeper (the key `result` .* was called `played`)"),
        (3, "has schema 3, of a later goalkeeper; this one reads schema 2: update goalkeeper"),
    ],
)
@pytest.mark.parametrize("verb", ["show", "report", "verify"])
def test_another_schema_is_one_line_that_says_what_to_do(
    schema: int, says: str, verb: str, tmp_path: Path
) -> None:
    folder = written(tmp_path, {"schema": schema, "evidence": [{"played": {}}]})
    with pytest.raises(OtherSchema, match=says.replace("(", r"\(").replace(")", r"\)")) as caught:
        Assessment.from_folder(folder)
    assert "\n" not in str(caught.value)
    assert "run the application again: goalkeeper run FILE -o DIR" in str(caught.value)
    done = inline(verb, folder)
    assert done.code == 4
    assert f"error: {caught.value}\n" in done.err
    assert done.out == ""


def test_a_folder_that_was_changed_as_well_does_not_verify(tmp_path: Path) -> None:
    folder = written(tmp_path, {"schema": 1})
    (folder / "report.html").write_text("added")
    problems = verify(folder).problems
    assert problems == ("report.html: changed since the run",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not json", "it is not a JSON object"),
        ("[]", "it is not a JSON object"),
        ("{}", "not an assessment of this version: tool: Field required"),
        ('{"schema": "two"}', "not an assessment of this version"),
    ],
)
def test_what_is_no_assessment_is_told(text: str, says: str) -> None:
    with pytest.raises(StoreError, match=says) as caught:
        Assessment.parse(text, source="assessment.json")
    assert not isinstance(caught.value, OtherSchema)
