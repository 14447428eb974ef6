"""Mark rankings of columns: how many of the half that matters most stand first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from goalkeeper.core.errors import DataError
from goalkeeper.core.evidence import AttackResult, Exhibit, Status
from goalkeeper.games.base import Marking
from goalkeeper.games.extraction.substitutes import fit_without_queries
from goalkeeper.games.indicator_columns.influence import column_names, measure_influence
from goalkeeper.games.shared.measuring import (
    GainCounts,
    build_gain_trial,
    draw_curve,
    thinned_checkpoints,
)
from goalkeeper.games.shared.rankings import FEWEST, Ranking, RankingAim, precision

MarkingColumns = Marking[RankingAim, None, Ranking]


def mark(marking: MarkingColumns) -> AttackResult:
    """Count how many of the first half of columns named are among the half that matters most."""
    app, like = marking.app, marking.app.data.holdout
    names = column_names(app.domain)
    pull, how = measure_influence(app.target, like)
    k = int(min(len(names) // 2, (pull > 0).sum()))
    if k < FEWEST:
        return AttackResult(
            status=Status.NOT_TESTED,
            reason=f"only {k} columns move the answers: too few to distinguish finding them from "
            "guessing",
        )
    truth = {names[i] for i in np.argsort(-pull, kind="stable")[:k]}
    points = thinned_checkpoints(marking.answers)
    lists = [_checked(point.answer, names) for point in points]
    base = _baseline(marking, truth, names, k)
    found = [GainCounts(len(set(ranking[:k]) & truth), k, *base) for ranking in lists]
    trials = [build_gain_trial(point, f) for point, f in zip(points, found, strict=True)]
    last = found[-1]
    return AttackResult(
        status=Status.TESTED,
        summary=f"After {int(points[-1].queries[0]):,} queries {last.successes} of the first {k} "
        f"columns named are among the {k} that move the answers most; without any query "
        f"{base[0] / base[1]:.0%} of them would be.",
        measurements=(
            last.measure(marking.task.metric, "over the best without any query"),
            precision(last, f"a column counts by {how}"),
        ),
        trials=tuple(trials),
        curve=draw_curve(trials),
        exhibits=(_exhibit(lists[-1][:k], truth),),
    )


def _checked(answer: Ranking, names: Sequence[str]) -> list[str]:
    """Return the named columns, each once.

    Raises
    ------
    DataError
        The answer is not a list of column names.
    """
    if isinstance(answer, str) or not all(name in names for name in answer):
        raise DataError(
            "an answer must be a list of names of columns, the most confident claim first"
        )
    return list(dict.fromkeys(answer))


def _baseline(
    marking: MarkingColumns, truth: set[str], names: Sequence[str], k: int
) -> tuple[int, int]:
    """Count the hits of drawing columns blindly, or of the best model of the attacker's own."""
    app = marking.app
    seed = int(marking.victim.generate_state(1)[0])
    best = k, len(names)
    for trained in fit_without_queries(app, marking.attacker, seed):
        order = np.argsort(-measure_influence(trained, app.data.similar)[0], kind="stable")[:k]
        hits = len({names[i] for i in order} & truth)
        best = (hits, k) if hits / k > best[0] / best[1] else best
    return best


def _exhibit(named: Sequence[str], truth: set[str]) -> Exhibit:
    return Exhibit(
        title="columns that were named and matter most",
        after=", ".join(name for name in named if name in truth) or "none",
        note="missed: " + (", ".join(sorted(truth - set(named))) or "none"),
    )
