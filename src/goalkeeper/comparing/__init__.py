"""Compare two assessments: before and after a change of the application."""

from __future__ import annotations

from pathlib import Path

from goalkeeper.comparing.concluding import compare_assessments, read_assessment_of
from goalkeeper.comparing.markdown import render_markdown_comparison
from goalkeeper.comparing.records import (
    AttackChange,
    ComparedRun,
    ComparedValue,
    Comparison,
    Direction,
    GoalChange,
    RunDifference,
    SampleSizes,
)
from goalkeeper.comparing.sentences import VERDICTS, say_powers, say_values
from goalkeeper.core.assessment import Assessment

__all__ = [
    "VERDICTS",
    "AttackChange",
    "Direction",
    "ComparedRun",
    "ComparedValue",
    "Comparison",
    "GoalChange",
    "RunDifference",
    "SampleSizes",
    "compare",
    "render_markdown_comparison",
    "say_powers",
    "say_values",
]


def compare(a: Assessment | Path | str, b: Assessment | Path | str) -> Comparison:
    """Compare two assessments, before and after a change.

    Parameters
    ----------
    a, b
        Assessments, run folders, or files `assessment.json`: before and after.

    Returns
    -------
    Comparison
        For each goal and attack whether it got better or worse, or that this is undecided. A
        change is claimed in at most 5 % of pairs of runs without one.

    Raises
    ------
    StoreError
        One of the two is missing, damaged, or of another schema than this version reads.
    """
    found = [x if isinstance(x, Assessment) else read_assessment_of(Path(x)) for x in (a, b)]
    sources = tuple("" if isinstance(x, Assessment) else str(x) for x in (a, b))
    return compare_assessments(found[0], found[1], sources=(sources[0] or "A", sources[1] or "B"))
