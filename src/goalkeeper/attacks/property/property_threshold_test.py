"""Infer the world of a model from how well it does on records with and without the property."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.property._own_models import ProbedModels, probe_models
from goalkeeper.attacks.property._thresholds import find_threshold
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Floats, Ints
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.property import PropertyInference, Worlds

MIN_PROBABILITY = 1e-4  # least probability in a loss


@final
@dataclass(frozen=True, kw_only=True)
class PropertyThresholdTest(Attack[Worlds, Ints]):
    """Apply a threshold to the accuracy or loss of a model on a set of records.

    The attacker trains `models` models, half of them in each world, and measures the accuracy
    and the loss of all on records with the property, on those without, and on all. The set,
    measure and threshold that separate its own models best are then used on the victims.

    Deviation from the paper: Suri and Evans use accuracy only; where scores are seen, the loss
    is more informative. Ties go to the measure whose two worlds lie further apart.
    """

    game: ClassVar = PropertyInference
    variant: ClassVar[str] = "property.black_box"
    reference: ClassVar[str] = (
        "Suri and Evans 2022, Formalizing and estimating distribution inference risks, threshold "
        "test (section 4.1)"
    )
    uses: ClassVar[Power] = Power(knowledge=Knowledge(algorithm=Grade.FULL))
    most: ClassVar[Budget] = Budget(queries=256, compute_h=1000.0)
    grows: ClassVar[Mapping[str, int]] = {"models": 24}
    models: int = 48

    def run(self, question: Worlds, access: Access) -> Ints:
        """Return the guessed world of every victim, `(victims,)`."""
        guess = np.zeros(len(access.victims()), dtype=np.int64)
        for round_ in probe_models(question, access, self.models):
            guess = guess_worlds(round_, question.holds(round_.records))
            access.checkpoint(guess)
        return guess


def guess_worlds(models: ProbedModels, has_property: Bools) -> Ints:
    """Guess the world of every victim `(victims,)`, by the measure that is best on own models."""
    best, found = (-1.0, -1.0), np.zeros(len(models.victims), dtype=np.int64)
    for rows in (has_property, ~has_property, np.ones(len(has_property), dtype=bool)):
        if not rows.any():
            continue
        y = models.records.y[rows]
        attackers, victims = (
            _measure_models(models.attackers[:, rows], y),
            _measure_models(models.victims[:, rows], y),
        )
        for of_attackers, of_victims in zip(attackers, victims, strict=True):
            threshold, sign, quality = find_threshold(of_attackers, models.world)
            if quality > best:
                best = quality
                found = (sign * (of_victims - threshold) > 0).astype(np.int64)
    return found


def _measure_models(scores: Floats, y: Ints) -> tuple[Floats, Floats]:
    """Accuracy and mean log score of the true class, each `(models,)`."""
    right = (scores.argmax(axis=2) == y).mean(axis=1)
    true_class = np.take_along_axis(scores, y[None, :, None], axis=2)[:, :, 0]
    return right, np.log(np.maximum(true_class, MIN_PROBABILITY)).mean(axis=1)
