"""Guess a hidden column without the model: the best of a few learners on the attacker's data."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Floats, Inputs, Ints, fingerprint
from goalkeeper.core.domain import Domain, TableDomain
from goalkeeper.games.attribute.columns import Attribute

FOLDS = 3  # of the cross-validation that chooses the learner
MIN_RECORDS_FOR_TREES = 500  # from which on boosted trees can beat a linear model
MAX_VALUES_FOR_TREES = 8  # up to which boosting, one tree a value and round, stays fast
MAX_CATEGORIES = 255  # beyond, boosted trees cannot separate them; then codes are numbers
UNSEEN_CHANCE = 1e-6  # of a value that was never seen: keeps its logarithm finite
Make = Callable[[], Any]


class Imputers:
    """Imputers for one application. The latest is kept: an attack and its game ask for the same."""

    def __init__(self, app: Application) -> None:
        self._domain, self._classes = app.domain, len(app.classes)
        self._latest: tuple[str, Imputer] | None = None

    def trained_on(self, data: Data, attribute: Attribute) -> Imputer:
        """Return the imputer of a column that these records give; same content, same imputer."""
        key = fingerprint(data.x, data.y, attribute.name, attribute.fills)
        if self._latest is None or self._latest[0] != key:
            self._latest = key, Imputer(data, attribute, self._domain, self._classes)
        return self._latest[1]


class Imputer:
    """Chances of every value of a hidden column, from the rest of a record and its class.

    The learner is chosen by cross-validated hit rate among the most frequent value, logistic
    regression (categories one-hot, numbers scaled) and, given enough records, boosted trees. Its
    random states are fixed: the same data give the same imputer, to an attack and to its game.

    Parameters
    ----------
    data
        Records in which the column is known.
    attribute
        The column.
    domain
        What the columns are.
    classes
        How many classes there are; a record's class is known and helps to guess.
    """

    def __init__(self, data: Data, attribute: Attribute, domain: Domain, classes: int) -> None:
        self._attribute, self._domain, self._classes = attribute, domain, classes
        truth = attribute.encode(data.x)
        data, truth = data.take(truth >= 0), truth[truth >= 0]
        rows = self._prepare_rows(data.x, data.y)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a learner short of its optimum is just a worse one
            self.learner, make = self._choose_learner(rows, truth)
            self._model = make().fit(rows, truth)

    def log_chances(self, records: Data) -> Floats:
        """Log of the chance of each value, `(n, values)`."""
        rows = self._prepare_rows(records.x, records.y)
        chances = np.full((len(rows), len(self._attribute.values)), UNSEEN_CHANCE)
        chances[:, self._model.classes_] += self._model.predict_proba(rows)
        return np.asarray(np.log(chances / chances.sum(axis=1, keepdims=True)))

    def _choose_learner(self, rows: Floats, truth: Ints) -> tuple[str, Make]:
        best = None
        for name, make in self._list_learners(len(rows)):
            rate = _cross_validate(make, rows, truth)
            if best is None or rate > best[0]:
                best = rate, name, make
        if best is None:
            raise ValueError("there is no learner to choose from")
        return best[1], best[2]

    def _prepare_rows(self, x: Inputs, y: Ints) -> Floats:
        """Leave the column out; append the class, one-hot, and where other values are missing."""
        rows, places = np.asarray(x, dtype=np.float64), list(self._attribute.places)
        gaps = np.isnan(np.delete(rows, places, axis=1))
        if isinstance(self._domain, TableDomain):
            gaps = gaps[:, np.delete(self._domain.missing, places)]
            rows = self._domain.filled(rows)
        rest = np.delete(rows, places, axis=1)
        return np.concatenate([rest, np.eye(self._classes)[y], gaps], axis=1)

    def _list_learners(self, records: int) -> Iterator[tuple[str, Make]]:
        """List what to try, the simplest first: it wins ties."""
        from sklearn.dummy import DummyClassifier

        yield "the most frequent value", lambda: DummyClassifier(strategy="prior")
        coded = self._find_coded()
        yield "logistic regression", lambda: _build_linear(coded)
        if records >= MIN_RECORDS_FOR_TREES and len(self._attribute.values) <= MAX_VALUES_FOR_TREES:
            yield "boosted trees", lambda: _build_boosted(coded)

    def _find_coded(self) -> list[int]:
        """Positions of the categories among the rows' columns."""
        if not isinstance(self._domain, TableDomain):
            return []
        hidden = set(self._attribute.places)
        rest = [c for j, c in enumerate(self._domain.columns) if j not in hidden]
        return [j for j, c in enumerate(rest) if 0 < len(c.categories) <= MAX_CATEGORIES - 1]


def _build_linear(coded: list[int]) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    if not coded:
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    onehot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    front = ColumnTransformer([("codes", onehot, coded)], remainder=StandardScaler())
    return make_pipeline(front, LogisticRegression(max_iter=300))


def _build_boosted(coded: list[int]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=60, categorical_features=coded or None, random_state=0
    )


def _cross_validate(make: Make, rows: Floats, truth: Ints) -> float:
    """Share of records whose value is guessed by learners that did not see them."""
    fold = np.random.default_rng(0).permutation(len(rows)) % FOLDS
    hits = 0
    for i in range(FOLDS):
        seen, unseen = fold != i, fold == i
        if len(np.unique(truth[seen])) < 2:
            hits += int((truth[unseen] == truth[seen][0]).sum()) if seen.any() else 0
            continue
        hits += int(
            (make().fit(rows[seen], truth[seen]).predict(rows[unseen]) == truth[unseen]).sum()
        )
    return hits / len(rows)
