"""Infer the world of a model from its parameters and scores, by own models of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.property._own_models import train_own_models
from goalkeeper.core.access import Access
from goalkeeper.core.application import Ensemble
from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.errors import NotGranted, NotOffered
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.property import PropertyInference, Worlds

QUESTIONS = 128  # own records whose scores are looked at
KEPT = 32  # features that separate own models best
MIN_PROBABILITY = 1e-4  # least probability in a logarithm


@final
@dataclass(frozen=True, kw_only=True)
class PropertyFromParameters(Attack[Worlds, Ints]):
    """Train a linear discriminant on what own models of both worlds hold and answer.

    The attacker trains `models` models, half of them in each world. Of these and of the victims
    it reads all parameters that every model has in the same shape, and the log-scores for own
    records. The 32 of these numbers that separate its own models best go into a discriminant with
    a variance of its own for each, with which the victims' worlds are guessed.

    Settings
    --------
    models
        Own models, half of them in each world.

    Deviations from the paper: a diagonal discriminant takes the place of a support vector machine,
    and scores stand beside parameters, so that models whose parameters cannot be read, or have no
    common shape, are attacked as well.
    """

    game: ClassVar = PropertyInference
    variant: ClassVar[str] = "property.white_box"
    reference: ClassVar[str] = (
        "Ateniese et al. 2015, Hacking smart machines with smarter ones, section 3 "
        "(meta-classifier on parameters)"
    )
    uses: ClassVar[Power] = Power(knowledge=Knowledge(algorithm=Grade.FULL))
    most: ClassVar[Budget] = Budget(compute_h=1000.0)  # it asks its own copies
    grows: ClassVar[Mapping[str, int]] = {"models": 24}
    models: int = 48

    def run(self, question: Worlds, access: Access) -> Ints:
        """Return the guessed world of every victim, `(victims,)`."""
        models = train_own_models(question, access, self.models)
        ensemble, world = models.ensemble, models.world
        doors, x = access.victims(), models.questions.x[:QUESTIONS]
        own = [_read(lambda i=i: ensemble.target(i).parameters()) for i in range(self.models)]
        others = [_read(door.parameters) for door in doors]
        same = len({numbers.shape for numbers in (*own, *others)}) == 1
        parts = [_read_answers(ensemble, doors, x, len(access.classes))]
        if same:
            parts.append((np.array(own), np.array(others)))
        mine, theirs = (np.hstack(side) for side in zip(*parts, strict=True))
        return guess_worlds(mine, world, theirs)


def guess_worlds(own: Floats, world: Bools, victims: Floats) -> Ints:
    """Guess worlds `(victims,)` from features of own models `(models, f)` and victims."""
    zero, one = own[~world], own[world]
    gap = one.mean(axis=0) - zero.mean(axis=0)
    variance = (zero.var(axis=0, ddof=1) + one.var(axis=0, ddof=1)) / 2
    # Features have units of their own; a part of each one's whole variance keeps it from 0.
    variance = variance + 0.01 * own.var(axis=0) + 1e-12
    best = np.argsort(-(gap**2) / variance, kind="stable")[:KEPT]
    middle = (one.mean(axis=0) + zero.mean(axis=0))[best] / 2
    score = ((victims[:, best] - middle) * (gap / variance)[best]).sum(axis=1)
    return np.asarray(score > 0, dtype=np.int64)


def _read_answers(
    ensemble: Ensemble, doors: Sequence[Access], x: Inputs, classes: int
) -> tuple[Floats, Floats]:
    """Read what own models and victims answer `(models, q * classes)`; labels without scores."""
    answers = [door.query(x) for door in doors]
    try:
        theirs = [_logs(one.scores) for one in answers]
    except NotGranted:
        codes = np.eye(classes)
        theirs = [codes[one.labels].ravel() for one in answers]
        return codes[ensemble.labels(x)].reshape(len(ensemble), -1), np.array(theirs)
    return np.array([_logs(one) for one in ensemble.scores(x)]), np.array(theirs)


def _read(parameters: Any) -> Floats:
    """Return all numbers of parameters as one row; empty where they cannot be read."""
    try:
        found: Mapping[str, Any] = parameters()
    except NotOffered:
        return np.zeros(0)
    arrays = [np.asarray(found[name]) for name in sorted(found)]
    numbers = [a.ravel().astype(np.float64) for a in arrays if a.dtype.kind in "fiu"]
    row = np.concatenate([np.zeros(0), *numbers])
    return np.asarray(np.nan_to_num(row, posinf=0.0, neginf=0.0))


def _logs(scores: Floats) -> Floats:
    """Log-scores of the questions as one row."""
    return np.asarray(np.log(np.maximum(scores, MIN_PROBABILITY)).ravel())
