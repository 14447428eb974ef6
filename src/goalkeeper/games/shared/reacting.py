"""What the games about the surrounding system measure alike: wrong reactions, and reactions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from goalkeeper.core.application import Application
from goalkeeper.core.evidence import Measurement, Proportion
from goalkeeper.games.base import Unfit
from goalkeeper.games.shared.measuring import measure_rate
from goalkeeper.games.tallies import estimate_tally

METRIC = "success_rate"
SURE = 0.75  # score above which a system reacts at once


def react_by_certainty(label: str, scores: Mapping[str, float] | None) -> str:
    """React to a class, and at once where the model is sure of it."""
    sure = scores is not None and max(scores.values()) > SURE
    return f"{label}, at once" if sure else label


def unfit_reactions(app: Application, *, withheld: bool = False) -> Unfit | None:
    """Say that reactions are not described, or that all are the same; else None.

    `withheld` means that the attacker can withhold an answer, so that the reaction to a missing
    answer counts among the possible ones.
    """
    wiring = app.wiring
    if wiring.adapter is not None:
        return None
    undescribed = [name for name in app.classes if name not in wiring.reactions]
    if undescribed:
        return Unfit(
            "the description does not say what the surrounding system does with an answer of "
            f"class {undescribed[0]}; add it to wiring, or name a system.adapter"
        )
    possible = set(wiring.reactions.values())
    if withheld:
        possible.add(wiring.missing)
    if len(possible) == 1:
        return Unfit("the surrounding system reacts in the same way to every answer", proven=True)
    return None


def headline(tally: Proportion, note: str) -> Measurement:
    """Measure the wrong reactions, with their 95 % interval."""
    value, low, high = estimate_tally(tally)
    return Measurement(
        metric=METRIC,
        value=value,
        low=low,
        high=high,
        baseline=tally.baseline_successes / tally.baseline_n,
        n=tally.n,
        note=note,
    )


def count_reactions(after: NDArray[Any], before: NDArray[Any]) -> list[Measurement]:
    """Measure how often each reaction follows `(n,)`, and how often it would have `(m,)`."""
    found = []
    for name in sorted({*after.tolist(), *before.tolist()}):
        base = float((before == name).mean())
        note = "reaction of the surrounding system"
        found.append(measure_rate("share of inputs", after == name, base, group=name, note=note))
    return found
