"""Advise: recommend defences against what was found. None has been verified yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from goalkeeper.core.assessment import Advice
from goalkeeper.core.evidence import Evidence

# family -> (defence, reason); effects and side effects must be measured by assessing again
DEFENCES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "evasion": (
        (
            "adversarial training",
            "retrain with inputs made by these attacks, labelled correctly, and assess again; for "
            "texts: added everyday words should no longer outweigh the rest",
        ),
        (
            "limit what can be added",
            "cap the input length, or also score the most suspicious part of an input alone, so "
            "that padding cannot dilute it",
        ),
    ),
    "poisoning": (
        (
            "screen contributed data",
            "remove training points that lower accuracy on trusted data, and limit how much one "
            "contributor can add",
        ),
        (
            "keep a trusted set and roll back",
            "compare each retrained model with its predecessor on trusted data before deployment",
        ),
    ),
    "extraction": (
        (
            "return less information",
            "return labels instead of scores where users do not need scores; this raises the "
            "number of queries but does not prevent extraction",
        ),
        (
            "limit queries",
            "limit queries per account and day, and verify accounts: more days mean more attack "
            "potential",
        ),
    ),
    "internals": (
        (
            "limit queries",
            "limit queries per account and day; rotate or randomise important indicators",
        ),
    ),
    "membership": (
        (
            "stop training earlier, or regularise more strongly",
            "membership inference exploits overfitting; both often cost no accuracy",
        ),
        (
            "train with differential privacy",
            "the only defence with a formal guarantee; it costs accuracy, which must be measured",
        ),
    ),
}


def advise(evidence: Sequence[Evidence]) -> tuple[Advice, ...]:
    """Recommend defences for every family with a demonstrated exposure, worst first.

    What may not decide a verdict calls for no defence.
    """
    evidence = [item for item in evidence if item.standing.decides]
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
