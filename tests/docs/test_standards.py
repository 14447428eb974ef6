"""The page on standards agrees with the lists of criteria, and names every result."""

from __future__ import annotations

import re

from goalkeeper.policy import default_policy
from goalkeeper.report.coverage import CriterionState
from tests.docs.pages import DOCS, REFERENCE, read

PAGE = (DOCS / "explanation" / "standards.md").read_text(encoding="utf-8")
FRAMEWORKS = default_policy().frameworks()


def test_the_whole_lists_are_counted() -> None:
    stated = re.findall(r"^\| (.+) \| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    counted = [
        (f.name, f.key, str(len(f.criteria)), str(len(inside)), str(len(f.criteria) - len(inside)))
        for f in FRAMEWORKS
        if f.whole and (inside := [c for c in f.criteria if c.variants])
    ]
    assert sorted(stated) == sorted(counted)


def test_every_result_is_explained() -> None:
    assert re.findall(r"^\| ([a-z][^|]+) \| [^|]+ \|$", PAGE, re.MULTILINE)[1:] == list(
        CriterionState
    )


def test_the_reference_lists_every_criterion() -> None:
    page = read(REFERENCE / "standards.md")
    for framework in FRAMEWORKS:
        assert f"## {framework.name}\n" in page
        for criterion in framework.criteria:
            assert f"\n| {criterion.title} |" in page, criterion.id
