"""Distinguish members by how much likelier the target finds them than reference models do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.attacks.membership._shadows import ask_shadows, refuse_without_recipe
from goalkeeper.attacks.membership._signal import all_alike
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Floats, Ints
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.membership import Membership
from goalkeeper.stats import relative_likelihood

MIN_PROBABILITY = 1e-30


@final
@dataclass(frozen=True, kw_only=True)
class RelativeLikelihood(Attack[Data, Floats]):
    """Divide the target's probability of a record's class by its mean over reference models.

    Half of the reference models saw the record, so that the mean stands for the probability of
    its class under any model. One query a record, and as few as four trainings: far cheaper than
    fitting a law to every record, and nearly as strong while there are few models.

    Deviations from the paper: the ratio is not compared with that of other people's records. That
    comparison puts records of one target in the same order, and only makes thresholds
    comparable between targets; the game calibrates its thresholds itself.
    """

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.shadow"
    reference: ClassVar[str] = (
        "Zarifzadeh, Liu, Shokri 2024, Low-cost high-power membership inference attacks, equation 2"
    )
    uses: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.FULL, algorithm=Grade.FULL))
    most: ClassVar[Budget] = Budget(queries=1, compute_h=100.0)
    grows: ClassVar[Mapping[str, int]] = {"models": 4}
    models: int = 8

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse an application without a recipe."""
        return refuse_without_recipe(app)

    def run(self, question: Data, access: Access) -> Floats:
        """Return the logarithm of the ratio of each record, `(n,)`."""
        answers = access.query(question.x, np.arange(len(question)))
        if all_alike(answers.scores):
            return np.zeros(len(question))
        of_target = likelihood(answers.scores, question.y)
        ratio = np.zeros(len(question))
        for reference, member in ask_shadows(question, access, self.models, likelihood):
            ratio = np.log(relative_likelihood(reference, member, target=of_target))
            access.checkpoint(ratio)
        return np.asarray(ratio)


def likelihood(scores: Floats, y: Ints) -> Floats:
    """Take the probability of the class `y` `(n,)` from scores `(..., n, classes)`.

    Probabilities below 1e-30 count as that, so that the logarithm of a ratio stays finite.
    """
    index = np.broadcast_to(y, scores.shape[:-1])[..., None]
    true_class = np.take_along_axis(scores, index, axis=-1)[..., 0]
    return np.asarray(np.maximum(true_class, MIN_PROBABILITY))
