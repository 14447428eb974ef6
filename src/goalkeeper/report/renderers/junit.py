"""The verdicts as test results, for CI systems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from xml.etree import ElementTree as ET

from goalkeeper.core.assessment import Assessment
from goalkeeper.core.goals import Goal
from goalkeeper.report.attackers import Case, CaseState, cases_of
from goalkeeper.report.parts import Context
from goalkeeper.report.renderer import Renderer
from goalkeeper.report.untrusted import clean_assessment, clean_context

TAGS = {CaseState.FAILED: "failure", CaseState.ERROR: "error", CaseState.SKIPPED: "skipped"}
HEADING = '<?xml version="1.0" encoding="UTF-8"?>\n'
MOST_DETAILS = 20


class JunitRenderer(Renderer):
    """JUnit XML: one suite a goal, and in it one test case an attacker.

    An attack that succeeds is a failure, one that failed to run an error; what is inconclusive,
    was not tested or is not rated is skipped, with the reason.
    """

    suffix: ClassVar[str] = ".xml"
    media_type: ClassVar[str] = "application/xml"

    def render(self, assessment: Assessment, context: Context) -> str:
        """Return the document."""
        context = clean_context(context.in_repository())
        assessment, _ = clean_assessment(assessment, context)
        cases = cases_of(assessment, context)
        root = ET.Element("testsuites", _counts(assessment.application.name, cases, skipped=False))
        for goal in (g for g in Goal if g in assessment.goals):
            _add_suite(root, goal, [c for c in cases if c.goal is goal], assessment)
        ET.indent(root, " ")
        return f"{HEADING}{ET.tostring(root, encoding='unicode')}\n"


def _counts(name: str, cases: Sequence[Case], *, skipped: bool) -> dict[str, str]:
    number = {state: sum(c.state is state for c in cases) for state in CaseState}
    counts = {
        "name": name,
        "tests": str(len(cases)),
        "failures": str(number[CaseState.FAILED]),
        "errors": str(number[CaseState.ERROR]),
        "time": _seconds(sum(c.seconds for c in cases)),
    }
    return counts | ({"skipped": str(number[CaseState.SKIPPED])} if skipped else {})


def _add_suite(root: ET.Element, goal: Goal, cases: Sequence[Case], assessment: Assessment) -> None:
    suite = ET.SubElement(root, "testsuite", _counts(str(goal), cases, skipped=True))
    suite.set("timestamp", assessment.started.removesuffix("Z").removesuffix("+00:00"))
    properties = ET.SubElement(suite, "properties")
    rating, policy = assessment.goals[goal], assessment.policy
    for name, value in (
        ("verdict", str(rating.verdict)),
        ("seed", str(assessment.seed)),
        ("policy", f"{policy.id} {policy.version}"),
        ("goalkeeper", assessment.tool.version),
    ):
        ET.SubElement(properties, "property", {"name": name, "value": value})
    for case in cases:
        _add_case(suite, case)


def _add_case(suite: ET.Element, case: Case) -> None:
    element = ET.SubElement(
        suite,
        "testcase",
        {
            "classname": f"goalkeeper.{case.goal}",
            "name": case.attacker,
            "time": _seconds(case.seconds),
        },
    )
    if case.state not in TAGS:
        return
    outcome = ET.SubElement(element, TAGS[case.state], {"message": case.sentence})
    if case.state is not CaseState.SKIPPED:
        outcome.set("type", "goalkeeper")
    details = [text for text in case.details if text not in case.sentence]
    more = len(details) - MOST_DETAILS
    lines = [*details[:MOST_DETAILS], *([f"and {more} more"] if more > 0 else [])]
    lines += [f"Repeat it with: {case.command}"] if case.command else []
    outcome.text = "\n".join(lines)


def _seconds(value: float) -> str:
    return f"{value:.3f}"
