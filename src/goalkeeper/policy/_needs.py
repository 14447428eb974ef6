"""From damage scenarios to the protection need of a goal."""

from __future__ import annotations

from collections.abc import Sequence

from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import Adjustment, Damage, ProtectionNeed
from goalkeeper.policy._files import nearest
from goalkeeper.policy._rating import Rating


def protection_need(
    goal: Goal,
    damages: Sequence[Damage],
    cumulation: Adjustment | None,
    distribution: Adjustment | None,
    rating: Rating,
) -> ProtectionNeed:
    """Take the maximum over the damage scenarios, one up for cumulation, one down for distribution.

    The result is 1 to 3, and 0 only if every scenario of the policy is answered with 0.
    Distribution never lowers the need of a goal whose exposure copies increase
    (confidentiality and privacy); the adjustment is then kept with step 0 and says so.

    Raises
    ------
    DescriptionError
        A scenario is unknown or answered twice, a reason is blank, or a need is declared none
        while a scenario has no answer.
    """
    _check(goal, damages, (cumulation, distribution), rating)
    worst = max((damage.level for damage in damages), default=0)
    if distribution and distribution.step and goal not in rating.protection_need.distribution.goals:
        reason = f"{distribution.reason} (not counted: copies increase the exposure of {goal})"
        distribution = Adjustment(step=0, reason=reason)
    up = cumulation.step if cumulation else 0
    down = distribution.step if distribution else 0
    return ProtectionNeed(
        goal=goal,
        level=max(1, min(3, worst + up - down)) if worst else 0,
        damages=tuple(damages),
        cumulation=cumulation,
        distribution=distribution,
    )


def _check(
    goal: Goal,
    damages: Sequence[Damage],
    adjustments: tuple[Adjustment | None, ...],
    rating: Rating,
) -> None:
    scenarios = rating.protection_need.scenarios
    answered = [damage.scenario for damage in damages]
    for name in answered:
        key = f"needs.{goal}.{name}"
        if name not in scenarios:
            raise DescriptionError(
                "there is no such damage scenario", key=key, expected=nearest(name, scenarios)
            )
        if answered.count(name) > 1:
            raise DescriptionError("this damage scenario is answered twice", key=key)
    reasons = [entry.reason for entry in damages]
    reasons += [entry.reason for entry in adjustments if entry]
    for reason in reasons:
        if not reason.strip():
            raise DescriptionError(
                "a protection need must be justified",
                key=f"needs.{goal}",
                expected="a reason in words",
                given=repr(reason),
            )
    missing = [name for name in scenarios if name not in answered]
    if missing and not any(damage.level for damage in damages):
        raise DescriptionError(
            "a goal needs no protection only if every damage scenario is answered with 0",
            key=f"needs.{goal}",
            expected="an answer for " + ", ".join(missing),
            given=", ".join(f"{name}: 0" for name in answered) or "no answer",
        )
