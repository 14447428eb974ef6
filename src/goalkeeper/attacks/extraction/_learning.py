"""Learn a substitute from answered inputs: a few usual models, the best on answers set aside."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from goalkeeper.attacks.extraction._copies import Constant, decided
from goalkeeper.attacks.extraction._equations import Design
from goalkeeper.core.application import Answers
from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.errors import NotGranted
from goalkeeper.games.extraction import Substitute

ENOUGH = 60  # answers from which on a quarter is set aside to choose a model
TINY = 1e-12  # probabilities below count as this
TREES = 12


@dataclass(frozen=True, eq=False)
class Answered:
    """Inputs that were asked `(n, ...)`, their labels `(n,)`, and log-scores `(n, classes)`."""

    x: Inputs
    labels: Ints
    logs: Floats | None

    @staticmethod
    def of(x: Inputs, said: Answers) -> Answered:
        """Keep what the attacker sees of the answers."""
        try:
            logs = np.log(np.clip(said.scores, TINY, 1.0))
        except NotGranted:
            return Answered(x, said.labels, None)
        return Answered(x, said.labels, logs - logs.mean(axis=1, keepdims=True))

    def joined(self, other: Answered) -> Answered:
        """Append further answers."""
        logs = None
        if self.logs is not None and other.logs is not None:
            logs = np.concatenate([self.logs, other.logs])
        x, labels = np.concatenate([self.x, other.x]), np.concatenate([self.labels, other.labels])
        return Answered(x, labels, logs)

    def take(self, rows: Ints) -> Answered:
        """Keep some rows."""
        return Answered(
            self.x[rows], self.labels[rows], None if self.logs is None else self.logs[rows]
        )


@dataclass(frozen=True, eq=False)
class Classifier:
    """A fitted model that gives classes."""

    model: Any
    prepare: Callable[[Inputs], Any]

    def predict(self, x: Inputs) -> Ints:
        """Return classes `(n,)`."""
        return np.asarray(self.model.predict(self.prepare(x)), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Regressor:
    """A fitted model of log-scores; the largest wins."""

    model: Any
    prepare: Callable[[Inputs], Any]

    def predict(self, x: Inputs) -> Ints:
        """Return classes `(n,)`."""
        values = np.asarray(self.model.predict(self.prepare(x)))
        return decided(values.reshape(len(x), -1))


def learnt(
    answered: Answered, domain: Domain, rng: np.random.Generator, more: Answered | None = None
) -> Substitute:
    """Fit each usual model to three quarters of the answers, and the best of them to all.

    What `more` holds is learnt from too, but never set aside.
    """
    prepare = partial(_prepared, domain)
    classes = np.unique(answered.labels)
    if len(classes) < 2:
        return Constant(int(classes[0]) if len(classes) else 0)
    kinds = _kinds(domain, scored=answered.logs is not None)
    seed = int(rng.integers(2**31))
    best = kinds[0]
    order = rng.permutation(len(answered.labels))
    test, rest = order[: len(order) // 4], order[len(order) // 4 :]
    if len(order) >= ENOUGH and len(np.unique(answered.labels[rest])) > 1:
        part, kept = _with(answered.take(rest), more), answered.take(test)
        tried = [_fit(kind, part, prepare, seed) for kind in kinds]
        right = [int((copy.predict(kept.x) == kept.labels).sum()) for copy in tried]
        best = kinds[int(np.argmax(right))]
    return _fit(best, _with(answered, more), prepare, seed)


def _with(answered: Answered, more: Answered | None) -> Answered:
    return answered.joined(more) if more is not None and len(more.labels) else answered


def _fit(kind: str, answered: Answered, prepare: Callable[[Inputs], Any], seed: int) -> Substitute:
    from sklearn.exceptions import ConvergenceWarning

    model = _model(kind, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # nearly converged is good enough
        if kind.endswith("of scores"):
            return Regressor(model.fit(prepare(answered.x), answered.logs), prepare)
        return Classifier(model.fit(prepare(answered.x), answered.labels), prepare)


def _kinds(domain: Domain, *, scored: bool) -> Sequence[str]:
    if isinstance(domain, TextDomain):
        labels = ("words", "word counts")
        return ("words of scores", "word counts of scores", *labels) if scored else labels
    labels = ("linear", "trees")
    return ("linear of scores", "trees of scores", *labels) if scored else labels


def _model(kind: str, seed: int) -> Any:
    from sklearn import ensemble, linear_model, naive_bayes
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    match kind:
        case "words":
            final = linear_model.LogisticRegression(C=10, tol=1e-5, max_iter=300)
            return make_pipeline(TfidfVectorizer(), final)
        case "word counts":
            return make_pipeline(CountVectorizer(), naive_bayes.MultinomialNB())
        case "words of scores":
            return make_pipeline(TfidfVectorizer(), linear_model.Ridge(alpha=0.05))
        case "word counts of scores":
            return make_pipeline(CountVectorizer(), linear_model.Ridge(alpha=0.5))
        case "linear":
            final = linear_model.LogisticRegression(C=100, tol=1e-4, max_iter=300)
            return make_pipeline(StandardScaler(), final)
        case "linear of scores":
            return make_pipeline(StandardScaler(), linear_model.Ridge(alpha=1e-3))
        case "trees":
            return ensemble.ExtraTreesClassifier(TREES, random_state=seed)
        case _:
            return ensemble.ExtraTreesRegressor(TREES, random_state=seed)


def _prepared(domain: Domain, x: Inputs) -> Any:
    if isinstance(domain, TextDomain):
        return x
    rows = np.asarray(x, dtype=np.float64).reshape(len(x), -1)
    return Design.of(domain).features(rows) if isinstance(domain, TableDomain) else rows


# ---- inputs made from one's own ----------------------------------------------------------------


def blends(x: Inputs, n: int, domain: Domain, rng: np.random.Generator) -> Inputs:
    """Make `n` new valid inputs, each of parts of two of one's own inputs `x`."""
    one, two = rng.integers(0, len(x), n), rng.integers(0, len(x), n)
    if isinstance(domain, TextDomain):
        out = np.empty(n, dtype=object)
        out[:] = [_halves(x[i], x[j])[: domain.max_chars] for i, j in zip(one, two, strict=True)]
        return out
    rows = np.asarray(x, dtype=np.float64)
    swap = rng.random(rows[one].shape) < 0.5
    if isinstance(domain, TableDomain):
        for group in domain.one_hot:
            swap[:, list(group)] = swap[:, [group[0]]]
    return np.asarray(np.where(swap, rows[two], rows[one]))


def _halves(one: str, two: str) -> str:
    left, right = one.split(), two.split()
    return " ".join(left[: (len(left) + 1) // 2] + right[len(right) // 2 :])
