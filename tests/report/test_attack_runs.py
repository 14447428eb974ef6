"""One attack run, one card, with all attackers who can mount it."""

from __future__ import annotations

import math
import re

import pytest

from goalkeeper.core.evidence import Curve, Measurement
from goalkeeper.report import Context, Report, plots, render_html
from goalkeeper.report import format as fmt
from tests.report import results, sample
from tests.report.page import Page


def test_attackers_that_share_an_attack_run_share_its_card_and_keep_their_own_costs() -> None:
    (card,) = Report.of(sample.many_attackers(runs=1), context=sample.context()).findings
    assert [c.attacker for c in card.attackers] == list(sample.ATTACKERS)
    assert [c.points for c in card.attackers] == [str(4 * i) for i in range(5)]
    assert card.ids == tuple(f"unit0-{name}" for name in sample.ATTACKERS)
    assert card.command.endswith("--attack good-words --attacker outsider --seed 7")


def test_the_cheapest_attacker_stands_first_whatever_the_order_of_the_evidence() -> None:
    made = sample.many_attackers(runs=1)
    turned = made.model_copy(update={"evidence": tuple(reversed(made.evidence))})
    (card,) = Report.of(turned, context=Context()).findings
    assert [c.attacker for c in card.attackers] == list(sample.ATTACKERS)


@pytest.mark.parametrize("change", [{"unit": "another"}, {"task": "harmless-declined"}])
def test_another_run_or_task_has_its_own_card(change: dict[str, str]) -> None:
    one, *rest = sample.shared(results.good_words(), "unit0")
    made = sample.assessment().model_copy(
        update={"evidence": (one.model_copy(update=change), *rest)}
    )
    assert len(Report.of(made, context=Context()).findings) == 2


def test_evidence_without_a_unit_is_never_put_together() -> None:
    alone = tuple(
        e.model_copy(update={"unit": ""}) for e in sample.shared(results.good_words(), "")
    )
    made = sample.assessment().model_copy(update={"evidence": alone})
    assert len(Report.of(made, context=Context()).findings) == 5


def test_a_card_has_one_curve_and_a_row_for_each_attacker() -> None:
    page = Page(render_html(sample.many_attackers(runs=1), sample.context()))
    (card,) = [d for d in page.find("div") if d.attrs.get("id") == "finding-1"]
    assert len(card.find("svg")) == 1
    (table,) = [t for t in card.find("table") if t.children[0].text.startswith("Attackers who can")]
    assert [row.find("th", "td")[0].text.split()[0] for row in table.find("tr")[1:]] == list(
        sample.ATTACKERS
    )


def test_the_cheapest_attack_of_a_goal_leads_to_the_shared_card() -> None:
    made = sample.many_attackers(runs=1)
    goal, rating = next(iter(made.goals.items()))
    last = made.evidence[4].id
    goals = made.goals | {goal: rating.model_copy(update={"cheapest_attack": last})}
    part = Report.of(made.model_copy(update={"goals": goals}), context=Context()).goals[0]
    assert part.cheapest is not None
    assert (part.cheapest.anchor, part.cheapest.text) == ("finding-1", "good-words by Mallory")


def test_repeated_runs_of_an_attack_show_fewer_examples() -> None:
    base = results.good_words()
    made = sample.assessment().model_copy(
        update={"evidence": (*sample.shared(base, "a"), *sample.shared(base, "b"))}
    )
    first, second = Report.of(made, context=Context()).findings
    assert (len(first.exhibits), first.more_exhibits) == (2, 0)
    assert (len(second.exhibits), second.more_exhibits) == (1, 1)


def test_a_median_has_no_baseline() -> None:
    m = Measurement(
        metric="median words added until broken", value=14, low=8, high=17, baseline=0, n=200
    )
    assert str(fmt.measurement(m)) == "14 (8 to 17), n = 200"
    one = results.good_words()
    found = one.result.model_copy(update={"measurements": (m, m)})
    only = one.model_copy(update={"result": found, "metric": m.metric})
    html = render_html(sample.assessment().model_copy(update={"evidence": (only,)}), Context())
    card = html.partition('<div class="inside" id="finding-1"')[2].partition("</article>")[0]
    assert "95 % interval" in card
    assert "aseline" not in card


def test_long_lists_of_groups_say_how_many_are_left_out() -> None:
    (card,) = [f for f in Report.of(sample.assessment(), context=Context()).findings
               if f.id == "E04member"]  # fmt: skip
    assert card.groups.caption.endswith("8 of 12, all in assessment.json")
    assert len(card.groups.rows) == 8


def test_a_wide_interval_does_not_flatten_its_curve() -> None:
    one = results.membership()
    wide = Curve(
        budget="shadow models", unit="models", x=(16, 32, 64), value=(2, 5, 9), low=(1, 1, 1),
        high=(1900, 2100, 2000),
    )  # fmt: skip
    drawn = one.model_copy(update={"result": one.result.model_copy(update={"curve": wide})})
    (card,) = Report.of(
        sample.assessment().model_copy(update={"evidence": (drawn,)}), context=Context()
    ).findings
    assert card.drawing is not None
    svg = plots.curve(card.drawing, "plot")
    assert "shaded: 95 % interval, cut off" in svg
    assert ">2000<" not in svg


def test_budgets_that_span_decades_stand_on_a_logarithmic_axis_and_shares_in_per_cent() -> None:
    one = results.good_words()
    made = sample.assessment().model_copy(update={"evidence": (one, results.poisoning())})
    words, share = (f.drawing for f in Report.of(made, context=sample.context()).findings)
    assert words is not None
    assert share is not None
    svg = plots.curve(share, "plot")
    places = {
        label: float(re.findall(rf'<text x="([\d.]+)"[^>]*>{label}</text>', svg)[0])
        for label in ("0.1 %", "0.3 %", "1 %")
    }
    left, middle, right = places.values()
    assert middle - left == pytest.approx((right - left) * math.log10(3), rel=0.02)
    assert [row[0] for row in share.table.rows] == ["0.1 %", "0.3 %", "1 %"]
    assert share.table.head[0] == "Share of the training data"
    assert words.table.head[0] == "Words added per message"


@pytest.mark.parametrize(
    ("name", "unit", "text"),
    [
        ("words added", "words added per input", "words added per input"),
        ("queries", "queries", "queries"),
        ("shadow models", "models", "shadow models"),
        ("poisoned share", "of the training data", "poisoned share of the training data"),
        ("time", "hours", "time (hours)"),
        ("models", "", "models"),
    ],
)
def test_a_budget_is_named_without_saying_a_word_twice(name: str, unit: str, text: str) -> None:
    assert fmt.budget_name(name, unit) == text
