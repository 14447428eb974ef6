"""Learn a substitute from answered inputs: a few usual models, the best on answers set aside."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from goalkeeper.attacks._row_design import RowDesign
from goalkeeper.attacks.extraction._substitutes import ConstantSubstitute, choose_classes
from goalkeeper.core.application import Answers
from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.errors import NotGranted
from goalkeeper.games.extraction import Substitute

MIN_ANSWERS = 60  # answers from which on a quarter is set aside to choose a model
TINY = 1e-12  # probabilities below count as this
TREES = 12


@dataclass(frozen=True, eq=False)
class AnsweredInputs:
    """Inputs that were asked `(n, ...)`, their labels `(n,)`, and log-scores `(n, classes)`."""

    x: Inputs
    labels: Ints
    logs: Floats | None

    @staticmethod
    def of(x: Inputs, answers: Answers) -> AnsweredInputs:
        """Keep what the attacker sees of the answers."""
        try:
            logs = np.log(np.clip(answers.scores, TINY, 1.0))
        except NotGranted:
            return AnsweredInputs(x, answers.labels, None)
        return AnsweredInputs(x, answers.labels, logs - logs.mean(axis=1, keepdims=True))

    def joined(self, other: AnsweredInputs) -> AnsweredInputs:
        """Append further answers."""
        logs = None
        if self.logs is not None and other.logs is not None:
            logs = np.concatenate([self.logs, other.logs])
        x, labels = np.concatenate([self.x, other.x]), np.concatenate([self.labels, other.labels])
        return AnsweredInputs(x, labels, logs)

    def take(self, rows: Ints) -> AnsweredInputs:
        """Keep some rows."""
        return AnsweredInputs(
            self.x[rows], self.labels[rows], None if self.logs is None else self.logs[rows]
        )


@dataclass(frozen=True, eq=False)
class ClassifierSubstitute:
    """A fitted model that gives classes."""

    model: Any
    prepare: Callable[[Inputs], Any]

    def predict(self, x: Inputs) -> Ints:
        """Return classes `(n,)`."""
        return np.asarray(self.model.predict(self.prepare(x)), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class ScoreSubstitute:
    """A fitted model of log-scores; the largest wins."""

    model: Any
    prepare: Callable[[Inputs], Any]

    def predict(self, x: Inputs) -> Ints:
        """Return classes `(n,)`."""
        values = np.asarray(self.model.predict(self.prepare(x)))
        return choose_classes(values.reshape(len(x), -1))


def learn_substitute(
    answered: AnsweredInputs,
    domain: Domain,
    rng: np.random.Generator,
    also: AnsweredInputs | None = None,
) -> Substitute:
    """Fit each usual model to three quarters of the answers, and the best of them to all.

    What `also` holds is learnt from too, but never set aside.
    """
    prepare = partial(_prepare, domain)
    classes = np.unique(answered.labels)
    if len(classes) < 2:
        return ConstantSubstitute(int(classes[0]) if len(classes) else 0)
    kinds = _list_kinds(domain, scored=answered.logs is not None)
    seed = int(rng.integers(2**31))
    best = kinds[0]
    order = rng.permutation(len(answered.labels))
    test, rest = order[: len(order) // 4], order[len(order) // 4 :]
    if len(order) >= MIN_ANSWERS and len(np.unique(answered.labels[rest])) > 1:
        part, kept = _join(answered.take(rest), also), answered.take(test)
        tried = [_fit(kind, part, prepare, seed) for kind in kinds]
        right = [int((copy.predict(kept.x) == kept.labels).sum()) for copy in tried]
        best = kinds[int(np.argmax(right))]
    return _fit(best, _join(answered, also), prepare, seed)


def _join(answered: AnsweredInputs, also: AnsweredInputs | None) -> AnsweredInputs:
    return answered.joined(also) if also is not None and len(also.labels) else answered


def _fit(
    kind: str, answered: AnsweredInputs, prepare: Callable[[Inputs], Any], seed: int
) -> Substitute:
    from sklearn.exceptions import ConvergenceWarning

    model = _build_model(kind, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # nearly converged is good enough
        if kind.endswith("of scores"):
            return ScoreSubstitute(model.fit(prepare(answered.x), answered.logs), prepare)
        return ClassifierSubstitute(model.fit(prepare(answered.x), answered.labels), prepare)


def _list_kinds(domain: Domain, *, scored: bool) -> Sequence[str]:
    if isinstance(domain, TextDomain):
        labels = ("words", "word counts")
        return ("words of scores", "word counts of scores", *labels) if scored else labels
    labels = ("linear", "trees")
    return ("linear of scores", "trees of scores", *labels) if scored else labels


def _build_model(kind: str, seed: int) -> Any:
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


def _prepare(domain: Domain, x: Inputs) -> Any:
    if isinstance(domain, TextDomain):
        return x
    rows = np.asarray(x, dtype=np.float64).reshape(len(x), -1)
    if not isinstance(domain, TableDomain):
        return rows
    known = RowDesign.of(domain).features(domain.filled(rows))
    return np.concatenate([known, domain.gaps(rows)], axis=1) if domain.missing.any() else known


# ---- inputs made from the attacker's own --------------------------------------------------------


def blend_inputs(x: Inputs, n: int, domain: Domain, rng: np.random.Generator) -> Inputs:
    """Make `n` new valid inputs, each of parts of two of the attacker's own inputs `x`."""
    one, two = rng.integers(0, len(x), n), rng.integers(0, len(x), n)
    if isinstance(domain, TextDomain):
        out = np.empty(n, dtype=object)
        out[:] = [
            _join_halves(x[i], x[j])[: domain.max_chars] for i, j in zip(one, two, strict=True)
        ]
        return out
    rows = np.asarray(x, dtype=np.float64)
    swap = rng.random(rows[one].shape) < 0.5
    if isinstance(domain, TableDomain):
        for group in domain.one_hot:
            swap[:, list(group)] = swap[:, [group[0]]]
    return np.asarray(np.where(swap, rows[two], rows[one]))


def _join_halves(one: str, two: str) -> str:
    left, right = one.split(), two.split()
    return " ".join(left[: (len(left) + 1) // 2] + right[len(right) // 2 :])
