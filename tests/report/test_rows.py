"""One row for each attack and task, with the other grants folded into it."""

from __future__ import annotations

from goalkeeper.core.evidence import Evidence
from goalkeeper.report import Context, Report, render_html
from goalkeeper.report.rows import attack_rows
from tests.report import results, sample
from tests.report.page import Page


def made() -> tuple[Evidence, ...]:
    base = results.good_words()
    return (*sample.shared(base, "a"), *sample.shared(base, "b"), *sample.shared(base, "c"))


def test_an_attack_on_a_task_has_one_row_and_leads_with_what_decides() -> None:
    assessment = sample.assessment().model_copy(update={"evidence": made()})
    report = Report.of(assessment, context=Context())
    (row,) = attack_rows(report.findings)
    assert row.lead.decides
    assert len(row.others) == 2
    assert [cost.attacker for cost in row.attackers] == list(sample.ATTACKERS)
    page = Page(render_html(assessment))
    rows = [r for t in page.find("table") if "runs" in t.attrs.get("class", "").split()
            for r in t.find("tr")[1:]]  # fmt: skip
    assert len(rows) == 1
    assert "2 other grants" in rows[0].text
    for unit in "abc":
        assert f"{unit}-outsider" in rows[0].text
    assert "outsider: 0; customer: 4" in rows[0].text


def test_another_task_has_a_row_of_its_own() -> None:
    first, second = results.good_words(), results.good_words()
    second = second.model_copy(update={"task": "harmless-declined", "id": "another"})
    assessment = sample.assessment().model_copy(update={"evidence": (first, second)})
    assert len(attack_rows(Report.of(assessment, context=Context()).findings)) == 2
