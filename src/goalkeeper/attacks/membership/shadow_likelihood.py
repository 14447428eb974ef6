"""Tell members by a likelihood-ratio test against models trained with and without each record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, final

import numpy as np
from scipy.special import gammaln

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.membership._shadows import shadows
from goalkeeper.attacks.membership._signal import confidence
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Data, Floats
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.membership import Membership

PRIOR = 4.0  # weight of the pooled variance against each record's own, in models


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

    def play(self, question: Data, access: Access) -> Floats:
        """Return a log likelihood ratio a record, `(n,)`; earlier ones from fewer models."""
        n = len(question)
        answers = access.query(question.x, np.arange(n))
        target = confidence(answers.scores, question.y)
        ratio = np.zeros(n)
        for scores, member in shadows(question, access, self.models):
            shadow = confidence(scores, question.y)
            ratio = log_ratio(matched(target, shadow), shadow, member)
            access.checkpoint(ratio)
        return ratio


def matched(target: Floats, shadow: Floats) -> Floats:
    """Shift and scale the target's signals `(n,)` to the median and quartiles of the shadows'.

    A shadow recipe or training size that differs from the target's makes every confidence
    larger or smaller; without this, the difference would be taken for membership.
    """
    low, middle, high = np.quantile(target, [0.25, 0.5, 0.75])
    their_low, their_middle, their_high = np.quantile(shadow, [0.25, 0.5, 0.75])
    spread = high - low
    scale = (their_high - their_low) / spread if spread > 0 else 1.0
    return np.asarray(their_middle + (target - middle) * scale)


def log_ratio(target: Floats, shadow: Floats, member: Bools) -> Floats:
    """Compute the log likelihood ratio of member against stranger for every record.

    Beyond the mean of the models that saw a record, the ratio goes on rising as it does for
    equal variances: to be surer than those models is no evidence against membership.

    Parameters
    ----------
    target
        The target's signal `(n,)`.
    shadow, member
        Signals of the shadow models and whether each saw the record, both `(models, n)`.
    """
    inside, outside = _fitted(shadow, member), _fitted(shadow, ~member)
    gap = np.maximum(inside.mean - outside.mean, 0.0)
    beyond = np.where(gap > 0, np.maximum(target - inside.mean, 0.0), 0.0)
    capped = target - beyond
    rise = beyond * gap / np.maximum(inside.scale, outside.scale)
    return np.asarray(inside.log_density(capped) - outside.log_density(capped) + rise)


class _Law(NamedTuple):
    """A Student t law for every record: mean, squared scale, degrees of freedom, each `(n,)`."""

    mean: Floats
    scale: Floats
    freedom: Floats

    def log_density(self, x: Floats) -> Floats:
        z = (x - self.mean) ** 2 / self.scale
        return np.asarray(
            gammaln((self.freedom + 1) / 2)
            - gammaln(self.freedom / 2)
            - 0.5 * np.log(np.pi * self.freedom * self.scale)
            - (self.freedom + 1) / 2 * np.log1p(z / self.freedom)
        )


def _fitted(shadow: Floats, mask: Bools) -> _Law:
    """Fit the predictive law of the masked models, its variance shrunk to the pooled one."""
    n = mask.sum(axis=0)
    mean = np.where(mask, shadow, 0.0).sum(axis=0) / n
    square = np.where(mask, (shadow - mean) ** 2, 0.0).sum(axis=0)
    pooled = max(float(square.sum() / np.maximum(n - 1, 1).sum()), 1e-12)
    variance = (PRIOR * pooled + square) / (PRIOR + n - 1)
    return _Law(mean, variance * (1 + 1 / n), PRIOR + n - 1)
