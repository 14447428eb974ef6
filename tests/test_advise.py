"""Advice: for every variant and kind of input, about what decides, and never about another kind."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from goalkeeper.advise import MOST, advise
from goalkeeper.attacks import catalogue
from goalkeeper.core.assessment import Verdict
from goalkeeper.core.goals import Goal
from goalkeeper.defences import catalogue as defences
from goalkeeper.planning import variant_of
from goalkeeper.policy import default_policy, remedies

VARIANTS = sorted(
    f"{family}.{variant}"
    for family, made in default_policy().taxonomy.families.items()
    for variant in made.variants
)


def attacked() -> list[tuple[str, str]]:
    """Every variant that an attack of ours plays, with each kind of input that it attacks."""
    pairs = {
        (variant_of(name, attack, default_policy()).id, kind)
        for name, attack in catalogue().items()
        for kind in attack.domains
    }
    return sorted(pairs)


@pytest.mark.parametrize(("variant", "kind"), attacked())
def test_there_is_advice_against_every_attack(variant: str, kind: str) -> None:
    assert [remedy for remedy in remedies() if remedy.helps(variant, kind)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_there_is_advice_against_every_variant(variant: str) -> None:
    assert [remedy for remedy in remedies() if variant in remedy.against]


@pytest.mark.parametrize("remedy", remedies(), ids=lambda remedy: remedy.name)
def test_a_remedy_names_what_exists(remedy: Any) -> None:
    assert set(remedy.against) <= set(VARIANTS)
    assert set(remedy.tries) <= set(defences())
    assert set(remedy.inputs) <= {"text", "table", "image"}
    assert remedy.what.endswith(".")
    families = {variant.partition(".")[0] for variant in remedy.against}
    for name in remedy.tries:  # harden tries it against the same attacks
        assert families & defences()[name].families


def test_every_defence_is_advised() -> None:
    assert set(defences()) == {name for remedy in remedies() for name in remedy.tries}


def evidence(name: str, variant: str) -> Any:
    return SimpleNamespace(id=name, variant=variant)


def rating(verdict: Verdict, *because: str) -> Any:
    return SimpleNamespace(verdict=verdict, cheapest_attack=because[0], because=because)


def test_advice_is_about_what_decides_and_leaves_other_goals_alone() -> None:
    found = advise(
        [evidence("a", "evasion.good_words"), evidence("b", "membership.threshold")],
        cast(
            Any,
            {
                Goal.INTEGRITY: rating(Verdict.NOT_MET, "a"),
                Goal.PRIVACY: rating(Verdict.INCONCLUSIVE, "b"),
            },
        ),
        "text",
    )
    assert found[0].defence == "Train also on padded texts"
    assert found[0].tries == ("padded_texts",)
    assert {goal for advice in found for goal in advice.for_} == {Goal.INTEGRITY}
    assert {name for advice in found for name in advice.against} == {"a"}
    assert len(found) <= MOST


@pytest.mark.parametrize(("kind", "words"), [("table", ("text", "word")), ("image", ("text",))])
def test_advice_speaks_of_the_inputs_that_there_are(kind: str, words: tuple[str, ...]) -> None:
    for variant in VARIANTS:
        goals = cast(Any, {Goal.INTEGRITY: rating(Verdict.NOT_MET, "a")})
        for advice in advise([evidence("a", variant)], goals, kind):
            assert not any(word in f"{advice.defence} {advice.reason}".lower() for word in words)
