"""Advise: what would help against what was found. Nothing here is verified by replay yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from goalkeeper.core.assessment import Advice
from goalkeeper.core.evidence import Evidence

# family -> defence and why; effects and side effects must be measured by assessing again
DEFENCES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "evasion": (
        (
            "train on attacked inputs",
            "retrain with messages that hold added everyday words, and assess again: added words "
            "should no longer outweigh the rest",
        ),
        (
            "limit what can be added",
            "cap input length, or score the most suspicious part of an input beside the whole, so "
            "that padding cannot dilute it",
        ),
    ),
    "poisoning": (
        (
            "screen contributions",
            "leave out training points that make held-out accuracy worse, and cap how much one "
            "contributor can add",
        ),
        (
            "keep a trusted set and roll back",
            "compare each retrained model with the last on trusted data before it goes live",
        ),
    ),
    "extraction": (
        (
            "answer with less",
            "give labels instead of scores where users do not need scores; it raises the number "
            "of queries but does not stop extraction",
        ),
        (
            "limit queries",
            "limit queries per account and day, and check accounts: the cost in days is what "
            "attack potential measures",
        ),
    ),
    "internals": (
        (
            "limit queries",
            "limit queries per account and day; rotate or randomise indicators that matter",
        ),
    ),
    "membership": (
        (
            "stop training earlier, or regularise more",
            "overfitting is what membership inference lives on; both often cost no accuracy",
        ),
        (
            "train with differential privacy",
            "the only defence with a proof; costs accuracy, which must be measured",
        ),
    ),
}


def advise(evidence: Sequence[Evidence]) -> tuple[Advice, ...]:
    """Name defences for every family with a demonstrated exposure, worst first."""
    worst: dict[str, int] = {}
    for item in evidence:
        if item.rated is not None and item.rated.demonstrated > 0:
            worst[item.family] = max(worst.get(item.family, 0), item.rated.demonstrated)
    goals = {
        family: tuple(
            dict.fromkeys(
                goal
                for item in evidence
                if item.family == family and item.rated and item.rated.demonstrated > 0
                for goal in item.goals
            )
        )
        for family in worst
    }
    ordered = sorted(worst, key=lambda family: (-worst[family], family))
    return tuple(
        Advice.model_validate({"defence": defence, "for": goals[family], "reason": reason})
        for family in ordered
        for defence, reason in DEFENCES.get(family, ())
    )
