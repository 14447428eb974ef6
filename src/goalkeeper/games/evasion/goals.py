"""What an evasion task wants: which answers, from which inputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Inputs, Ints
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.goals import Goal, Harm, IntegrityLevel
from goalkeeper.core.power import View
from goalkeeper.core.threats import ANY_OTHER, LEAST_LIKELY
from goalkeeper.games.base import Task
from goalkeeper.games.evasion.parts import AdversarialGoal

BATCH_SIZE = 500  # inputs that are sent at once
ON_DATA = Harm(Goal.INTEGRITY, IntegrityLevel.DATA)
PASSES = Task(
    name="harmful-passes",
    harms=(ON_DATA,),
    metric="success_rate",
    sentence="Change harmful inputs that are declined so that they pass as harmless.",
    writes="own",
)
DECLINED = Task(
    name="harmless-declined",
    harms=(Harm(Goal.AVAILABILITY),),
    metric="success_rate",
    sentence="Change harmless inputs that pass so that they are declined.",
    writes="others",
)
WRONG = Task(
    name="any-wrong",
    harms=(ON_DATA,),
    metric="success_rate",
    sentence="Change correctly classified inputs so that they are misclassified.",
    writes="own",
)


def list_bases(app: Application, target: str) -> tuple[Task, ...]:
    """List the tasks, without a kind of change, that can want an answer.

    Raises
    ------
    DescriptionError
        The answer is no class.
    """
    if target not in (ANY_OTHER, LEAST_LIKELY, *app.classes):
        raise DescriptionError(
            "the target of a threat to images is not one of the classes",
            key="threats.images",
            expected=f"{ANY_OTHER}, {LEAST_LIKELY}, or one of " + ", ".join(app.classes),
            given=target,
            advice="write the name of a class",
        )
    if app.harmless is None:
        return (WRONG,)
    if target in app.classes:
        return (PASSES,) if target == app.classes[app.harmless] else (DECLINED,)
    return PASSES, DECLINED


def has_base(task: Task, base: Task) -> bool:
    """Return whether a task has the goal of this base task, whatever the kind of change."""
    return task.name.startswith(base.name)


def find_base(task: Task) -> Task:
    """Return the base task of a task."""
    return next(base for base in (PASSES, DECLINED, WRONG) if has_base(task, base))


def describe_target(target: str) -> str:
    """Write a wanted answer as the end of a sentence; empty for any wrong one."""
    if target == ANY_OTHER:
        return ""
    return (
        f", as the {target.replace('-', ' ')} class" if target == LEAST_LIKELY else f", as {target}"
    )


def build_goal(app: Application, task: Task, y: Ints) -> AdversarialGoal:
    """Return which answers to inputs of the true classes `y` `(n,)` a task wants at all.

    An answer that is wanted is wrong; a threat with a target wants only one of these.
    """
    wanted = np.zeros((len(y), len(app.classes)), dtype=bool)
    if has_base(task, WRONG):
        wanted[:] = True
        wanted[np.arange(len(y)), y] = False
    else:
        wanted[:] = has_base(task, DECLINED)
        wanted[:, app.harmless] = has_base(task, PASSES)
    return AdversarialGoal(wanted)


def narrow_goal(app: Application, goal: AdversarialGoal, target: str, x: Inputs) -> AdversarialGoal:
    """Leave of the answers that are wanted for inputs `x` `(n, ...)` the one that is aimed at."""
    if target == ANY_OTHER:
        return goal
    chosen = np.zeros_like(goal.wanted)
    if target == LEAST_LIKELY:
        blocks = [x[i : i + BATCH_SIZE] for i in range(0, len(x), BATCH_SIZE)]
        scores = [app.target.answer(block, View.SCORES).scores for block in blocks]
        least = np.where(goal.wanted, np.concatenate(scores), np.inf).argmin(axis=1)
        chosen[np.arange(len(x)), least] = True
    else:
        chosen[:, app.classes.index(target)] = True
    return AdversarialGoal(goal.wanted & chosen)


def is_attacked(app: Application, task: Task, target: str, y: Ints) -> Bools:
    """Return which inputs of the true classes `y` `(n,)` a task attacks."""
    chosen = np.ones(len(y), dtype=bool)
    if not has_base(task, WRONG):
        chosen = np.asarray((y == app.harmless) == has_base(task, DECLINED))
    return chosen & (y != app.classes.index(target)) if target in app.classes else chosen


def name_after(base: Task, suffix: str, how: str, target: str) -> Task:
    """Return the task of reaching the goal of a base task by changes of one kind."""
    end = f"{', ' + how if how else ''}{describe_target(target)}"
    sentence = f"{base.sentence[:-1]}{end}." if end else base.sentence
    return replace(base, name=f"{base.name}{suffix}", sentence=sentence)
