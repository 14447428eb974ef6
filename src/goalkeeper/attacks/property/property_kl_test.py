"""Infer the world of a model from the divergence of its answers from own models of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.property._own_models import ProbedModels, probe_models
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.property import PropertyInference, Worlds

MIN_PROBABILITY = 1e-4  # least probability; answers of exactly 0 would make a divergence infinite


@final
@dataclass(frozen=True, kw_only=True)
class PropertyKlTest(Attack[Worlds, Ints]):
    """Compare the divergence of a model's answers from own models of either world.

    The attacker trains `models` models, half of them in each world, and asks all models the same
    questions. World 1 is guessed where the mean over pairs (i, j) of KL(S0_i || T) -
    KL(S1_j || T) is above a threshold, S0 and S1 being own models of the two worlds, T the
    victim, and KL summed over the questions.

    Deviation from the paper: the threshold is not 0 but halfway between the medians of both
    worlds' own models, each left out of the comparison with itself; with few models this matters.
    """

    game: ClassVar = PropertyInference
    variant: ClassVar[str] = "property.black_box"
    reference: ClassVar[str] = (
        "Suri et al. 2023, Dissecting distribution inference, KL test; game of Suri and Evans 2022"
    )
    uses: ClassVar[Power] = Power(knowledge=Knowledge(algorithm=Grade.FULL))
    most: ClassVar[Budget] = Budget(queries=256, compute_h=1000.0)
    grows: ClassVar[Mapping[str, int]] = {"models": 24}
    models: int = 48

    def run(self, question: Worlds, access: Access) -> Ints:
        """Return the guessed world of every victim, `(victims,)`."""
        guess = np.zeros(len(access.victims()), dtype=np.int64)
        for round_ in probe_models(question, access, self.models):
            guess = guess_worlds(round_)
            access.checkpoint(guess)
        return guess


def guess_worlds(models: ProbedModels) -> Ints:
    """Guess the world of every victim, `(victims,)`."""
    attackers, victims = (
        np.maximum(scores, MIN_PROBABILITY) for scores in (models.attackers, models.victims)
    )
    zero, one = attackers[~models.world], attackers[models.world]
    left_out = np.empty(len(attackers))
    left_out[~models.world] = _leave_one_out(zero, one)
    left_out[models.world] = -_leave_one_out(one, zero)
    middle = np.median(left_out[~models.world]), np.median(left_out[models.world])
    nearer = _mean_divergence(zero, one, victims)
    return np.asarray(nearer > (middle[0] + middle[1]) / 2, dtype=np.int64)


def _mean_divergence(zero: Floats, one: Floats, victims: Floats) -> Floats:
    """Mean of KL(S0 || T) - KL(S1 || T) for every victim, `(victims,)`."""
    logs = np.log(victims)
    crossed = [np.einsum("qc,vqc->v", of_world.mean(axis=0), logs) for of_world in (zero, one)]
    inner = [(of_world * np.log(of_world)).sum() / len(of_world) for of_world in (zero, one)]
    return np.asarray((inner[0] - crossed[0]) - (inner[1] - crossed[1]))


def _leave_one_out(of_world: Floats, other: Floats) -> Floats:
    """Compare each own model with the others of its world and all of the other world."""
    return np.array(
        [
            _mean_divergence(np.delete(of_world, i, axis=0), other, of_world[i : i + 1])[0]
            for i in range(len(of_world))
        ]
    )
