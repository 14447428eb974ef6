"""Which columns of a table a model looks at: read from its weights, or measured by shuffling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from goalkeeper.core.application import Application, Target
from goalkeeper.core.data import Data, Floats, Splits
from goalkeeper.core.domain import Column, Domain, TableDomain
from goalkeeper.core.errors import DataError, NotOffered
from goalkeeper.core.evidence import AttackResult, Exhibit, Measurement, Status
from goalkeeper.core.power import View
from goalkeeper.games.base import Marking
from goalkeeper.games.extraction.substitutes import fit_without_queries
from goalkeeper.games.shared.measuring import (
    GainCounts,
    build_gain_trial,
    draw_curve,
    thinned_checkpoints,
)
from goalkeeper.games.shared.simple_targets import (
    HashedTarget,
    LinearTarget,
    application,
    balanced,
)
from goalkeeper.stats import clopper_pearson

FEWEST = 10  # columns that must be there to be found: half of all columns count
TINY = 1e-12
SHUFFLES = 3


def names_of(domain: Domain) -> list[str]:
    """List the names of a table's columns; none of what is no table."""
    return [column.name for column in getattr(domain, "columns", ())]


def influence(target: Target, app: Application, like: Data) -> tuple[Floats, str]:
    """Measure how much each column moves the answers, `(d,)`, and say how it was measured.

    Weight times spread where the weights can be read: the standard deviation of what the column
    adds. Else the mean change of the log-odds when the column is shuffled among the rows `like`.
    """
    rows = np.asarray(like.x, dtype=np.float64)
    try:
        known = target.parameters()
    except NotOffered:
        known = {}
    weights = np.atleast_2d(np.asarray(known.get("weights", np.zeros((0, 0))), dtype=np.float64))
    if weights.shape[1] == rows.shape[1]:
        both = np.vstack([np.zeros_like(weights), weights]) if len(weights) == 1 else weights
        apart = both - both.mean(axis=0)
        return np.abs(apart).max(axis=0) * rows.std(axis=0), "its weight times its spread"
    return _shuffled(target, rows), "the change of the answers when it is shuffled"


def _shuffled(target: Target, rows: Floats) -> Floats:
    rng = np.random.default_rng(0)  # the truth is the game's own and does not vary
    before = _logs(target, rows)
    moved = np.zeros(rows.shape[1])
    for column in range(rows.shape[1]):
        for _ in range(SHUFFLES):
            other = rows.copy()
            other[:, column] = rng.permutation(other[:, column])
            moved[column] += np.abs(_logs(target, other) - before).mean()
    return moved / SHUFFLES


def _logs(target: Target, rows: Floats) -> Floats:
    if target.offers < View.SCORES:
        labels = target.answer(rows, View.LABELS).labels
        return np.asarray(labels[:, None] == np.unique(labels), dtype=np.float64)
    return np.asarray(np.log(np.clip(target.answer(rows, View.SCORES).scores, TINY, 1)))


def mark(marking: Marking[Any, Any, Any]) -> AttackResult:
    """Count how many of the first half of columns named are among the half that matters most."""
    app, like = marking.app, marking.app.data.holdout
    names = names_of(app.domain)
    pull, how = influence(app.target, app, like)
    k = int(min(len(names) // 2, (pull > 0).sum()))
    if k < FEWEST:
        return AttackResult(
            status=Status.NOT_TESTED,
            reason=f"only {k} columns move the answers, too few to tell finding them from guessing",
        )
    truth = {names[i] for i in np.argsort(-pull, kind="stable")[:k]}
    points = thinned_checkpoints(marking.answers)
    lists = [_ranked(point.answer, names) for point in points]
    base = _baseline(marking, truth, names, k)
    found = [GainCounts(len(set(said[:k]) & truth), k, *base) for said in lists]
    trials = [build_gain_trial(point, f) for point, f in zip(points, found, strict=True)]
    last = found[-1]
    low, high = clopper_pearson(last.successes, k)
    return AttackResult(
        status=Status.TESTED,
        summary=f"after {int(points[-1].queries[0]):,} queries {last.successes} of the first {k} "
        f"columns named are among the {k} that move the answers most; without any query "
        f"{base[0] / base[1]:.0%} of them would be",
        measurements=(
            last.measure(marking.task.metric, "over the best without any query"),
            Measurement(
                metric=f"precision at {k}",
                value=last.successes / k,
                low=low,
                high=high,
                baseline=base[0] / base[1],
                n=k,
                note=f"a column counts by {how}",
            ),
        ),
        trials=tuple(trials),
        curve=draw_curve(trials),
        exhibits=(_exhibit(lists[-1][:k], truth),),
    )


def _ranked(answer: Any, names: Sequence[str]) -> list[str]:
    """Return the named columns, each once.

    Raises
    ------
    DataError
        The answer is not a list of column names.
    """
    if isinstance(answer, str) or not all(name in names for name in answer):
        raise DataError("an answer must be a list of names of columns, the surest first")
    return list(dict.fromkeys(answer))


def _baseline(
    marking: Marking[Any, Any, Any], truth: set[str], names: Sequence[str], k: int
) -> tuple[int, int]:
    """Count the hits of drawing columns blindly, or of the best model of the attacker's own."""
    app = marking.app
    seed = int(marking.victim.generate_state(1)[0])
    best = k, len(names)
    for own in fit_without_queries(app, marking.granted, seed):
        order = np.argsort(-influence(own, app, app.data.similar)[0], kind="stable")[:k]
        hits = len({names[i] for i in order} & truth)
        best = (hits, k) if hits / k > best[0] / best[1] else best
    return best


def _exhibit(said: Sequence[str], truth: set[str]) -> Exhibit:
    return Exhibit(
        title="columns that were named and matter most",
        after=", ".join(name for name in said if name in truth) or "none",
        note="missed: " + (", ".join(sorted(truth - set(said))) or "none"),
    )


def half_rule(app: Application, rng: np.random.Generator) -> LinearTarget:
    """Build the positive control: half of the columns count, all of them equally."""
    like = np.asarray(app.data.calibration.x, dtype=np.float64)
    spread = like.std(axis=0)
    varied = np.flatnonzero(spread > 0)
    chosen = rng.permutation(varied)[: max(FEWEST, len(varied) // 2)]
    weights = np.zeros(like.shape[1])
    weights[chosen] = rng.choice([-1.0, 1.0], len(chosen)) / spread[chosen]
    return balanced(weights, like, classes=len(app.classes))


# ---- small tables with many columns ------------------------------------------------------------

WIDTH, ROWS = 40, 120


def wide(rng: np.random.Generator, *, hashed: bool) -> Application:
    """Build an application of 40 columns: half of them matter, or its answers are a hash."""
    columns = tuple(Column(name=f"c{j}", low=0.0, high=1.0) for j in range(WIDTH))

    def draw() -> Data:
        return Data(x=rng.random((ROWS, WIDTH)), y=rng.integers(0, 2, ROWS))

    data = Splits(train=draw(), holdout=draw(), calibration=draw(), similar=draw())
    strong = rng.permutation(WIDTH) < WIDTH // 2
    weights = np.where(strong, rng.choice([-4.0, 4.0], WIDTH), rng.normal(size=WIDTH) * 0.2)
    both = np.stack([np.zeros(WIDTH), weights])
    target: Target = LinearTarget(both, np.array([0.0, -weights.sum() / 2]))
    if hashed:
        target = HashedTarget(rng.bytes(16))
    return application("wide table", target, data, TableDomain(columns=columns))
