"""What the application answers: asked once, or several times where its answers vary."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.asking import answer_each
from goalkeeper.core.data import Bools, Inputs, Ints
from goalkeeper.core.power import View
from goalkeeper.games.evasion.parts import AdversarialGoal

BATCH_SIZE = 500  # inputs that the game sends at once

# Questions about one input of an application that answers the same input differently. Odd, so
# that there is always a majority; with nine, an input that is misread one time in ten is taken
# for misread by a majority with a probability below 0.001.
REPEATS = 9


def query_labels(app: Application, x: Inputs) -> Ints:
    """Return the labels of inputs `(m, ...)`, in batches; this costs the attacker nothing.

    An input on which the application fails gets -1.
    """
    out = np.full(len(x), -1, dtype=np.int64)
    for i in range(0, len(x), BATCH_SIZE):
        answers, answered = answer_each(app.target, x[i : i + BATCH_SIZE], View.LABELS)
        out[i + np.flatnonzero(answered)] = answers.labels
    return out


def reached_by_majority(
    app: Application, x: Inputs, goal: AdversarialGoal, rows: Ints, asks: int
) -> Bools:
    """Return which inputs `(m, ...)` reach the goal of their `rows` `(m,)` in most of the answers.

    Each is asked `asks` times; what varies from one answer to the next is not an attack's doing.
    """
    votes = sum(goal.reached(query_labels(app, x), rows).astype(int) for _ in range(asks))
    return np.asarray(2 * votes > asks, dtype=bool)
