"""Plots: no label lies on another or leaves the drawing, and axes suit what they show."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from goalkeeper.core.evidence import Curve
from goalkeeper.report import Context, Report, plots
from goalkeeper.report.finding import Drawing
from goalkeeper.report.parts import Table
from tests.report import results, sample

WIDTH_OF_CHARACTER, HEIGHT_OF_TEXT = 7.4, 11.0
LONG = "a budget with a name that is much longer than any line below a drawing of this width is"

ROBUST = Curve(
    metric="robust accuracy", budget="Linf distance", unit="Linf distance per input",
    x=(0, 0.1, 0.2, 0.3), value=(0.95, 0.6, 0.2, 0.02), low=(0.9, 0.5, 0.1, 0.0),
    high=(0.98, 0.7, 0.3, 0.1),
)  # fmt: skip
ROC = Curve(
    metric="true-positive rate", budget="false-positive rate", unit="of records",
    x=(0.002, 0.01, 0.1, 1), value=(0.0, 0.05, 0.3, 1), low=(0, 0.02, 0.25, 0.99),
    high=(0.01, 0.09, 0.36, 1),
)  # fmt: skip


def drawing(curve: Curve, metric: str, baseline: float = float("nan")) -> Drawing:
    head = (curve.budget, metric, "95 % interval")
    return Drawing(curve, metric, baseline, Table("A curve", head, (("1", "2", "3"),)))


def curve(x: tuple[float, ...], value: float, **more: object) -> Curve:
    n = len(x)
    values = {"value": (value,) * n, "low": (value / 2,) * n, "high": (value * 40,) * n}
    return Curve.model_validate({"budget": "queries", "unit": "queries", "x": x, **values} | more)


CASES = {
    "robust accuracy": drawing(ROBUST, "robust accuracy"),
    "ROC": drawing(ROC, "true-positive rate"),
    "baseline at the top": drawing(curve((1, 2), 0.9), "success_rate", 0.9),
    "interval goes on above": drawing(curve((1, 2, 3), 5.0), "likelihood_ratio", 15.0),
    "large budgets close together": drawing(
        curve(tuple(1_000_000.0 + i for i in range(20)), 0.2), "success_rate", 0.1
    ),
    "large values": drawing(curve((1, 10, 1e7), 1e6), "latency_factor", 1.0),
    "one budget many times": drawing(curve((5, 5, 5), 0.5), "success_rate"),
    "long names": drawing(curve((1, 2), 0.5, budget=LONG), f"success_rate of {LONG} {LONG}", 0.1),
    "nothing found": drawing(
        ROC.model_copy(update={"value": (0, 0, 0, 0), "low": (0, 0, 0, 0)}), "true-positive rate"
    ),
}


def boxes(svg: str) -> dict[str, tuple[float, float, float, float]]:
    """Return left, right, top and bottom of every text of a drawing."""
    found = {}
    for i, (attributes, text) in enumerate(re.findall(r"<text ([^>]*)>([^<]*)</text>", svg)):
        at = dict(re.findall(r'([\w-]+)="([^"]*)"', attributes))
        width = WIDTH_OF_CHARACTER * len(text)
        left = float(at["x"]) - {"middle": width / 2, "end": width}.get(
            at.get("text-anchor", ""), 0
        )
        found[f"{i} {text}"] = (left, left + width, float(at["y"]) - HEIGHT_OF_TEXT, float(at["y"]))
    return found


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    apart = one[1] <= other[0] or other[1] <= one[0] or one[3] <= other[2] or other[3] <= one[2]
    return not apart


@pytest.mark.parametrize("name", CASES)
def test_no_label_lies_on_another_or_leaves_the_drawing(name: str) -> None:
    svg = plots.curve(CASES[name], "plot")
    labels = boxes(svg)
    assert len(labels) >= 4
    for (first, one), (second, other) in combinations(labels.items(), 2):
        assert not overlap(one, other), f"{first!r} lies on {second!r}"
    *_, width, height = map(float, re.findall(r'viewBox="([^"]*)"', svg)[0].split())
    for text, (left, right, top, bottom) in labels.items():
        assert left >= 0, text
        assert right <= width + 2, text
        assert top >= 0, text
        assert bottom <= height, text


def test_the_bracket_of_every_goal_has_its_own_row_whatever_its_critical_level() -> None:
    goals = Report.of(sample.assessment(), context=Context()).goals
    labels = boxes(plots.overview(goals, "overview"))
    assert not any(overlap(a, b) for a, b in combinations(labels.values(), 2))


def test_a_roc_curve_has_logarithmic_axes_in_per_cent_and_shows_guessing() -> None:
    svg = plots.curve(CASES["ROC"], "plot")
    labels = boxes(svg)
    ticks = [
        box for text, box in labels.items() if text.split(" ", 1)[1] in ("0.1 %", "1 %", "10 %")
    ]
    assert len(ticks) == 6, "three decades on both axes"
    assert "dashed: guessing" in svg


def test_robust_accuracy_starts_at_the_accuracy_without_an_attack() -> None:
    one = results.good_words()
    result = one.result.model_copy(update={"curves": (ROBUST,)})
    made = sample.assessment().model_copy(
        update={"evidence": (one.model_copy(update={"result": result}),)}
    )
    (card,) = Report.of(made, context=Context()).findings
    assert card.drawing is not None
    assert card.drawing.table.rows[0] == ("0", "95 %", "90 to 98 %")
    assert "at 0: without an attack" in plots.curve(card.drawing, "plot")
