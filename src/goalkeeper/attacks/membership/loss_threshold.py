"""Distinguish members by their loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.membership._signal import all_alike, logit_confidence
from goalkeeper.core.access import Access
from goalkeeper.core.data import Data, Floats
from goalkeeper.core.power import Budget
from goalkeeper.games.membership import Membership


@final
@dataclass(frozen=True, kw_only=True)
class LossThreshold(Attack[Data, Floats]):
    """Score each record by the target's confidence in its true class.

    Members tend to have a lower loss. One query a record; one threshold for all records, so its
    power at low false-positive rates is small. Deviation from the paper: the loss is put on the
    logit scale, which ranks records of a binary classifier as the loss does.
    """

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.threshold"
    reference: ClassVar[str] = "Yeom et al. 2018, Privacy risk in machine learning, Adversary 1"
    most: ClassVar[Budget] = Budget(queries=1)

    def run(self, question: Data, access: Access) -> Floats:
        """Return the confidence in each record's own class, `(n,)`."""
        answers = access.query(question.x, np.arange(len(question)))
        if all_alike(answers.scores):
            return np.zeros(len(question))
        return logit_confidence(answers.scores, question.y)
