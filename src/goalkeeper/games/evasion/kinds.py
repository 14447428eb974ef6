"""What a kind of input may undergo: each way of changing it makes tasks of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Application, Target
from goalkeeper.core.data import Bools
from goalkeeper.games.evasion.parts import Constraint


@dataclass(frozen=True, slots=True, kw_only=True)
class PerturbationSettings:
    """How far inputs may be changed; fields of the game, see there."""

    words: int
    edits: int
    linf: float | None
    l2: float | None
    pixels: int | None
    columns: int | None
    spread: float


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class BackdoorSpec:
    """What a weakened application gives way to.

    limits: of the changes. wanted: the class it is made to give. attacked: which of the similar
    data `(rows,)` are of the kind to attack, and not of that class. offset: how far beyond what is
    usual among these it gives way.
    """

    constraint: Constraint
    wanted: int
    attacked: Bools
    offset: float = 0.0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ConstraintKind:
    """One way in which inputs may be changed.

    Parameters
    ----------
    suffix
        Ends the names of its tasks: `-linf` makes `harmful-passes-linf`, and so on.
    how
        Ends the sentences of its tasks, e.g. "by changing few pixels"; may be empty.
    limits
        Builds the limits of an application's inputs.
    weaken
        Builds a target that gives way to such changes, for the positive control.
    """

    suffix: str
    how: str
    constraint: Callable[[Application, PerturbationSettings], Constraint]
    weaken: Callable[[Application, BackdoorSpec, np.random.Generator], Target]
