"""The loop that every evasion attack runs in; attacks are small step machines.

An attack gives `start`, `propose` and `update`. The driver drops inputs that are done, asks the
candidates of many inputs at once, keeps the budget of each, tracks the smallest success that the
limits allow, and hands in checkpoints. Every input has a random stream of its own, keyed by its
content, so that results do not depend on how a batch is cut or ordered. Gradient attacks climb in
`update`, on the network that `access` gives them, and propose what the network says is a success.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Generic, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.application import Answers
from goalkeeper.core.data import Bools, Floats, Inputs, Ints, row_keys
from goalkeeper.core.evidence import Control
from goalkeeper.core.power import Grade, View
from goalkeeper.games.evasion import Ending, Evasion, EvasionQuestion, Submission

BATCH_SIZE = 1000  # inputs asked in one call
MAX_VALUES = 50_000_000  # numbers of candidates held at once, about
BASES = ("harmful-passes", "harmless-declined", "any-wrong")
# Patterns of the tasks in one norm: their names may end in a radius and a wanted class.
IN_NORMS = tuple(f"{base}-{norm}*" for base in BASES for norm in ("linf", "l2"))
ON_PIXELS = tuple(f"{base}-pixels*" for base in BASES)
QUIET = 100_000  # steps without a question, far more than any climb takes, are a loop without end
CHECKPOINT_GROWTH = 1.05  # queries until the next checkpoint, for inputs that are arrays of numbers


@dataclass(frozen=True, eq=False, kw_only=True)
class State:
    """What an attack remembers of each active input: arrays with a leading axis `(a, ...)`.

    An input that is `done` has nothing left to try. Attacks add fields of their own; those that
    are no arrays hold for all inputs.
    """

    done: Bools


S = TypeVar("S", bound=State)


@dataclass(frozen=True, eq=False, slots=True)
class Proposal:
    """Candidates `(a, q, ...)` and which of them are to be asked, `(a, q)`, first ones first.

    working: which inputs `(a,)` stay active although they ask nothing this time. counts: whether a
    candidate that reaches the aim is a result; probes, which only teach something, are none.
    """

    x: Inputs
    wanted: Bools
    working: Bools | None = None
    counts: bool = True


@dataclass(frozen=True, eq=False, slots=True)
class QueryResults:
    """What came back: which candidates were asked and which reached the aim, each `(a, q)`.

    A candidate on which the application failed counts as not asked, although it was paid.
    `answers` holds the answers to the asked ones, row by row; nothing if nothing may be seen.
    """

    asked: Bools
    reached: Bools
    answers: tuple[Answers, ...]

    def scores(self) -> Floats:
        """Return the probabilities `(a, q, classes)`; of what was not asked, nan."""
        answered = [a.scores for a in self.answers]
        out = np.full((*self.asked.shape, answered[0].shape[1] if answered else 1), np.nan)
        if answered:
            out[self.asked] = np.concatenate(answered)
        return out


@dataclass(frozen=True, kw_only=True)
class EvasionAttack(Attack[EvasionQuestion, Submission], Generic[S]):
    """An attack as a step machine. Subclasses are final and say nothing of loops or budgets.

    `refines` says whether it continues after a success, to find a smaller change. `wide` is about
    how many candidates of an input it proposes at once. `averages` says whether its search allows
    for answers that differ from time to time; successes are confirmed by the driver in any case.
    """

    game = Evasion
    refines: ClassVar[bool] = False
    averages: ClassVar[bool] = False
    wide: ClassVar[int] = 64

    @abstractmethod
    def start(self, question: EvasionQuestion, streams: Inputs, access: Access) -> S:
        """Prepare the inputs; `streams` `(n,)` are their random generators."""

    @abstractmethod
    def propose(self, state: S) -> Proposal:
        """Give candidates for each active input; an input with none is given up."""

    @abstractmethod
    def update(self, state: S, seen: QueryResults) -> S:
        """Learn from the answers."""

    @final
    def run(self, question: EvasionQuestion, access: Access) -> Submission:
        """Run the steps until every input is done, out of budget or solved."""
        run = _BestSubmission(question, access)
        every, streams_of_inputs = np.arange(len(question.x)), spawn_streams(question.x, access.rng)
        for rows in np.split(every, every[:: _batch_inputs(question.x, self.wide)][1:]):
            self._run(run, rows, self.start(question.take(rows), streams_of_inputs[rows], access))
        submission = run.build_submission()
        controls = self.check(question, run.solved, access)
        if question.asks > 1 and run.sees:
            controls = (*controls, self._check_chance())
        return replace(submission, controls=controls)

    def _check_chance(self) -> Control:
        """Check that the attack does not take answers for certain that are drawn at random."""
        how = "averages over them" if self.averages else "takes each for certain"
        return Control(
            name="the search allows for answers at random",
            passed=self.averages,
            detail=f"the application answers the same input differently, and the attack {how}",
        )

    def check(
        self, question: EvasionQuestion, solved: Bools, access: Access
    ) -> tuple[Control, ...]:
        """Check the attack's own means, when it ended with these inputs `(n,)` solved."""
        return ()

    @final
    def try_again(self, question: EvasionQuestion, access: Access) -> Bools:
        """Run the steps on another question, for a check: what is found is not handed in."""
        run = _BestSubmission(question, access, handed_in=False)
        streams = spawn_streams(question.x, access.rng)
        self._run(run, np.arange(len(question.x)), self.start(question, streams, access))
        return run.solved

    def _run(self, run: _BestSubmission, rows: Ints, state: S) -> None:
        """Step until every one of these inputs is done, out of budget or solved.

        Raises
        ------
        RuntimeError
            The attack neither asks about the inputs that are left nor is done with them.
        """
        run.rows, run.shown = rows, 0
        quiet = 0
        while True:
            over = state.done | (run.left(rows) == 0)
            if not self.refines:
                over |= run.solved[rows]
            state, rows = keep_rows(state, ~over), rows[~over]
            if not len(rows):
                return
            proposal = self.propose(state)
            quiet = 0 if proposal.wanted.any() else quiet + 1
            if quiet > QUIET:
                raise RuntimeError(
                    f"{type(self).__name__} proposed nothing in {QUIET:,} steps while {len(rows)} "
                    "inputs were active; propose candidates for them, or set their `done`"
                )
            seen = run.ask(rows, proposal)
            state = self.update(state, seen)
            idle = ~proposal.wanted.any(axis=1)
            if proposal.working is not None:
                idle &= ~proposal.working
            state = replace(state, done=state.done | idle)


