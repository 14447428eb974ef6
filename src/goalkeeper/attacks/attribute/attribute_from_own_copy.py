"""Learn from own records what a copy of the model answers for each value of a hidden column."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.attribute._signals import combine_chances, log_odds
from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.application import Answers
from goalkeeper.core.data import Data, Floats, Ints
from goalkeeper.core.errors import NotGranted
from goalkeeper.core.power import Budget
from goalkeeper.games.attribute import AttributeInference, IncompleteRecords

MOST_CANDIDATES = 64  # values that are filled in
MOST_RECORDS = 2000  # own ones that the answers are learnt from
LABEL_LOG_ODDS = 2.0  # that a label stands for where no score is given
MIN_CHANCE = 1e-6  # of a value that was never seen: keeps its logarithm finite


@final
@dataclass(frozen=True, kw_only=True)
class AttributeFromOwnCopy(Attack[IncompleteRecords, Floats]):
    """Fit a logistic regression to answers for all values of records whose value is known.

    Half of the attacker's own records train the imputer. For the others, the copy of the model is
    asked about every value; a logistic regression learns from these log-odds of the true class,
    and from what the imputer says, which value each record has. Applied to the hidden values,
    it gives chances, to which the log-odds are added as a memorised record shows
    them.

    Settings
    --------
    weight
        How much the log-odds of the answers count beside the chances.

    Deviations from the paper: log-odds of the answers take the place of single neurons, so that
    models without neurons are attacked as well.
    """

    game: ClassVar = AttributeInference
    variant: ClassVar[str] = "attribute.white_box"
    reference: ClassVar[str] = (
        "Jayaraman and Evans 2022, Are attribute inference attacks just imputation?, white-box "
        "attack"
    )
    domains: ClassVar[frozenset[str]] = frozenset({"table"})
    most: ClassVar[Budget] = Budget(compute_h=10.0)  # it asks its own copy
    weight: float = 1.0

    def run(self, question: IncompleteRecords, access: Access) -> Floats:
        """Return a score for every record and value, `(n, values)`."""
        own, truth = _known_records(question, access)
        half = len(own) // 2
        imputer = question.imputers.trained_on(own.take(slice(0, half)), question.attribute)
        learnt = own.take(slice(half, half + MOST_RECORDS))
        features = [
            (imputer.log_chances(records), self._ask(question, records, access))
            for records in (learnt, question.records)
        ]
        chances = _learn(features, truth[half : half + MOST_RECORDS])
        return combine_chances(chances, features[1][1], self.weight)

    def _ask(self, question: IncompleteRecords, records: Data, access: Access) -> Floats:
        """Return the best log-odds of the true class for each value, `(n, values)`."""
        attribute, n = question.attribute, len(records)
        best = np.full((n, len(attribute.values)), -np.inf)
        for candidate in range(min(len(attribute.fills), MOST_CANDIDATES)):
            x = attribute.fill_in(records.x, np.full(n, candidate))
            value = attribute.value_of[candidate]
            found = _measure_signal(access.query(x), records.y)
            best[:, value] = np.maximum(best[:, value], found)
        return best


def _measure_signal(answers: Answers, y: Ints) -> Floats:
    """Log-odds of the true class `(n,)`; of a model that gives no scores, whether it is right."""
    try:
        return log_odds(answers.scores, y)
    except NotGranted:
        return np.where(answers.labels == y, LABEL_LOG_ODDS, -LABEL_LOG_ODDS)


def _known_records(question: IncompleteRecords, access: Access) -> tuple[Data, Ints]:
    """Return own records with their values `(n,)`, in random order."""
    data = access.data()
    truth = question.attribute.encode(data.x)
    rows = access.rng.permutation(np.flatnonzero(truth >= 0))
    return data.take(rows), truth[rows]


def _learn(features: list[tuple[Floats, Floats]], truth: Ints) -> Floats:
    """Return log chances of each value `(n, values)` for the second of two sets of records."""
    from sklearn.linear_model import LogisticRegression

    imputed = features[1][0]
    if len(np.unique(truth)) < 2:
        return imputed
    rows = [np.hstack([np.maximum(c, -20.0), np.maximum(b, -20.0)]) for c, b in features]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # short of its optimum it is just a worse one
        model = LogisticRegression(max_iter=300).fit(rows[0], truth)
    chances = np.full(imputed.shape, MIN_CHANCE)
    chances[:, model.classes_] += model.predict_proba(rows[1])
    return np.asarray(np.log(chances / chances.sum(axis=1, keepdims=True)))
