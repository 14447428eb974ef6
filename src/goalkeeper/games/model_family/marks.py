"""Mark guessed families: how often the application's own is named, for its models and others."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.data import Bools, Ints
from goalkeeper.core.evidence import AttackResult, Status
from goalkeeper.games.base import Marking
from goalkeeper.games.shared.hidden_victims import (
    VictimKinds,
    build_trial,
    check_guesses,
    last_of_each,
    list_guesses,
)
from goalkeeper.games.shared.measuring import GainCounts, draw_curve, measure_rate


def mark(marking: Marking[VictimKinds, Ints, Ints]) -> AttackResult:
    """Count own models whose family is named, beside models of others that get the same name."""
    hidden, names = marking.deal.secret, marking.deal.question.names
    family = int(np.bincount(hidden).argmax())  # that of half of them
    own = hidden == family
    points = last_of_each(marking.answers)
    guesses = [check_guesses(point.answer, len(hidden), len(names)) for point in points]
    found = [_count(guess == family, own) for guess in guesses]
    trials = [build_trial(point, f) for point, f in zip(points, found, strict=True)]
    last, correct = found[-1], guesses[-1] == hidden
    spent = int(points[-1].queries.max())
    served = [i for i, victim in enumerate(marking.deal.victims) if victim is marking.app.target]
    in_service = "".join(
        f" The model in service was named {names[guesses[-1][i]]}." for i in served[:1]
    )
    return AttackResult(
        status=Status.TESTED,
        summary=f"After {spent:,} queries to each, {last.successes} of {last.n} models of this "
        f"application's own recipe were named {names[family]}, which they are; so were "
        f"{last.baseline_successes} of {last.baseline_n} models of other families.{in_service}",
        measurements=(
            last.measure(marking.task.metric, "over models of other families that are named alike"),
            last.measure_hits("recognised", "models of this family"),
            *(
                measure_rate("correct guesses", correct[hidden == i], 1 / len(names), group=name)
                for i, name in enumerate(names)
                if (hidden == i).any()
            ),
        ),
        trials=tuple(trials),
        curve=draw_curve(trials),
        caveats=(
            f"all but the model in service were trained on {marking.deal.question.records:,} "
            "records each",
        ),
        exhibits=(list_guesses(hidden, guesses[-1], names),),
    )


def _count(named: Bools, own: Bools) -> GainCounts:
    return GainCounts(
        int(named[own].sum()), int(own.sum()), int(named[~own].sum()), int((~own).sum())
    )
