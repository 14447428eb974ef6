"""Mark changed inputs: ask again, check the limits, compare with random changes of equal size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Floats, Inputs, Ints, row_keys
from goalkeeper.core.evidence import AttackResult, Curve, Proportion, Status, Trial
from goalkeeper.core.power import Grade, View
from goalkeeper.games.base import Marking
from goalkeeper.games.evasion.parts import Before, Question, Submission
from goalkeeper.games.evasion.report import (
    Marked,
    controls,
    exhibits,
    measurements,
    remarks,
    summary,
)
from goalkeeper.stats import cumulative_success, geometric_grid, nondecreasing_band

BATCH = 500  # inputs that the game asks at once
TRIALS = 6  # budgets that are rated
POINTS = 20  # budgets on the curve

EvasionMarking = Marking[Question, Before, Submission]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Tried:
    """Every different answer once, in the order it was handed in; each field has a row a try.

    row: which input. queries: what its campaign had spent by then. size: of the change, infinite
    where the change is not allowed. label: the answer when asked afresh, -1 where not allowed.
    """

    row: Ints
    x: Inputs
    queries: Ints
    size: Floats
    label: Ints
    success: Bools

    def best(self, n: int, allowed: Bools) -> Ints:
        """Find for each of n inputs the smallest success among the allowed tries, else -1."""
        found = np.full(n, -1)
        tries = np.flatnonzero(self.success & allowed)
        for i in tries[np.argsort(-self.size[tries], kind="stable")]:
            found[self.row[i]] = i
        return found

    def cheapest(self, n: int, cost: Floats | Ints) -> Floats:
        """Find what each of n inputs cost until its first success, infinite without one."""
        least = np.full(n, np.inf)
        np.minimum.at(least, self.row[self.success], cost[self.success])
        return least


def mark(marking: EvasionMarking) -> AttackResult:
    """Measure success over the budget, with the baseline, the checks and real examples."""
    question, n = marking.dealt.question, len(marking.dealt.question.x)
    by_size = counts_size(marking)
    tried = _tried(marking, by_size=by_size)
    cost = tried.size if by_size else tried.queries.astype(np.float64)
    grid = _budgets(marking, cost, TRIALS, by_size=by_size)
    trials, random_hits = [], np.zeros(n, dtype=bool)
    for budget in grid:
        trial, random_hits = _trial(marking, tried, cost, budget)
        trials.append(trial)
    best = tried.best(n, np.ones(len(cost), dtype=bool))
    solved = best >= 0
    found = best[solved]
    marked = Marked(
        marking=marking,
        solved=solved,
        size=_filled(np.full(n, np.inf), solved, tried.size[found]),
        queries=tried.cheapest(n, tried.queries),
        after=_filled(question.x, solved, tried.x[found]),
        label=_filled(np.full(n, -1), solved, tried.label[found]),
        random_hits=random_hits,
        lost=_lost(tried, n),
        invalid=_invalid(tried, n),
        tally=trials[-1].tally,
    )
    return AttackResult(
        status=Status.TESTED,
        summary=summary(marked),
        measurements=measurements(marked, by_size=by_size),
        trials=tuple(trials),
        curve=_curve(marking, tried, cost, by_size=by_size),
        controls=controls(marked, _unrepeatable(marked)),
        caveats=remarks(marked),
        exhibits=exhibits(marked),
    )


def counts_size(marking: EvasionMarking) -> bool:
    """Tell whether the size of the change, and not the queries, is what the attacker spends.

    So it is for who sees no answers, and for who asks an own copy of the model.
    """
    granted = marking.granted
    return granted.view is View.NOTHING or granted.knowledge.model is Grade.FULL


# ---- what was tried ------------------------------------------------------------------------------


def _tried(marking: EvasionMarking, *, by_size: bool) -> Tried:
    """Ask every different answer afresh, and check that its change is allowed."""
    question = marking.dealt.question
    row, where, queries = _different(marking.answers, question.x)
    if not by_size:
        keep = _standing(row, queries, _budgets(marking, queries, POINTS, by_size=False))
        row, where, queries = row[keep], [where[i] for i in keep], queries[keep]
    x = np.empty((len(where), *question.x.shape[1:]), dtype=question.x.dtype)
    for i, (answer, r) in enumerate(zip(where, row, strict=True)):
        x[i] = answer.x[r]
    allowed = marking.app.domain.valid(x)
    before = question.x[row]
    ok = np.flatnonzero(allowed)
    x[ok] = question.limits.settled(before[ok], x[ok])
    allowed[ok] = question.limits.allows(before[ok], x[ok])
    ok = np.flatnonzero(allowed)
    size = np.full(len(x), np.inf)
    size[ok] = question.limits.size(before[ok], x[ok])
    label = np.full(len(x), -1)
    label[ok] = ask(marking.app, x[ok])
    success = np.zeros(len(x), dtype=bool)
    success[ok] = question.aim.reached(label[ok], row[ok])
    return Tried(row=row, x=x, queries=queries, size=size, label=label, success=success)


def _different(answers: Sequence[Checkpoint], x: Inputs) -> tuple[Ints, list[Submission], Ints]:
    """List each change of each input when it first stood in an answer: row, answer, queries."""
    last = row_keys(x)
    rows: list[int] = []
    where: list[Submission] = []
    queries: list[int] = []
    for checkpoint in answers:
        answer = checkpoint.answer
        if not isinstance(answer, Submission) or np.shape(answer.x)[:1] != (len(x),):
            raise ValueError(
                f"an answer in the evasion game is a Submission with one input for each of the "
                f"{len(x)} of the question, got {type(answer).__name__}"
            )
        keys = row_keys(answer.x)
        fresh = [i for i, key in enumerate(keys) if key != last[i]]
        last = keys
        rows += fresh
        where += [answer] * len(fresh)
        queries += checkpoint.queries[fresh].tolist()
    return np.array(rows, dtype=np.int64), where, np.array(queries, dtype=np.int64)


def _standing(row: Ints, queries: Ints, grid: Sequence[float]) -> Ints:
    """Choose the tries to ask again: of each input the first, and the last at each budget."""
    keep: set[int] = set()
    for i in np.unique(row):
        own = np.flatnonzero(row == i)
        last = np.searchsorted(queries[own], grid, side="right") - 1
        keep |= {int(own[0])} | {int(own[j]) for j in last if j >= 0}
    return np.array(sorted(keep), dtype=np.int64)


def _filled(values: NDArray[Any], where: Bools, with_: NDArray[Any]) -> NDArray[Any]:
    out = values.copy()
    out[where] = with_
    return out


def _lost(tried: Tried, n: int) -> Bools:
    """Tell which inputs were broken once, while what was handed in last breaks nothing."""
    once, last = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    for row, success in zip(tried.row, tried.success, strict=True):
        once[row] |= success
        last[row] = success
    return once & ~last


def _invalid(tried: Tried, n: int) -> Bools:
    """Tell for which inputs a change was handed in that is not allowed."""
    out = np.zeros(n, dtype=bool)
    out[tried.row[np.isinf(tried.size)]] = True
    return out


# ---- success over the budget ---------------------------------------------------------------------


def _budgets(
    marking: EvasionMarking, cost: Floats | Ints, points: int, *, by_size: bool
) -> list[float]:
    """Choose budgets up to what was spent: those of the tries if few, else a geometric grid."""
    spent = np.unique(cost[np.isfinite(cost) & (cost > 0)]).astype(np.float64)
    if by_size and not len(spent):
        spent = np.array([marking.dealt.question.limits.most])
    elif not by_size:
        spent = np.union1d(spent, max(1.0, float(marking.final.queries.max())))
    grid: Floats | Ints = spent
    if len(spent) > points and (spent == np.round(spent)).all():
        grid = geometric_grid(int(np.ceil(spent[-1])), points)
    elif len(spent) > points:  # distances
        grid = np.quantile(spent, np.linspace(0, 1, points + 1)[1:], method="higher")
    return [float(budget) for budget in np.unique(grid)]


def _trial(
    marking: EvasionMarking, tried: Tried, cost: Floats, budget: float
) -> tuple[Trial, Bools]:
    """Count what is broken within a budget, and what random changes of equal size break."""
    question, n = marking.dealt.question, len(marking.dealt.question.x)
    within = cost <= budget
    best = tried.best(n, within)
    solved = best >= 0
    size = np.zeros(n)
    tries = np.flatnonzero(within & np.isfinite(tried.size))
    np.maximum.at(size, tried.row[tries], tried.size[tries])
    size[solved] = tried.size[best[solved]]
    if solved.any():  # what the attack left as it was is changed as much as what it broke
        size[size == 0] = np.median(size[solved])
    similar = marking.app.data.similar.x
    blind = question.limits.at_random(question.x, size, similar, marking.rng)
    hits = np.zeros(n, dtype=bool)
    ok = np.flatnonzero(marking.app.domain.valid(blind))
    hits[ok] = question.aim.reached(ask(marking.app, blind[ok]), ok)
    count = int(solved.sum())
    tally = Proportion(successes=count, n=n, baseline_successes=int(hits.sum()), baseline_n=n)
    spent = tried.queries[within]
    seconds = [c.cost.seconds for c in marking.answers if c.queries.max() <= spent.max(initial=0)]
    trial = Trial(
        budget=budget,
        queries=float(spent.max(initial=0)),
        compute_h=max(seconds, default=0.0) / 3600 / n,
        tally=tally,
        verified=count,
    )
    return trial, hits


def _curve(marking: EvasionMarking, tried: Tried, cost: Floats, *, by_size: bool) -> Curve:
    n = len(marking.dealt.question.x)
    grid = _budgets(marking, cost, POINTS, by_size=by_size)
    band = nondecreasing_band(cumulative_success(tried.cheapest(n, cost), grid), n)
    unit = marking.dealt.question.limits.unit if by_size else "queries"
    return Curve(
        budget=unit,
        unit=f"{unit} per input",
        x=tuple(grid),
        value=tuple(band.value.tolist()),
        low=tuple(band.low.tolist()),
        high=tuple(band.high.tolist()),
    )


# ---- questions of the game -----------------------------------------------------------------------


def ask(app: Application, x: Inputs) -> Ints:
    """Ask for the labels of inputs `(m, ...)`, in batches; this costs the attacker nothing."""
    blocks = [x[i : i + BATCH] for i in range(0, len(x), BATCH)]
    said = [app.target.answer(block, View.LABELS).labels for block in blocks]
    return np.concatenate(said) if said else np.empty(0, dtype=np.int64)


def _unrepeatable(marked: Marked) -> int:
    """Count answers that differ when the broken inputs are asked again, one at a time."""
    again = np.flatnonzero(marked.solved)
    singly = [ask(marked.marking.app, marked.after[i : i + 1])[0] for i in again]
    question = marked.marking.dealt.question
    now_wrong = question.aim.reached(ask(marked.marking.app, question.x))
    return int((np.array(singly, dtype=np.int64) != marked.label[again]).sum() + now_wrong.sum())
