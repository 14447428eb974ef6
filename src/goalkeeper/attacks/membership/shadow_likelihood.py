"""Distinguish members by a likelihood-ratio test against shadow models with and without each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.attacks.membership._shadows import refuse_without_recipe, train_shadows
from goalkeeper.attacks.membership._signal import logit_confidence
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Floats
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.membership import Membership
from goalkeeper.stats import student_ratio


@final
@dataclass(frozen=True, kw_only=True)
class ShadowLikelihood(Attack[Data, Floats]):
    """Compare the target with shadow models that saw each record and with others that did not.

    `models` shadow models are trained on random halves of the attacker's similar data and the
    candidate records, every record in exactly half of them. The target's confidence in a record
    is then tested against a Student t law fitted to the models with it, and one fitted to the
    models without it. One query a record; the cost is training.

    Deviations from the paper (online LiRA): variances are shrunk towards the pooled ones of
    models with and models without, apart, and predictive t laws replace normal ones; with few
    shadow models this is much stronger.
    """

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.shadow"
    reference: ClassVar[str] = (
        "Carlini et al. 2022, Membership inference attacks from first principles, Algorithm 1"
    )
    uses: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.FULL, algorithm=Grade.FULL))
    most: ClassVar[Budget] = Budget(queries=1, compute_h=1000.0)
    grows: ClassVar[Mapping[str, int]] = {"models": 16}
    models: int = 64

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse an application without a recipe."""
        return refuse_without_recipe(app)

    def run(self, question: Data, access: Access) -> Floats:
        """Return a log likelihood ratio a record, `(n,)`; earlier ones from fewer models."""
        n = len(question)
        answers = access.query(question.x, np.arange(n))
        target = logit_confidence(answers.scores, question.y)
        ratio = np.zeros(n)
        for shadow, member in train_shadows(question, access, self.models, logit_confidence):
            ratio = student_ratio(shadow, member, target=match_quartiles(target, shadow))
            access.checkpoint(ratio)
        return ratio


def match_quartiles(target: Floats, shadow: Floats) -> Floats:
    """Shift and scale the target's signals `(n,)` to the median and quartiles of the shadows'.

    A shadow recipe or training size that differs from the target's makes every confidence
    larger or smaller; without this, the difference would be taken for membership.
    """
    low, middle, high = np.quantile(target, [0.25, 0.5, 0.75])
    their_low, their_middle, their_high = np.quantile(shadow, [0.25, 0.5, 0.75])
    spread = high - low
    scale = (their_high - their_low) / spread if spread > 0 else 1.0
    return np.asarray(their_middle + (target - middle) * scale)
