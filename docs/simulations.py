"""The page on statistics: each interval, its source, and how often it covered the truth."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from writing import code, page, table

from goalkeeper import stats
from goalkeeper.stats.latency import latency_factor

HERE = Path(__file__).parent

# What is bounded: by which function, why by this one, and how its rows of validation begin.
INTERVALS: dict[str, tuple[Callable[..., Any], str, tuple[str, ...]]] = {
    "a share, such as of successes": (
        stats.clopper_pearson,
        "exact: never wrong more often than it says, whatever the share",
        ("share,", "accuracy between two worlds"),
    ),
    "the excess over a baseline of other items": (
        stats.excess,
        "the distances of two exact bounds, squared and added",
        ("excess of two samples",),
    ),
    "the excess over a baseline of the same items": (
        stats.paired_difference,
        "an exact test of pairs: items on which both succeed say nothing",
        ("excess on the same",),
    ),
    "the gain over another sample": (
        stats.normalised_gain,
        "1 less the ratio of the failures, bounded as ratios are",
        ("gain over another sample",),
    ),
    "the gain on the same items": (
        stats.paired_normalised_gain,
        "the test of pairs again, for the share of what the baseline leaves open",
        ("gain on the same",),
    ),
    "the area under a ROC curve": (
        stats.auc,
        "without assumptions about the scores, and kept within 0 and 1",
        ("AUC, ", "AUC of labels"),
    ),
    "true positives at a rate of false alarms": (
        stats.tpr_at_fpr,
        "allows for the chance in the threshold as well as in the members",
        ("true positives at",),
    ),
    "the likelihood ratio of membership": (
        stats.ratio,
        "at thresholds that are chosen on other records",
        ("likelihood ratio",),
    ),
    "damage over retrainings": (
        stats.damage,
        "items and retrainings both vary: their distances are squared and added",
        ("damage,",),
    ),
    "how many times longer an answer takes": (
        latency_factor,
        "order statistics of both, whose distances are added on a scale of logarithms",
        ("latency,",),
    ),
    "a curve over the budget": (
        stats.nondecreasing_band,
        "exact at each budget, and never falling",
        ("success over the budget",),
    ),
}


def text() -> str:
    """Write every interval, its source, and how often it covered what it should."""
    measured = measured_coverage()
    rows = []
    for name, (function, why, words_of) in INTERVALS.items():
        found = [cell for row, cell in measured.items() if row.startswith(words_of)]
        covered = f"{min(found):.1%} to {max(found):.1%} ({len(found)} settings)"
        named = f"goalkeeper.stats.{function.__name__}"
        if not hasattr(stats, function.__name__):
            named = f"{function.__module__}.{function.__name__}"
        rows.append((name, code(named), why, _source(function), covered))
    grid = table(("bounds", "function", "why this one", "source", "covered in simulations"), rows)
    lead = (
        "The intervals that reports show are two-sided at 95 %; verdicts rest on one bound at a "
        "time. The last column is read from [validation](../validation.md): how often the interval "
        "contained the truth, in the least and the most favourable setting that was simulated. "
        "More than 95 % is a price for exactness in small samples. What they are used for: "
        "[how the statistics work](../explanation/statistics.md)."
    )
    return page("Statistics", lead, grid)


def measured_coverage() -> dict[str, float]:
    """Read the measured coverage of each row of the page on validation."""
    lines = (HERE / "validation.md").read_text("utf-8").splitlines()
    cells = ([c.strip() for c in line.strip("|").split("|")] for line in lines)
    found = {}
    for row in cells:
        share = re.match(r"([\d.]+)%; lower bound", row[2]) if len(row) == 5 else None
        if share:
            found[row[0]] = float(share[1]) / 100
    return found


def _source(function: Callable[..., Any]) -> str:
    """Return the references of a docstring, on one line; those of its module if it has none."""
    for documented in (function, inspect.getmodule(function)):
        text = inspect.getdoc(documented) or ""
        _, found, references = text.partition("References\n----------\n")
        if found:
            return " ".join(references.split())
    return ""
