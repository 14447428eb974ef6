"""The protection need of a goal: maximum, cumulation, measured distribution, written reasons."""

from __future__ import annotations

from itertools import product

import pytest
from pydantic import ValidationError

from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import Adjustment, Damage, ProtectionNeed
from goalkeeper.policy import default_policy, protection_need

RATING = default_policy().rating
SCENARIOS = tuple(RATING.protection_need.scenarios)
STEP = Adjustment(step=1, reason="said why")


def need(goal: Goal, *levels: int, up: int = 0, down: int = 0) -> ProtectionNeed:
    """The need for damages of these levels in the first scenarios, 0 in the rest."""
    levels += (0,) * (len(SCENARIOS) - len(levels))
    damages = [
        Damage(scenario=name, level=level, reason="because")
        for name, level in zip(SCENARIOS, levels, strict=True)
    ]
    return protection_need(goal, damages, STEP if up else None, STEP if down else None, RATING)


@pytest.mark.requirement("S3", "S4")
@pytest.mark.parametrize("goal", Goal)
def test_agrees_with_the_rule_written_out(goal: Goal) -> None:
    for levels, up, down in product(product(range(4), repeat=3), range(2), range(2)):
        counted = down if goal in (Goal.INTEGRITY, Goal.AVAILABILITY) else 0
        wanted = min(3, max(1, max(levels) + up - counted)) if any(levels) else 0
        assert need(goal, *levels, up=up, down=down).level == wanted


@pytest.mark.requirement("S3")
def test_known_cases() -> None:
    assert need(Goal.PRIVACY, 2, 1).level == 2
    assert need(Goal.INTEGRITY, 1, up=1).level == 2
    assert need(Goal.AVAILABILITY, 2, down=1).level == 1
    assert need(Goal.PRIVACY, 2, down=1).level == 2


@pytest.mark.requirement("S3", "S38")
def test_distribution_that_does_not_count_says_so() -> None:
    kept = need(Goal.CONFIDENTIALITY, 3, down=1).distribution
    assert kept is not None
    assert kept.step == 0
    assert "not counted: copies increase the exposure of confidentiality" in kept.reason


@pytest.mark.requirement("S3")
def test_reasons_are_required() -> None:
    with pytest.raises(ValidationError):
        Damage(scenario="tasks", level=1, reason="")
    blank = Damage(scenario="tasks", level=1, reason="  ")
    with pytest.raises(DescriptionError, match="must be justified"):
        protection_need(Goal.PRIVACY, [blank], None, None, RATING)
    fine = Damage(scenario="tasks", level=1, reason="said why")
    adjusted = Adjustment(step=1, reason=" ")
    with pytest.raises(DescriptionError, match="must be justified"):
        protection_need(Goal.PRIVACY, [fine], adjusted, None, RATING)


@pytest.mark.requirement("S3")
def test_no_need_takes_an_answer_to_every_scenario() -> None:
    answered = [Damage(scenario="tasks", level=0, reason="a toy")]
    with pytest.raises(DescriptionError, match="only if every damage scenario is answered") as e:
        protection_need(Goal.PRIVACY, answered, None, None, RATING)
    assert "laws" in e.value.expected
    with pytest.raises(DescriptionError, match="only if every damage scenario"):
        protection_need(Goal.PRIVACY, [], None, None, RATING)
    assert need(Goal.PRIVACY).level == 0


def test_scenarios_must_exist_and_be_answered_once() -> None:
    wrong = Damage(scenario="finance", level=1, reason="costs")
    with pytest.raises(DescriptionError, match="financial"):
        protection_need(Goal.PRIVACY, [wrong], None, None, RATING)
    one = Damage(scenario="laws", level=1, reason="contracts")
    with pytest.raises(DescriptionError, match="answered twice"):
        protection_need(Goal.PRIVACY, [one, one], None, None, RATING)
