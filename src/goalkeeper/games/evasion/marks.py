"""Mark changed inputs: ask again, check the limits, compare with random changes of equal size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.data import Bools, Floats, Inputs, Ints, row_keys
from goalkeeper.core.evidence import AttackResult, Curve, Status, Trial
from goalkeeper.core.power import Grade, View
from goalkeeper.games.base import Marking
from goalkeeper.games.evasion.asking import (
    count_votes,
    observe_repetition,
    query_labels,
    reached_by_majority,
)
from goalkeeper.games.evasion.parts import (
    CleanState,
    Ending,
    EvasionQuestion,
    Repetition,
    Submission,
)
from goalkeeper.games.evasion.report import (
    MarkedAttack,
    check_controls,
    draw_robust_accuracy,
    explain_failure,
    list_caveats,
    measure,
    show_examples,
    summarise,
)
from goalkeeper.games.shared.items import keep_outcomes
from goalkeeper.games.tallies import paired_proportion
from goalkeeper.stats import cumulative_success, geometric_grid, nondecreasing_band

MAX_TRIALS = 6  # budgets that are rated
# Share of the inputs that are left out where the application failed on changes of them. Those that
# were broken before it failed stay, so leaving out many would make the attack look too strong.
MAX_LEFT_OUT = 0.05
MAX_POINTS = 20  # budgets on the curve

EvasionMarking = Marking[EvasionQuestion, CleanState, Submission]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Attempts:
    """Every different changed input once, in the order it was handed in; one row an attempt.

    row: which input. queries: what its campaign had spent by then. size: of the change, infinite
    where the change is not allowed. label: the class when sent again, -1 where not allowed.
    """

    row: Ints
    x: Inputs
    queries: Ints
    size: Floats
    label: Ints
    success: Bools

    def find_smallest(self, n: int, allowed: Bools) -> Ints:
        """Find for each of n inputs the smallest success among the allowed attempts, else -1."""
        found = np.full(n, -1)
        attempts = np.flatnonzero(self.success & allowed)
        for i in attempts[np.argsort(-self.size[attempts], kind="stable")]:
            found[self.row[i]] = i
        return found

    def find_cheapest(self, n: int, cost: Floats | Ints) -> Floats:
        """Find what each of n inputs cost until its first success, infinite without one."""
        least = np.full(n, np.inf)
        np.minimum.at(least, self.row[self.success], cost[self.success])
        return least


def mark_submissions(marking: EvasionMarking) -> AttackResult:
    """Measure success over the budget, with the baseline, the checks and real examples."""
    question, n = marking.deal.question, len(marking.deal.question.x)
    by_size = is_budget_size(marking)
    attempts = _evaluate(marking, by_size=by_size)
    seen = _observe_successes(marking, attempts)
    if seen.asks > marking.deal.secret.repetition.asks:
        secret = replace(marking.deal.secret, repetition=seen)
        return mark_submissions(replace(marking, deal=replace(marking.deal, secret=secret)))
    answered = _find_answered(marking, attempts)
    few = max(1, int(MAX_LEFT_OUT * n))
    if 0 < (~answered).sum() <= few < n:
        # Where not even unchanged inputs get an answer any more, the run has failed: this raises.
        marking.app.target.answer(question.x[:1], View.LABELS)
        return mark_submissions(_leave_out(marking, answered))
    cost = attempts.size if by_size else attempts.queries.astype(np.float64)
    grid = _choose_budgets(marking, cost, MAX_TRIALS, by_size=by_size)
    trials, random_hits = [], np.zeros(n, dtype=bool)
    for budget in grid:
        trial, random_hits = _build_trial(marking, attempts, cost, budget)
        trials.append(trial)
    best = attempts.find_smallest(n, np.ones(len(cost), dtype=bool))
    solved = best >= 0
    smallest = best[solved]
    marked = MarkedAttack(
        marking=marking,
        solved=solved,
        size=_fill(np.full(n, np.inf), solved, attempts.size[smallest]),
        queries=attempts.find_cheapest(n, attempts.queries),
        after=_fill(question.x, solved, attempts.x[smallest]),
        label=_fill(np.full(n, -1), solved, attempts.label[smallest]),
        random_hits=random_hits,
        lost=_find_lost(attempts, n),
        unanswered=~answered,
        invalid=_find_invalid(attempts, n),
        tally=trials[-1].tally,
    )
    failure = explain_failure(marked)
    curve, broken = _draw_curve(marking, attempts, cost, by_size=by_size)
    return AttackResult(
        status=Status.CONTROL_FAILED if failure else Status.TESTED,
        reason=failure,
        summary=summarise(marked),
        threat=question.constraint.within,
        measurements=measure(marked, by_size=by_size),
        trials=tuple(trials),
        outcomes=keep_outcomes(marking.app, question.x, solved, random_hits),
        curve=curve,
        curves=(draw_robust_accuracy(marking.deal.secret, curve, broken),),
        controls=check_controls(marked, _count_unrepeatable(marked)),
        caveats=list_caveats(marked),
        exhibits=show_examples(marked),
    )


def is_budget_size(marking: EvasionMarking) -> bool:
    """Return whether the size of the change, and not the queries, is what the attacker spends.

    This holds for attackers who see no answers, and for those who query their own copy.
    """
    granted = marking.granted
    return granted.view is View.NOTHING or granted.knowledge.model is Grade.FULL


# ---- what was tried ------------------------------------------------------------------------------


def _evaluate(marking: EvasionMarking, *, by_size: bool) -> Attempts:
    """Send every different changed input again, and check that its change is allowed."""
    question = marking.deal.question
    row, submissions, queries = _list_changes(marking.answers, question.x)
    if not by_size:
        keep = _select(row, queries, _choose_budgets(marking, queries, MAX_POINTS, by_size=False))
        row, submissions, queries = row[keep], [submissions[i] for i in keep], queries[keep]
    x = np.empty((len(submissions), *question.x.shape[1:]), dtype=question.x.dtype)
    for i, (answer, r) in enumerate(zip(submissions, row, strict=True)):
        x[i] = answer.x[r]
    allowed = marking.app.domain.valid(x)
    before = question.x[row]
    ok = np.flatnonzero(allowed)
    x[ok] = question.constraint.quantise(before[ok], x[ok])
    allowed[ok] = question.constraint.allows(before[ok], x[ok])
    ok = np.flatnonzero(allowed)
    size = np.full(len(x), np.inf)
    size[ok] = question.constraint.size(before[ok], x[ok])
    label = np.full(len(x), -1)
    label[ok] = query_labels(marking.app, x[ok])
    success = np.zeros(len(x), dtype=bool)
    success[ok] = question.goal.reached(label[ok], row[ok])
    attempts = Attempts(row=row, x=x, queries=queries, size=size, label=label, success=success)
    return attempts if marking.deal.secret.repetition.asks == 1 else _confirm(marking, attempts)


def _observe_successes(marking: EvasionMarking, attempts: Attempts) -> Repetition:
    """Ask again about the smallest success of each input: chance may begin where it was changed."""
    if marking.deal.secret.repetition.asks > 1:
        return marking.deal.secret.repetition
    best = attempts.find_smallest(len(marking.deal.question.x), np.ones(len(attempts.row), bool))
    best = best[best >= 0]
    goal = marking.deal.question.goal
    reached = np.ones(len(best), dtype=bool)
    return observe_repetition(marking.app, attempts.x[best], goal, attempts.row[best], reached)


def _confirm(marking: EvasionMarking, attempts: Attempts) -> Attempts:
    """Keep one success of each input, and only if a majority of further answers agree.

    Where answers vary, some of many attempts succeed by chance. So one of each input is chosen by
    some answers, and judged by others; random changes are asked as often. The smallest is chosen
    that succeeds in all answers but one, else the smallest that does in most.
    """
    question, n = marking.deal.question, len(marking.deal.question.x)
    repetition, asked = marking.deal.secret.repetition, np.isfinite(attempts.size)
    votes = np.zeros(len(attempts.row), dtype=np.int64)
    found = attempts.x[asked], question.goal, attempts.row[asked]
    votes[asked] = count_votes(marking.app, *found, repetition)
    likely = replace(attempts, success=votes >= repetition.majority)
    surely = likely.find_smallest(n, votes >= repetition.asks - 1)
    chosen = np.where(surely >= 0, surely, likely.find_smallest(n, asked))
    chosen = chosen[chosen >= 0]
    success = np.zeros(len(attempts.row), dtype=bool)
    success[chosen] = _ask_repeatedly(marking, attempts.x[chosen], attempts.row[chosen], "judged")
    return replace(attempts, success=success)


def _ask_repeatedly(marking: EvasionMarking, x: Inputs, row: Ints, occasion: str) -> Bools:
    """Return which submissions `(m, ...)` reach the goal in most of the answers."""
    goal, repetition = marking.deal.question.goal, marking.deal.secret.repetition
    return reached_by_majority(marking.app, x, goal, row, repetition, occasion)


def _list_changes(answers: Sequence[Checkpoint], x: Inputs) -> tuple[Ints, list[Submission], Ints]:
    """List each change of each input when it first stood in an answer: row, answer, queries."""
    last = row_keys(x)
    rows: list[int] = []
    submissions: list[Submission] = []
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
        submissions += [answer] * len(fresh)
        queries += checkpoint.queries[fresh].tolist()
    return np.array(rows, dtype=np.int64), submissions, np.array(queries, dtype=np.int64)


def _select(row: Ints, queries: Ints, grid: Sequence[float]) -> Ints:
    """Choose the attempts to send again: of each input the first, and the last at each budget."""
    keep: set[int] = set()
    for i in np.unique(row):
        of_input = np.flatnonzero(row == i)
        last = np.searchsorted(queries[of_input], grid, side="right") - 1
        keep |= {int(of_input[0])} | {int(of_input[j]) for j in last if j >= 0}
    return np.array(sorted(keep), dtype=np.int64)


def _fill(values: NDArray[Any], where: Bools, with_: NDArray[Any]) -> NDArray[Any]:
    out = values.copy()
    out[where] = with_
    return out


def _find_lost(attempts: Attempts, n: int) -> Bools:
    """Return which inputs were broken once, while what was handed in last breaks nothing."""
    once, last = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    for row, success in zip(attempts.row, attempts.success, strict=True):
        once[row] |= success
        last[row] = success
    return once & ~last


def _find_invalid(attempts: Attempts, n: int) -> Bools:
    """Return for which inputs a change was handed in that is not allowed."""
    out = np.zeros(n, dtype=bool)
    out[attempts.row[np.isinf(attempts.size)]] = True
    return out


def _find_answered(marking: EvasionMarking, attempts: Attempts) -> Bools:
    """Return which inputs `(n,)` were broken, or never made the application fail."""
    endings = marking.final.answer.endings
    failed = np.array([ending == Ending.UNANSWERED for ending in endings], dtype=bool)
    failed[attempts.row[np.isfinite(attempts.size) & (attempts.label < 0)]] = True
    failed[attempts.row[attempts.success]] = False
    return ~failed


def _leave_out(marking: EvasionMarking, keep: Bools) -> EvasionMarking:
    """Leave out inputs `(n,)` on whose changes the application failed: neither broken nor not."""
    deal, before, lost = marking.deal, marking.deal.secret, int((~keep).sum())
    secret = replace(
        before,
        attacked=before.attacked.take(keep),
        looked_at=before.looked_at - lost,
        unanswered=before.unanswered + lost,
    )
    answers = tuple(
        replace(
            each,
            answer=replace(each.answer, x=each.answer.x[keep], endings=each.answer.endings[keep]),
            queries=each.queries[keep],
        )
        for each in marking.answers
    )
    question = deal.question.take(keep)
    return replace(marking, deal=replace(deal, question=question, secret=secret), answers=answers)


# ---- success over the budget ---------------------------------------------------------------------


def _choose_budgets(
    marking: EvasionMarking, cost: Floats | Ints, points: int, *, by_size: bool
) -> list[float]:
    """Choose budgets up to what was spent: those of the tries if few, else a geometric grid."""
    spent = np.unique(cost[np.isfinite(cost) & (cost > 0)]).astype(np.float64)
    if by_size and not len(spent):
        spent = np.array([marking.deal.question.constraint.most])
    elif not by_size:
        spent = np.union1d(spent, max(1.0, float(marking.final.queries.max())))
    grid: Floats | Ints = spent
    if len(spent) > points and (spent == np.round(spent)).all():
        grid = geometric_grid(int(np.ceil(spent[-1])), points)
    elif len(spent) > points:  # distances
        grid = np.quantile(spent, np.linspace(0, 1, points + 1)[1:], method="higher")
    return [float(budget) for budget in np.unique(grid)]


def _build_trial(
    marking: EvasionMarking, attempts: Attempts, cost: Floats, budget: float
) -> tuple[Trial, Bools]:
    """Count what is broken within a budget, and what random changes of equal size break."""
    question, n = marking.deal.question, len(marking.deal.question.x)
    within = cost <= budget
    best = attempts.find_smallest(n, within)
    solved = best >= 0
    size = np.zeros(n)
    allowed = np.flatnonzero(within & np.isfinite(attempts.size))
    np.maximum.at(size, attempts.row[allowed], attempts.size[allowed])
    size[solved] = attempts.size[best[solved]]
    if solved.any():  # what the attack left as it was is changed as much as what it broke
        size[size == 0] = np.median(size[solved])
    similar = marking.app.data.similar.x
    blind = question.constraint.perturb_randomly(question.x, size, similar, marking.rng)
    hits = np.zeros(n, dtype=bool)
    ok = np.flatnonzero(marking.app.domain.valid(blind))
    hits[ok] = _ask_repeatedly(marking, blind[ok], ok, "random")
    count = int(solved.sum())
    spent = attempts.queries[within]
    seconds = [c.cost.seconds for c in marking.answers if c.queries.max() <= spent.max(initial=0)]
    trial = Trial(
        budget=budget,
        queries=float(spent.max(initial=0)),
        compute_h=max(seconds, default=0.0) / 3600 / n,
        tally=paired_proportion(solved, hits),
        verified=count,
    )
    return trial, hits


def _draw_curve(
    marking: EvasionMarking, attempts: Attempts, cost: Floats, *, by_size: bool
) -> tuple[Curve, Ints]:
    """Draw the success rate, and count the inputs `(m,)` broken within each of its budgets."""
    n = len(marking.deal.question.x)
    grid = _choose_budgets(marking, cost, MAX_POINTS, by_size=by_size)
    solved = cumulative_success(attempts.find_cheapest(n, cost), grid)
    band = nondecreasing_band(solved, n)
    unit = marking.deal.question.constraint.unit if by_size else "queries"
    curve = Curve(
        budget=unit,
        unit=f"{unit} per input",
        x=tuple(grid),
        value=tuple(band.value.tolist()),
        low=tuple(band.low.tolist()),
        high=tuple(band.high.tolist()),
    )
    return curve, solved


# ---- questions of the game -----------------------------------------------------------------------


def _count_unrepeatable(marked: MarkedAttack) -> int:
    """Count answers that differ when the broken inputs are sent again, one at a time."""
    again = np.flatnonzero(marked.solved)
    singly = [query_labels(marked.marking.app, marked.after[i : i + 1])[0] for i in again]
    question = marked.marking.deal.question
    now_wrong = question.goal.reached(query_labels(marked.marking.app, question.x))
    return int((np.array(singly, dtype=np.int64) != marked.label[again]).sum() + now_wrong.sum())
