"""Guess a hidden column from the values for which the target names the record's class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.attribute._asking import ask_in_rounds, impute_chances
from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats
from goalkeeper.core.power import Budget
from goalkeeper.games.attribute import AttributeInference, IncompleteRecords

CERTAIN_BONUS = 100.0  # what is added to the one value for which the target is right


@final
@dataclass(frozen=True, kw_only=True)
class AttributeFromLabels(Attack[IncompleteRecords, Floats]):
    """Choose the only value for which the target predicts the record's true class.

    Where the target is right for exactly one of the values, that value is the guess; where it is
    right for several or for none, labels say nothing and the attacker's own data decide.

    Deviation from the paper (LOMIA): the other cases go to the best imputer from the attacker's
    data, in place of a model trained on the records of the first case.
    """

    game: ClassVar = AttributeInference
    variant: ClassVar[str] = "attribute.label_based"
    reference: ClassVar[str] = (
        "Mehnaz et al. 2022, Are your sensitive attributes private?, LOMIA (section 4.2)"
    )
    most: ClassVar[Budget] = Budget(queries=64)

    def run(self, question: IncompleteRecords, access: Access) -> Floats:
        """Return a score for every record and value, `(n, values)`."""
        chances = impute_chances(question, access)
        n, y = len(question.records), question.records.y
        right = np.zeros(chances.shape, dtype=bool)
        found = chances
        for asked in ask_in_rounds(question, access, chances):
            for values, answers in asked:
                right[np.arange(n), values] |= answers.labels == y
            alone = right & (right.sum(axis=1, keepdims=True) == 1)
            found = chances + CERTAIN_BONUS * alone
            access.checkpoint(found)
        return found
