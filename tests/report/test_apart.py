"""What decides no verdict stands apart in every format, with the reason."""

from __future__ import annotations

import json

import pytest

from goalkeeper.core.assessment import Assessment
from goalkeeper.core.standing import Standing
from goalkeeper.report.model import Report
from goalkeeper.report.renderers import renderers
from goalkeeper.report.words import APART
from tests.report.sample import assessment, context
from tests.report.test_terminal import printed

WHY = "nobody declared that this is sensitive"


def apart(standing: Standing) -> Assessment:
    """The sample, whose first attack run may not decide."""
    fair = assessment()
    first = fair.evidence[0].model_copy(update={"standing": standing})
    return fair.model_copy(update={"evidence": (first, *fair.evidence[1:])})


@pytest.mark.parametrize(
    ("standing", "words"),
    [(Standing.by_assumption(WHY), "By assumption"), (Standing.no_harm(WHY), "No harm here")],
)
def test_shown_apart_in_every_format(standing: Standing, words: str) -> None:
    made = apart(standing)
    for name in ("html", "markdown"):
        text = renderers()[name]().render(made, context())
        assert words in text
        assert WHY in text
    told = " ".join(printed(120, assessment=made).split())
    assert APART in told
    assert words in told
    assert WHY in told
    stored = json.loads(made.to_json())["evidence"][0]["standing"]
    assert stored == {"kind": str(standing.kind), "reason": WHY}


def test_it_is_no_finding_of_a_goal() -> None:
    made = apart(Standing.by_assumption(WHY))
    report = Report.of(made, context=context())
    assert made.evidence[0].id not in {id_ for f in report.findings for id_ in f.ids}
    row = report.apart[0].rows[0]
    assert row[0] == f"{made.evidence[0].attack} on {made.evidence[0].task}"
    assert row[-1] == WHY


def test_without_such_runs_there_is_no_such_section() -> None:
    assert APART not in renderers()["html"]().render(assessment(), context())
