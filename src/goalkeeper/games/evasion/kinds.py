"""What a kind of input may undergo: each way of changing it makes tasks of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Application, Target
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.threats import ANY_OTHER
from goalkeeper.games.evasion.parts import AdversarialGoal, Constraint


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class BackdoorSpec:
    """What a weakened application gives way to.

    limits: of the changes. wanted: the class it is made to give. attacked: which of the similar
    data `(rows,)` are of the kind to attack, and not of that class. inputs: the holdout that will
    be attacked, with the `goal` of each; least_likely: that goal is the answer which is least
    likely.
    """

    constraint: Constraint
    wanted: int
    attacked: Bools
    inputs: Data
    goal: AdversarialGoal
    least_likely: bool = False


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ConstraintKind:
    """One way in which inputs may be changed.

    Parameters
    ----------
    suffix
        Ends the names of its tasks: `-linf` makes `harmful-passes-linf`, and so on.
    how
        Ends the sentences of its tasks, e.g. "by changing few pixels"; may be empty.
    constraint
        Builds the limits of an application's inputs.
    weaken
        Builds a target that gives way to such changes, for the positive control.
    target
        The answer that is wanted, as in `ImageThreat`.
    known
        How many of the inputs under attack that target knows, and is attacked with, at most; None:
        it is a rule for all inputs.
    """

    suffix: str
    how: str
    constraint: Callable[[Application], Constraint]
    weaken: Callable[[Application, BackdoorSpec, np.random.Generator], Target]
    target: str = ANY_OTHER
    known: int | None = None
