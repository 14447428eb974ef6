"""The report as CSV: what other programs read is what was measured, and no cell is a formula."""

from __future__ import annotations

import csv
import io
import math

import pandas as pd
import pytest

from goalkeeper.core.assessment import Assessment
from goalkeeper.report import Context
from goalkeeper.report.renderers.csv import FORMULA, HEAD, CsvRenderer
from tests.report import sample
from tests.report.results import HOSTILE, PRIVATE
from tests.report.test_people import told


def rendered(assessment: Assessment) -> str:
    return CsvRenderer().render(assessment, Context())


def frame(assessment: Assessment) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(rendered(assessment), newline=""), keep_default_na=True)


def test_pandas_reads_every_measurement() -> None:
    assessment = sample.assessment()
    table = frame(assessment)
    assert tuple(table.columns) == HEAD
    for evidence in assessment.evidence:
        for goal in evidence.goals:
            mine = table[(table["evidence"] == evidence.id) & (table["goal"] == str(goal))]
            assert len(mine) == max(1, len(evidence.result.measurements))
            for (_, row), m in zip(mine.iterrows(), evidence.result.measurements, strict=False):
                for name in ("value", "low", "high", "baseline", "n"):
                    assert row[name] == getattr(m, name)
                assert row["metric"] == m.metric
                assert row["confidence"] == 0.95
    assert table["value"].dtype == float
    assert math.inf in set(table["value"]), "what has no finite value stays a number"


def test_what_was_not_run_has_a_row_with_its_reason() -> None:
    table = frame(sample.assessment())
    failed = table[table["status"] == "failed_to_run"]
    assert len(failed) >= 1
    assert failed["value"].isna().all()
    assert failed["reason"].str.len().min() > 5


def test_what_decides_is_marked() -> None:
    table = frame(sample.assessment())
    deciding = table[table["decides"] == "yes"]
    assert set(deciding["evidence"]) == {"E01goodwords", "E02poison", "E03steal"}
    rated = deciding[deciding["rated"] == "yes"]
    assert len(rated) == 3, "the first measurement of each is the one that is rated"
    assert set(deciding[deciding["evidence"] == "E01goodwords"]["outcome"]) == {"succeeds"}


def test_attackers_who_share_a_run_share_its_rows() -> None:
    assessment = sample.many_attackers(1)
    table = frame(assessment)
    shared = [e for e in assessment.evidence if e.unit == "unit0"]
    rows = table[table["attackers"] == ", ".join(e.attacker for e in shared)]
    assert len(rows) == len(shared[0].goals) * len(shared[0].result.measurements)


def test_lines_end_as_the_standard_says() -> None:
    text = rendered(sample.assessment())
    assert text.endswith("\r\n")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert {len(row) for row in rows} == {len(HEAD)}
    assert "\n" not in text.replace("\r\n", "")


@pytest.mark.parametrize(
    "name",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        " =1",
        "\uff1d1+1",
        "\u00a0=1",
        '=HYPERLINK("http://evil.example")',
    ],
)
def test_no_text_is_a_formula(name: str) -> None:
    """Names of classes, groups and attackers come from the description."""
    first = sample.assessment().evidence[1]
    measured = first.result.measurements[0].model_copy(update={"group": name})
    result = first.result.model_copy(update={"measurements": (measured,), "reason": name})
    evidence = first.model_copy(update={"result": result, "attacker": name, "task": name})
    text = rendered(sample.assessment().model_copy(update={"evidence": (evidence,)}))
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    for column in ("group", "attackers", "task", "reason"):
        assert row[column] == f"'{name}"
    assert not any(cell.lstrip(" ").startswith(FORMULA) for cell in row.values())


def test_negative_numbers_stay_numbers() -> None:
    table = frame(sample.assessment())
    assert (table["low"] < 0).any()


def test_people_are_numbers_and_hidden_characters_visible() -> None:
    text = rendered(told())
    assert not any(name in text for name in ("alice smith", "bob"))
    assert PRIVATE not in rendered(sample.assessment())
    first = sample.assessment().evidence[1].model_copy(update={"attack": HOSTILE})
    shown = rendered(sample.assessment().model_copy(update={"evidence": (first,)}))
    assert "<U+202E>" in shown
    assert "\u202e" not in shown
