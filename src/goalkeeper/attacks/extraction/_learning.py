"""Learn a substitute from answered inputs: the usual families, the best on answers held back."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.attacks.extraction._substitutes import ConstantSubstitute, choose_classes
from goalkeeper.core.application import Answers
from goalkeeper.core.data import Data, Floats, Inputs, Ints
from goalkeeper.core.domain import Domain, TextDomain
from goalkeeper.core.errors import DataError, NotGranted, TargetError
from goalkeeper.games.extraction import Substitute
from goalkeeper.training.families import as_rows, can_boost
from goalkeeper.training.lookalikes import build_encoder
from goalkeeper.training.own_models import OwnModels, enough_threads

MIN_ANSWERS = 60  # answers from which on a quarter is set aside to choose a model
TINY = 1e-12  # probabilities below count as this
STEEPEST = 6.0  # largest log-score, either way, that models other than linear ones learn
MOST_TRIED_ON = 800  # answers that every family is tried on
MOST_LEARNT = 20_000  # answers that a family learns from
PASSES = 200_000  # rows that a network sees in training, at most
# Columns that each split of a forest chooses among: a share, and the most. Of images more of them
# cost time in proportion, and make the trees more alike.
SPLIT_SHARE, MOST_SPLIT_COLUMNS = 0.33, 64


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
class ScoreSubstitute:
    """A fitted model of log-scores `(n, classes)`; the largest wins.

    Of two classes one number is learnt, towards class 1.
    """

    model: Any
    text: bool

    def predict(self, x: Inputs) -> Ints:
        """Return classes `(n,)`."""
        return choose_classes(self.margins(x))

    def margins(self, x: Inputs) -> Floats:
        """Return log-scores `(n, k)`; k = 1 is towards class 1."""
        values = np.asarray(self.model.predict(as_rows(x, text=self.text)), dtype=np.float64)
        return values.reshape(len(x), -1)

    def judge(self, x: Inputs) -> tuple[Ints, Floats]:
        """Return classes `(n,)` and log-scores `(n, k)`."""
        values = self.margins(x)
        return choose_classes(values), values


@dataclass(frozen=True, eq=False)
class VoteSubstitute:
    """The class that most copies give; of a tie, that of the first copy in it."""

    copies: Sequence[Substitute]

    def predict(self, x: Inputs) -> Ints:
        """Return classes `(n,)`."""
        votes = np.stack([copy.predict(x) for copy in self.copies])
        same = (votes[:, None] == votes[None]).sum(axis=1)
        return np.asarray(votes[same.argmax(axis=0), np.arange(len(x))])


def learn_substitute(
    answered: AnsweredInputs,
    models: OwnModels,
    rng: np.random.Generator,
    test: AnsweredInputs | None = None,
    also: AnsweredInputs | None = None,
) -> Substitute:
    """Fit the family that agrees most with a part set aside, or with `test`, to all answers.

    What `also` holds is learnt from too, but never set aside.
    """
    classes = np.unique(answered.labels)
    if len(classes) < 2:
        return ConstantSubstitute(int(classes[0]) if len(classes) else 0)
    seed = int(rng.integers(2**31))
    kinds = rank_kinds(answered, models, rng, test, also)
    return fit_kind(kinds[0], _join(answered, also), models, seed)


def rank_kinds(
    answered: AnsweredInputs,
    models: OwnModels,
    rng: np.random.Generator,
    test: AnsweredInputs | None = None,
    also: AnsweredInputs | None = None,
) -> Sequence[str]:
    """Order the kinds of models by how many answers set aside they get right, the best first."""
    kinds = list_kinds(models, len(answered.labels), scored=answered.logs is not None)
    order = rng.permutation(len(answered.labels))[:MOST_TRIED_ON]
    if test is None or not len(test.labels):
        if len(order) < MIN_ANSWERS:
            return kinds
        test, order = answered.take(order[: len(order) // 4]), order[len(order) // 4 :]
    part = answered.take(order)
    if len(np.unique(part.labels)) < 2:
        return kinds
    seed = int(rng.integers(2**31))
    right = [_count_right(k, _join(part, also), test, models, seed) for k in kinds]
    return [kinds[i] for i in np.argsort(-np.array(right), kind="stable")]


def _count_right(
    kind: str, answered: AnsweredInputs, test: AnsweredInputs, models: OwnModels, seed: int
) -> int:
    """Count the answers set aside that a kind gets right; -1 where it cannot be trained."""
    try:
        copy = fit_kind(kind, answered, models, seed, quick=True)
    except (DataError, TargetError):  # a recipe may refuse what is asked of it
        return -1
    return int((copy.predict(test.x) == test.labels).sum())


def list_kinds(models: OwnModels, answers: int, *, scored: bool) -> Sequence[str]:
    """List the kinds of models: of labels, and, where scores are seen, of scores."""
    labels = models.list_kinds(answers)
    if not scored:
        return labels
    return (*(f"{name} of scores" for name in _list_regressors(models.domain)), *labels)


def _list_regressors(domain: Domain) -> Sequence[str]:
    """List the families that learn scores of a domain."""
    if isinstance(domain, TextDomain):
        return ("words", "phrases")
    boosting = ("boosting",) if can_boost(domain) else ()
    return ("linear", "forest", *boosting, "network")


def fit_kind(
    kind: str, answered: AnsweredInputs, models: OwnModels, seed: int, *, quick: bool = False
) -> Substitute:
    """Fit a kind of model to answers of at least two classes; `quick`: to compare kinds."""
    if len(answered.labels) > MOST_LEARNT:
        rows = np.random.default_rng(seed).permutation(len(answered.labels))[:MOST_LEARNT]
        answered = answered.take(rows)
    if answered.logs is None or not kind.endswith(" of scores"):
        return models.fit(kind, Data(x=answered.x, y=answered.labels), quick=quick)
    family = kind.removesuffix(" of scores")
    with enough_threads(len(answered.labels)):
        return _fit_scores(family, answered.x, answered.logs, models.domain, seed)


def _fit_scores(
    family: str, x: Inputs, values: Floats, domain: Domain, seed: int
) -> ScoreSubstitute:
    """Fit a family to log-scores; of a forest, whose answers are means, to probabilities."""
    text, classes = isinstance(domain, TextDomain), values.shape[1]
    if family in ("boosting", "network"):
        values = np.clip(values, -STEEPEST, STEEPEST)
    elif family == "forest":
        values = np.exp(values)
        values = values / values.sum(axis=1, keepdims=True) - 1 / values.shape[1]
    if classes == 2:
        values = values[:, 1] - values[:, 0]
    rows = as_rows(x, text=text)
    model = _build_regressor(family, domain, values, seed)
    if family == "forest":
        share = min(SPLIT_SHARE, MOST_SPLIT_COLUMNS / rows.shape[1])
        model[-1].set_params(max_features=share)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nearly converged is good enough
        return ScoreSubstitute(model.fit(rows, values), text)


def _join(answered: AnsweredInputs, also: AnsweredInputs | None) -> AnsweredInputs:
    return answered.joined(also) if also is not None and len(also.labels) else answered


def _build_regressor(family: str, domain: Domain, values: Floats, seed: int) -> Any:
    from sklearn import ensemble, linear_model, multioutput, neural_network
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    match family:
        case "words":
            return make_pipeline(TfidfVectorizer(), linear_model.Ridge(alpha=0.05))
        case "phrases":
            words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
            return make_pipeline(words, linear_model.Ridge(alpha=0.05))
        case "linear":
            final: Any = linear_model.Ridge(alpha=1e-3)
        case "forest":
            final = ensemble.ExtraTreesRegressor(60, random_state=seed)
        case "boosting":
            final = ensemble.HistGradientBoostingRegressor(max_iter=200, random_state=seed)
            if values.ndim > 1:
                final = multioutput.MultiOutputRegressor(final)
        case _:
            epochs = int(np.clip(PASSES // len(values), 20, 300))
            network = neural_network.MLPRegressor(
                hidden_layer_sizes=(64,), max_iter=epochs, random_state=seed
            )
            final = TransformedTargetRegressor(network, transformer=StandardScaler())
    return make_pipeline(build_encoder(domain), final)
