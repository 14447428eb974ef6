from __future__ import annotations

import json

import jsonschema
import pytest

from goalkeeper.core.assessment import Assessment
from goalkeeper.report import render_json, schema
from tests.report import sample


def test_the_schema_is_a_schema_and_says_what_it_is() -> None:
    published = schema()
    jsonschema.Draft202012Validator.check_schema(published)
    assert published["$id"] == "urn:goalkeeper:assessment:2"
    assert published["title"]
    assert published["description"]


def test_an_assessment_validates_against_it() -> None:
    written = json.loads(render_json(sample.assessment()))
    jsonschema.Draft202012Validator(schema()).validate(written)
    assert written["schema"] == 2
    assert written["advice"][0]["for"] == ["integrity"]
    assert written["goals"]["confidentiality"]["potential"] == "inf"


@pytest.mark.parametrize(
    "broken",
    [{"verdict": "fine"}, {"unknown": 1}, {"seed": "seven"}, {"schema": 1}],
)
def test_what_is_no_assessment_does_not(broken: dict[str, object]) -> None:
    written = json.loads(render_json(sample.assessment())) | broken
    assert not jsonschema.Draft202012Validator(schema()).is_valid(written)


def test_nothing_is_lost_on_the_way() -> None:
    written = render_json(sample.assessment())
    assert Assessment.model_validate_json(written) == sample.assessment()
    assert written.endswith(b"}\n")
