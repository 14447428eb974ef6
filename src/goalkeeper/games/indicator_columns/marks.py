"""Mark rankings of columns: how many of the half that matters most stand first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from goalkeeper.core.data import Bools
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
from goalkeeper.games.shared.rankings import (
    FEWEST,
    Ranking,
    RankingAim,
    find_named,
    precision,
)
from goalkeeper.games.shared.wording import percent

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
    truth = [names[i] for i in np.argsort(-pull, kind="stable")[:k]]
    points = thinned_checkpoints(marking.answers)
    lists = [_checked(point.answer, names) for point in points]
    base = _baseline(marking, truth, names)
    found = [_found(ranking[:k], truth, base, len(names)) for ranking in lists]
    trials = [build_gain_trial(point, f) for point, f in zip(points, found, strict=True)]
    last = found[-1]
    return AttackResult(
        status=Status.TESTED,
        summary=f"After {int(points[-1].queries[0]):,} queries {last.successes} of the first {k} "
        f"columns named are among the {k} that move the answers most; without any query "
        f"{percent(last.baseline)} of them would be.",
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


def _baseline(marking: MarkingColumns, truth: Sequence[str], names: Sequence[str]) -> Bools | None:
    """Return which of the true columns `(k,)` the best model of the attacker's own names.

    None where drawing columns blindly names as many.
    """
    app = marking.app
    seed = int(marking.victim.generate_state(1)[0])
    k, best = len(truth), None
    for trained in fit_without_queries(app, marking.attacker, seed):
        order = np.argsort(-measure_influence(trained, app.data.similar)[0], kind="stable")[:k]
        hits = find_named([names[i] for i in order], truth)
        if hits.mean() > (k / len(names) if best is None else best.mean()):
            best = hits
    return best


def _found(
    named: Sequence[str], truth: Sequence[str], base: Bools | None, columns: int
) -> GainCounts:
    """Count hits of k, beside the best of the attacker's own, or drawing columns blindly."""
    hits = find_named(named, truth)
    if base is None:
        return GainCounts(int(hits.sum()), len(truth), len(truth), columns)
    return GainCounts.paired(hits, base)


def _exhibit(named: Sequence[str], truth: Sequence[str]) -> Exhibit:
    return Exhibit(
        title="columns that were named and matter most",
        after=", ".join(name for name in named if name in truth) or "none",
        note="missed: " + (", ".join(sorted(set(truth) - set(named))) or "none"),
    )
