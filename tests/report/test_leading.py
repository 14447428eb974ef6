"""The first two pages: what they hold, and that no application makes them longer."""

from __future__ import annotations

import pytest

from goalkeeper.core.assessment import Assessment, Gap, Verdict
from goalkeeper.core.evidence import Evidence
from goalkeeper.core.goals import Goal
from goalkeeper.report import Context, Report, renderers
from goalkeeper.report import leading as first
from goalkeeper.report.leading import shorten
from tests.report import results, sample
from tests.report.page import Page

LONG = "an application with a very long description, written by somebody with much to say " * 40
WIDE = "x" * 3_000


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(renderers()["summary"]().render(sample.assessment(), sample.context()))


@pytest.mark.parametrize(
    "words",
    [
        "Mail filter of the accounts department",
        "2026-03-01, goalkeeper 0.1.0",
        "model.joblib (ab12ab12ab12)",
        "8,000 train, 4,000 holdout",
        "d1" * 32,  # the policy
        "An outsider succeeds in 62 % of tries with the attack good-words",
        "good-words (57 to 67 %, n = 400; without it: 2 %)",
        "Do first: Adversarial training: added words should no longer outweigh the rest",
        "What would settle it:",
        "1,000 queries, 200 per day and account",
        "attack-e09 on harmful-passes by outsider failed to run",
        "until it is tested, the exposure may be anything",
        "it is not proven secure",
        "Signature",
    ],
)
def test_what_a_reader_must_know_is_on_the_first_two_pages(page: Page, words: str) -> None:
    assert words in " ".join(page.root.text.split())


def test_how_far_inputs_could_be_changed_is_said_with_the_attack_that_did_it() -> None:
    one = results.good_words()
    limited = one.model_copy(
        update={"result": one.result.model_copy(update={"threat": "with at most 20 words added"})}
    )
    made = sample.assessment().model_copy(update={"evidence": (limited, *results.not_run())})
    report = Report.of(made, context=Context())
    assert report.leading.threats == ("with at most 20 words added: good-words",)


def test_the_fix_is_the_first_advice_of_the_goal_and_its_absence_is_said() -> None:
    report = Report.of(sample.assessment(), context=Context())
    fixes = {goal.part.goal: goal.fix for goal in report.leading.goals}
    assert fixes[Goal.INTEGRITY].startswith("Adversarial training: ")
    assert not fixes[Goal.CONFIDENTIALITY], "a goal that is met needs no fix"
    without = Report.of(sample.assessment().model_copy(update={"advice": ()}), context=Context())
    assert without.leading.goals[0].fix == first.NO_ADVICE


def test_what_was_left_untested_without_consequences_is_said_to_have_none() -> None:
    met = {
        goal: rating.model_copy(update={"verdict": Verdict.NOT_MET})
        for goal, rating in sample.goals().items()
    }
    done = sample.assessment().model_copy(
        update={"goals": met, "evidence": (results.good_words(),)}
    )
    assert Report.of(done, context=Context()).leading.means == first.NOTHING_OPEN


def large(text: str) -> Assessment:
    """Return an assessment with every text of the first pages long, and every list too."""
    base = sample.assessment()
    gaps = tuple(Gap(variant=f"{text} {i}", attacker=text, reason=f"{text} {i}") for i in range(99))
    goals = {
        goal: rating.model_copy(
            update={"reason": text, "not_tested": gaps, "verdict": Verdict.INCONCLUSIVE}
        )
        for goal, rating in base.goals.items()
    }
    app = base.application.model_copy(
        update={
            "name": text,
            "description": text,
            "classes": tuple(f"{i} {text}" for i in range(1_000)),
            "hashes": {f"{i} {text}": "ab" * 32 for i in range(99)},
            "parts": {f"{i} {text}": 10**9 for i in range(99)},
        }
    )
    attackers = tuple(
        one.model_copy(update={"name": f"{i} {text}", "label": text})
        for i in range(33)
        for one in base.attackers
    )
    return base.model_copy(
        update={
            "application": app,
            "goals": goals,
            "attackers": attackers,
            "evidence": tuple(_lengthen(e, i, text) for i in range(20) for e in base.evidence),
            "policy": base.policy.model_copy(update={"id": text, "version": text}),
        }
    )


def _lengthen(one: Evidence, i: int, text: str) -> Evidence:
    result = one.result.model_copy(update={"threat": f"{i} {text}", "summary": text})
    changed = {"attack": f"{i} {text}", "id": f"{i} {one.id}", "task": text, "result": result}
    return one.model_copy(update=changed)


@pytest.mark.parametrize("text", [LONG, WIDE])
def test_no_application_makes_the_summary_long_and_what_is_left_out_is_counted(text: str) -> None:
    page = Page(renderers()["summary"]().render(large(text), Context()))
    words = " ".join(page.find("body")[0].text.split())
    assert len(words) < 12_000
    for rest in (99 - first.MOST_ATTACKERS, 99 - first.MOST_FILES):
        assert f"and {rest} more, see the whole report" in words


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("short", 10, "short"),
        ("two  words\nand lines", 40, "two words and lines"),
        ("one two three four", 14, "one two ..."),
        ("x" * 30, 14, "x" * 10 + " ..."),
    ],
)
def test_a_shortened_text_ends_at_a_word_and_says_so(text: str, most: int, expected: str) -> None:
    assert shorten(text, most) == expected
    assert len(shorten(text, most)) <= most
