"""Guess a hidden column by how sure the target is of the record's class for each value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.attribute._asking import ask_in_rounds, impute_chances
from goalkeeper.attacks.attribute._signals import combine_chances, log_odds
from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats
from goalkeeper.core.power import Budget
from goalkeeper.games.attribute import AttributeInference, IncompleteRecords


@final
@dataclass(frozen=True, kw_only=True)
class AttributeFromScores(Attack[IncompleteRecords, Floats]):
    """Choose the value that is likely a priori and makes the target confident of the class.

    The score of value v is log P(v | rest, class) + weight * phi(v): the first term is imputation
    from the attacker's own data, phi the log-odds that the target gives the record's true class
    when v is filled in. A target that remembers its records is surer of them with their own
    values. Where several candidates stand for one value (ranges of numbers), the best counts.

    Deviations from the papers: Fredrikson et al. multiply by the marginal chance of v and Yeom et
    al. by a normal law of the loss; the imputer's chance (Jayaraman and Evans 2022) is stronger
    than the first, and log-odds need no training loss to be known.
    """

    game: ClassVar = AttributeInference
    variant: ClassVar[str] = "attribute.score_based"
    reference: ClassVar[str] = (
        "Yeom et al. 2018, Privacy risk in machine learning, Adversary 5, after Fredrikson et al. "
        "2014; combined with imputation as in Jayaraman and Evans 2022"
    )
    most: ClassVar[Budget] = Budget(queries=64)
    weight: float = 1.0

    def run(self, question: IncompleteRecords, access: Access) -> Floats:
        """Return a score for every record and value, `(n, values)`."""
        chances = impute_chances(question, access)
        n, y = len(question.records), question.records.y
        best = np.full(chances.shape, -np.inf)
        found = chances
        for asked in ask_in_rounds(question, access, chances):
            for values, answers in asked:
                surer = np.maximum(best[np.arange(n), values], log_odds(answers.scores, y))
                best[np.arange(n), values] = surer
            found = combine_chances(chances, best, self.weight)
            access.checkpoint(found)
        return found