def _batch_inputs(x: Inputs, wide: int) -> int:
    """Choose how many inputs `(n, ...)` are worked on at once, so that they fit in memory."""
    if x.dtype == object:
        return max(1, len(x))
    return max(1, MAX_VALUES // (wide * max(1, int(np.prod(x.shape[1:])))))


def keep_rows(state: S, keep: NDArray[Any]) -> S:
    """Keep the chosen rows of every array and tensor of a state."""
    if keep.dtype == bool and keep.all():
        return state
    values = {f.name: getattr(state, f.name) for f in fields(state)}
    return replace(state, **{k: _keep_rows_of(v, keep) for k, v in values.items()})


def _keep_rows_of(value: Any, keep: NDArray[Any]) -> Any:
    """Keep rows of arrays, torch tensors (without importing torch) and states within states."""
    if isinstance(value, State):
        return keep_rows(value, keep)
    if isinstance(value, np.ndarray) or hasattr(value, "new_tensor"):
        return value[keep]
    return value


def score_leads(scores: Floats, wanted: Bools) -> Floats:
    """Measure how far the best wanted answer is ahead of the best other, in log scores.

    Parameters
    ----------
    scores
        Probabilities `(a, q, classes)`; nan where nothing was asked.
    wanted
        `(a, classes)`.

    Returns
    -------
    (a, q)
        Above 0 where the aim is reached; -inf where nothing was asked.
    """
    logs = np.log(np.maximum(scores, float(np.finfo(np.float64).tiny)))
    up = np.where(wanted[:, None], logs, -np.inf).max(axis=2)
    ahead = up - np.where(wanted[:, None], -np.inf, logs).max(axis=2)
    return np.where(np.isnan(ahead), -np.inf, ahead)


def spawn_streams(x: Inputs, rng: np.random.Generator) -> Inputs:
    """Give each input `(n, ...)` a random generator of its own, keyed by the input's content."""
    root = int(rng.integers(2**63))
    out = np.empty(len(x), dtype=object)
    for i, key in enumerate(row_keys(x)):
        out[i] = np.random.default_rng([root, int.from_bytes(key, "big")])
    return out


def _count_earlier(values: Ints) -> Ints:
    """Count for each value `(m,)` how many equal ones stand before it."""
    order = np.argsort(values, kind="stable")
    ranked, place = values[order], np.arange(len(values))
    first = np.ones(len(values), dtype=bool)
    first[1:] = ranked[1:] != ranked[:-1]
    out = np.empty(len(values), dtype=np.int64)
    out[order] = place - np.maximum.accumulate(np.where(first, place, 0))
    return out


class _BestSubmission:
    """The best answers so far, and what may still be asked."""

    def __init__(
        self, question: EvasionQuestion, access: Access, *, handed_in: bool = True
    ) -> None:
        self.question, self.access, self.handed_in = question, access, handed_in
        self.sees = access.granted.view is not View.NOTHING
        self.best = question.x.copy()
        self.size: Floats = np.full(len(question.x), np.inf)
        self.spent = np.zeros(len(question.x), dtype=bool)
        self.failed = self.spent.copy()  # some candidate made the application fail
        self.rows = np.arange(len(question.x))  # that are worked on
        self.before = access.left()
        self.shown = 0  # queries on these rows at the last checkpoint

    @property
    def solved(self) -> Bools:
        """Which inputs have a success so far, `(n,)`."""
        return np.isfinite(self.size)

    def left(self, rows: Ints) -> Ints:
        """Count the queries left for each row.

        Without answers there is nothing to spend, and an own copy of the model answers for free.
        """
        if not self.sees or self.access.granted.knowledge.model is Grade.FULL:
            return np.full(len(rows), 2**62)
        left = self.access.left()[rows]
        self.spent[rows] = left == 0
        return left

    def ask(self, rows: Ints, proposal: Proposal) -> QueryResults:
        """Ask the candidates that the budgets cover, and keep what is better than before."""
        if not self.sees:
            return self._hand_in_unseen(rows, proposal)
        order = np.cumsum(proposal.wanted, axis=1)
        asked = proposal.wanted & (order <= self.left(rows)[:, None])
        self.spent[rows] |= (asked != proposal.wanted).any(axis=1)
        place, column = np.nonzero(asked)
        x, rows_asked = proposal.x[place, column], rows[place]
        answers, answered = self._query_batches(x, rows_asked)
        self.failed[rows_asked[~answered]] = True
        x, rows_asked = x[answered], rows_asked[answered]
        asked[asked] = answered
        labels = [a.labels for a in answers]
        hit = (
            self.question.goal.reached(np.concatenate(labels), rows_asked)
            if labels
            else np.zeros(0, dtype=bool)
        )
        if self.question.asks > 1 and proposal.counts:
            hit = self._confirm(x, rows_asked, hit)
        reached = np.zeros_like(asked)
        reached[asked] = hit
        if proposal.counts and self._keep_smallest(rows_asked[hit], x[hit]):
            self._hand_in_best()
        return QueryResults(asked, reached, answers)

    def _confirm(self, x: Inputs, rows: Ints, hit: Bools) -> Bools:
        """Return which hits `(m,)` are hits in so many answers that the game will agree.

        The first answer, by which a hit was chosen, is none of them. Where the budget does not
        cover as many, it is not known to be one.
        """
        chosen, enough = np.flatnonzero(hit), self.question.quorum
        votes, asked = np.zeros((2, len(chosen)), dtype=np.int64)
        for _ in range(self.question.asks):
            open_ = np.flatnonzero(
                (votes < enough) & (asked - votes <= self.question.asks - enough)
            )
            # Of several candidates of an input, as many as its budget covers.
            rows_open = rows[chosen[open_]]
            open_ = open_[_count_earlier(rows_open) < self.left(rows_open)]
            answers, answered = self._query_batches(x[chosen[open_]], rows[chosen[open_]])
            open_ = open_[answered]
            labels = np.concatenate([np.zeros(0, dtype=np.int64), *(a.labels for a in answers)])
            votes[open_] += self.question.goal.reached(labels, rows[chosen[open_]])
            asked[open_] += 1
        confirmed = np.zeros(len(hit), dtype=bool)
        confirmed[chosen[votes >= enough]] = True
        return confirmed

    def build_submission(self) -> Submission:
        """Return the best so far, with how each input ended."""
        endings = np.empty(len(self.best), dtype=object)
        endings[:] = Ending.SURVIVED if self.sees else Ending.UNSEEN
        endings[self.spent] = Ending.BUDGET_SPENT
        endings[self.failed] = Ending.UNANSWERED
        endings[self.solved] = Ending.BROKEN
        return Submission(x=self.best.copy(), endings=endings)

    def _hand_in_best(self) -> None:
        """Hand in what is best so far; arrays of numbers only as queries have grown."""
        if not self.handed_in:
            return
        if self.best.dtype != object:
            spent = int((self.before - self.access.left())[self.rows].sum())
            if spent and spent < CHECKPOINT_GROWTH * self.shown:
                return
            self.shown = spent
        self.access.checkpoint(self.build_submission())

    def _query_batches(self, x: Inputs, rows: Ints) -> tuple[tuple[Answers, ...], Bools]:
        """Return the answers that there are, and which candidates `(m,)` they belong to."""
        cuts = [slice(i, i + BATCH_SIZE) for i in range(0, len(x), BATCH_SIZE)]
        found = [self.access.query_each(x[cut], rows[cut]) for cut in cuts]
        answered = [each for _, each in found]
        return (
            tuple(answers for answers, _ in found),
            np.concatenate(answered) if answered else np.zeros(0, dtype=bool),
        )

    def _keep_smallest(self, rows: Ints, x: Inputs) -> bool:
        """Keep the smallest successes that are allowed; tell whether any is new."""
        before, constraint = self.question.x[rows], self.question.constraint
        fine = self.access.domain.valid(x) & constraint.allows(before, x)
        size = np.full(len(x), np.inf)
        size[fine] = constraint.size(before[fine], x[fine])
        better = False
        for i in np.flatnonzero(size < self.size[rows]):
            if size[i] < self.size[rows[i]]:
                self.best[rows[i]], self.size[rows[i]] = x[i], size[i]
                better = True
        return better

    def _hand_in_unseen(self, rows: Ints, proposal: Proposal) -> QueryResults:
        """Hand in the last candidate of each input unseen, as no answer will be shown."""
        wanted = proposal.wanted
        last = wanted.shape[1] - 1 - np.argmax(wanted[:, ::-1], axis=1)
        proposed = np.flatnonzero(wanted.any(axis=1))
        self.best[rows[proposed]] = proposal.x[proposed, last[proposed]]
        self.access.checkpoint(self.build_submission())
        nothing = np.zeros_like(wanted)
        return QueryResults(nothing, nothing, ())
