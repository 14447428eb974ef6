"""Every requirement of the text is shown by a test, and every power is exercised by an attack."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from goalkeeper.attacks import catalogue
from goalkeeper.core.goals import Aspect, Goal, Harm, IntegrityLevel
from goalkeeper.core.power import Capability, Grade, Power, View
from goalkeeper.planning import needs
from goalkeeper.policy import default_policy
from tests.contract.harness import build
from tests.docs.pages import script


@cache
def shown_by() -> dict[str, list[str]]:
    found: dict[str, list[str]] = script("traceability").shown_by()
    return found


def entries() -> list[dict[str, str]]:
    found: list[dict[str, str]] = script("traceability").requirements()
    return found


def test_the_requirements_are_s1_to_s54() -> None:
    assert [e["id"] for e in entries()] == [f"S{i}" for i in range(1, 55)]


def test_only_what_may_be_in_part_is() -> None:
    assert {e["id"] for e in entries() if "part" in e} <= {"S35", "S54"}


@pytest.mark.parametrize("requirement", [f"S{i}" for i in range(1, 55)])
def test_every_requirement_is_shown_by_a_test(requirement: str) -> None:
    assert shown_by().get(requirement), f"no test carries {requirement}"


def test_no_test_shows_a_requirement_that_does_not_exist() -> None:
    assert set(shown_by()) <= {e["id"] for e in entries()}


# ---- every power is exercised: contract tests run each attack with exactly these powers ---------


@cache
def powers() -> tuple[Power, ...]:
    policy = default_policy()
    found: list[Power] = []
    for attack in catalogue().values():
        alternatives = needs(attack, policy.variant(attack.variant))
        found += [alternatives[0], *(need.joined(attack.uses) for need in alternatives)]
    return tuple(found)


@cache
def harms() -> frozenset[Harm]:
    found: set[Harm] = set()
    for attack in catalogue().values():
        for domain in sorted(attack.domains & attack.game.domains):
            app = build(attack, domain, "rigged", 0)
            for task in attack.game().tasks(app):
                if attack.covers(task):
                    found.update(task.harms)
    return frozenset(found)


@pytest.mark.parametrize("cell", list(Capability), ids=lambda c: str(c.name))
@pytest.mark.requirement("S11", "S12", "S13", "S14", "S15", "S16", "S17", "S18", "S19", "S20")
def test_every_capability_is_exercised(cell: Capability) -> None:
    assert any(cell in power.capabilities for power in powers())


@pytest.mark.parametrize("aspect", ["data", "algorithm", "model"])
@pytest.mark.parametrize("grade", list(Grade), ids=lambda g: g.name)
def test_every_grade_of_knowledge_is_exercised(aspect: str, grade: Grade) -> None:
    assert any(getattr(power.knowledge, aspect) is grade for power in powers())


@pytest.mark.parametrize("view", list(View), ids=lambda v: v.name)
def test_every_view_is_exercised(view: View) -> None:
    assert any(power.view is view for power in powers())


@pytest.mark.parametrize("part", [*Goal, *IntegrityLevel, *Aspect], ids=str)
def test_every_goal_level_and_aspect_is_exercised(part: Any) -> None:
    assert any(part in (h.goal, h.level, h.aspect) for h in harms())
