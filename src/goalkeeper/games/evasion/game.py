"""The evasion game: change inputs so that the application answers them wrongly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Bools, Data, Ints
from goalkeeper.core.evidence import AttackResult, Status
from goalkeeper.core.power import Power, View
from goalkeeper.core.threats import LEAST_LIKELY
from goalkeeper.games.base import Deal, Game, Marking, Task, Unfit
from goalkeeper.games.evasion.asking import (
    BATCH_SIZE,
    observe_repetition,
    query_labels,
    reached_by_majority,
)
from goalkeeper.games.evasion.goals import (
    build_goal,
    is_attacked,
    list_bases,
    name_after,
    narrow_goal,
)
from goalkeeper.games.evasion.images import NormBall
from goalkeeper.games.evasion.kinds import BackdoorSpec
from goalkeeper.games.evasion.marks import mark_submissions
from goalkeeper.games.evasion.parts import (
    AdversarialGoal,
    CleanState,
    Constraint,
    EvasionQuestion,
    Repetition,
    Submission,
)
from goalkeeper.games.evasion.table_threat import explain_broken_relation, find_intact
from goalkeeper.games.evasion.tables import EntryConstraint
from goalkeeper.games.evasion.ways import find_kind, list_kinds

TYPICAL_QUERIES = 1000  # queries on one input after which attacks have usually ended


@final
@dataclass(frozen=True, kw_only=True)
class Evasion(Game[EvasionQuestion, CleanState, Submission]):
    """Question: correctly classified inputs, and a constraint. Answer: changed inputs, sent again.

    Parameters
    ----------
    n
        Inputs to attack.
    least
        With fewer inputs the result is inconclusive.
    """

    name: ClassVar[str] = "evasion"
    grows: ClassVar[Mapping[str, int]] = {"n": 40}
    n: int = 200
    least: int = 20

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Ask for both directions, or for any wrong answer where no class is harmless.

        Each way of changing an input (`list_kinds`) has tasks of its own.
        """
        return tuple(
            name_after(base, kind.suffix, kind.how, kind.target)
            for kind in list_kinds(app)
            for base in list_bases(app, kind.target)
        )

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Refuse an application with too few inputs to attack, or with nothing to change."""
        unfit = _unfit_constraint(app, find_kind(app, task).constraint(app))
        if unfit is not None:
            return unfit
        if find_kind(app, task).target == LEAST_LIKELY and app.target.offers < View.SCORES:
            return Unfit("the least likely class is found by scores, and the model gives none")
        found = int(_is_eligible(app, task, app.data.holdout).sum())
        if found < self.least:
            return Unfit(
                f"the holdout has {found} inputs of the kind to attack ({task.name}), at least "
                f"{self.least} are needed; give more data"
            )
        return None

    def deal(
        self, app: Application, task: Task, rng: np.random.Generator
    ) -> Deal[EvasionQuestion, CleanState]:
        """Draw inputs of the right kind, in random order, until n are classified correctly.

        Raises
        ------
        TargetError
            The application answers none of them: what it says of the first.
        """
        rows = rng.permutation(np.flatnonzero(_is_eligible(app, task, app.data.holdout)))
        right, looked_at, unanswered = self._draw_correct(app, task, rows)
        if unanswered and not looked_at:
            app.target.answer(app.data.holdout.x[rows[:1]], View.LABELS)
        right, repetition = _ask_again(app, task, right)
        attacked, kind = app.data.holdout.take(right), find_kind(app, task)
        question = EvasionQuestion(
            x=attacked.x,
            y=attacked.y,
            goal=narrow_goal(app, build_goal(app, task, attacked.y), kind.target, attacked.x),
            constraint=kind.constraint(app),
            asks=repetition.asks,
        )
        secret = CleanState(
            attacked=attacked,
            wrong_before=looked_at - len(right),
            looked_at=looked_at,
            repetition=repetition,
            unanswered=unanswered,
        )
        return Deal(question=question, secret=secret, campaigns=max(1, len(right)))

    def mark(self, marking: Marking[EvasionQuestion, CleanState, Submission]) -> AttackResult:
        """Send every submitted input again, and count those that are now misclassified."""
        n, before = len(marking.deal.question.x), marking.deal.secret
        if n < self.least:
            return AttackResult(
                status=Status.NOT_TESTED,
                reason=f"inconclusive: only {n} of {before.looked_at} inputs are classified "
                f"correctly without an attack, at least {self.least} are needed",
            )
        return mark_submissions(marking)

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Build a version with a backdoor for changes of the task's kind."""
        similar, kind = app.data.similar, find_kind(app, task)
        wanted = _find_commonest_class(_find_goal(app, task, similar).wanted, similar.y)
        inputs = app.data.holdout
        if kind.known is not None:
            rows = rng.permutation(np.flatnonzero(_is_eligible(app, task, inputs)))
            inputs = inputs.take(np.sort(rows[: kind.known]))
        backdoor = BackdoorSpec(
            constraint=kind.constraint(app),
            wanted=wanted,
            attacked=_is_eligible(app, task, similar) & (similar.y != wanted),
            inputs=inputs,
            goal=_find_goal(app, task, inputs),
            least_likely=kind.target == LEAST_LIKELY,
        )
        target = kind.weaken(app, backdoor, rng)
        data = replace(app.data, holdout=inputs)
        return replace(app, name=f"{app.name}, weakened", target=target, data=data)

    def smaller(self) -> Evasion:
        """Return the same game with 50 inputs at most."""
        return replace(self, n=min(self.n, 50))

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Count the queries of all campaigns, at the usual most an input takes."""
        found = int(_is_eligible(app, task, app.data.holdout).sum())
        each = 0.0 if granted.view is View.NOTHING else min(granted.budget.queries, TYPICAL_QUERIES)
        return Estimate(queries=min(self.n, found) * each)

    def _draw_correct(self, app: Application, task: Task, rows: Ints) -> tuple[Ints, int, int]:
        """Find the first n rows that are classified correctly.

        Returns them, how many answered ones were looked at, and how many got no answer.
        """
        holdout = app.data.holdout
        right, failed = np.empty(0, dtype=np.int64), 0
        for start in range(0, len(rows), BATCH_SIZE):
            block = rows[start : start + BATCH_SIZE]
            labels = query_labels(app, holdout.x[block])
            wrong = build_goal(app, task, holdout.y[block]).reached(labels)
            fresh = np.flatnonzero(~wrong & (labels >= 0))[: self.n - len(right)]
            right = np.concatenate([right, block[fresh]])
            full = len(right) == self.n
            seen = int(fresh[-1]) + 1 if full else len(block)
            failed += int((labels[:seen] < 0).sum())
            if full:
                return right, start + seen - failed, failed
        return right, len(rows) - failed, failed


def _ask_again(app: Application, task: Task, right: Ints) -> tuple[Ints, Repetition]:
    """Ask a second time about inputs `(n,)` of the holdout that were answered correctly.

    Where some are now answered otherwise, the application answers at random to a degree: those
    are kept that a majority of further answers classifies correctly, and the game asks as often
    about everything that is submitted. Returns the inputs, and how often it asks.
    """
    holdout, rows = app.data.holdout, np.arange(len(right))
    goal = build_goal(app, task, holdout.y[right])
    never = np.zeros(len(right), dtype=bool)
    repetition = observe_repetition(app, holdout.x[right], goal, rows, never)
    if repetition.asks == 1:
        return right, repetition
    wrong = reached_by_majority(app, holdout.x[right], goal, rows, repetition, "before")
    return right[~wrong], repetition


def _is_eligible(app: Application, task: Task, data: Data) -> Bools:
    """Return which records `(n,)` a task attacks; those that break a relation are left out."""
    chosen = is_attacked(app, task, find_kind(app, task).target, data.y)
    if app.domain.kind == "table" and app.threats.table.relations:
        chosen &= find_intact(app, data.x)
    return chosen


def _unfit_constraint(app: Application, constraint: Constraint) -> Unfit | None:
    """Refuse limits within which nothing can be changed, and relations that do not hold."""
    if isinstance(constraint, EntryConstraint):
        if not constraint.parts:
            return Unfit("no entry of a row may be changed: all are immutable", proven=True)
        broken = explain_broken_relation(app)
        return Unfit(broken) if broken else None
    if isinstance(constraint, NormBall) and constraint.radius < constraint.grid.quantum:
        return Unfit(
            f"nothing can be changed {constraint.within}: the images have steps of "
            f"{constraint.grid.quantum:.3g}; give a larger radius"
        )
    return None


def _find_goal(app: Application, task: Task, data: Data) -> AdversarialGoal:
    """Return what a task wants for records, but for answers that depend on the model's scores."""
    goal, target = build_goal(app, task, data.y), find_kind(app, task).target
    return narrow_goal(app, goal, target, data.x) if target in app.classes else goal


def _find_commonest_class(wanted: Bools, y: Ints) -> int:
    """Return the commonest class among those that are wanted for some input."""
    counts = np.bincount(y, minlength=wanted.shape[1]) * wanted.any(axis=0)
    return int(counts.argmax())
