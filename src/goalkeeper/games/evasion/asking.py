"""What the application answers: asked once, or several times where its answers vary."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application, Target
from goalkeeper.core.asking import again, answer_each
from goalkeeper.core.data import Bools, Inputs, Ints
from goalkeeper.core.power import View
from goalkeeper.games.evasion.parts import AdversarialGoal, Repetition

BATCH_SIZE = 500  # inputs that the game sends at once

# Questions about one input of an application that answers the same input differently. Odd, so
# that there is always a majority; with nine, an input that is misread one time in ten is taken
# for misread by a majority with a probability below 0.001.
REPEATS = 9
ALONE = 10  # inputs that are also asked alone
COPIES, TRIED = 8, 3  # of an input in one batch, and such inputs, to see whether copies differ


def query_labels(app: Application, x: Inputs) -> Ints:
    """Return the labels of inputs `(m, ...)`, in batches; this costs the attacker nothing.

    An input on which the application fails gets -1.
    """
    return _ask(app.target, x, BATCH_SIZE)


def _ask(target: Target, x: Inputs, size: int) -> Ints:
    out = np.full(len(x), -1, dtype=np.int64)
    for i in range(0, len(x), size):
        answers, answered = answer_each(target, x[i : i + size], View.LABELS)
        out[i + np.flatnonzero(answered)] = answers.labels
    return out


def observe_repetition(
    app: Application, x: Inputs, goal: AdversarialGoal, rows: Ints, reached: Bools
) -> Repetition:
    """Ask once more about inputs `(m, ...)`; `reached` is which had the goal of their `rows`.

    Where that changes, the application answers at random to a degree. Some are also asked alone,
    twice: where chance is drawn once for a batch, one more batch may show nothing of it.
    """
    now = goal.reached(_ask(again(app.target, "once more"), x, BATCH_SIZE), rows)
    few = x[:ALONE]
    one, two = (_ask(again(app.target, f"alone {k}"), few, 1) for k in range(2))
    changed = now != reached
    changed[: len(few)] |= one != two
    if not changed.any():
        return Repetition()
    tried = np.repeat(x[changed][:TRIED], COPIES, axis=0)
    for k in range(REPEATS):
        labels = _ask(again(app.target, f"copies {k}"), tried, BATCH_SIZE).reshape(-1, COPIES)
        if (labels != labels[:, :1]).any():
            return Repetition(asks=REPEATS)
    return Repetition(asks=REPEATS, alone=True)


def reached_by_majority(
    app: Application,
    x: Inputs,
    goal: AdversarialGoal,
    rows: Ints,
    repetition: Repetition,
    occasion: str = "",
) -> Bools:
    """Return which inputs `(m, ...)` reach the goal of their `rows` `(m,)` in most of the answers.

    What varies from one answer to the next is not an attack's doing. An input is asked until a
    majority is certain. `occasion` names what it is asked for: answers of another are not reused.
    """
    if repetition.asks == 1:
        return goal.reached(query_labels(app, x), rows)
    most = repetition.majority
    votes = np.zeros(len(x), dtype=np.int64)
    for k in range(repetition.asks):
        left = np.flatnonzero((votes < most) & (k - votes < most))
        votes[left] += _vote(app, x[left], goal, rows[left], repetition, f"{occasion} {k}")
    return np.asarray(votes >= most, dtype=bool)


def count_votes(
    app: Application, x: Inputs, goal: AdversarialGoal, rows: Ints, repetition: Repetition
) -> Ints:
    """Count the answers about each input `(m, ...)` that reach the goal, `(m,)`, of `asks`."""
    votes = np.zeros(len(x), dtype=np.int64)
    for k in range(repetition.asks):
        votes += _vote(app, x, goal, rows, repetition, f"chosen {k}")
    return votes


def _vote(
    app: Application, x: Inputs, goal: AdversarialGoal, rows: Ints, how: Repetition, occasion: str
) -> Ints:
    labels = _ask(again(app.target, occasion), x, 1 if how.alone else BATCH_SIZE)
    return goal.reached(labels, rows).astype(np.int64)
