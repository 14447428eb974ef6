"""Models of hidden kind: the game trains one for each guess, and counts which guesses are right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Application, Target
from goalkeeper.core.data import Data, Ints
from goalkeeper.core.domain import Domain, TextDomain
from goalkeeper.core.errors import DataError
from goalkeeper.core.evidence import AttackResult, Exhibit, Measurement, Status, Trial
from goalkeeper.games.base import Marking
from goalkeeper.games.shared.gains import Found, curve
from goalkeeper.stats import clopper_pearson
from goalkeeper.training import SklearnTrainer, build_encoder

FAMILY, STRENGTH = "model-family", "regularisation"
FAMILIES = ("linear", "naive Bayes", "tree", "nearest neighbours", "kernel", "network")
STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)
MOST_RECORDS = 300  # that a victim is trained on
FEWEST_RECORDS = 60


@dataclass(frozen=True, slots=True)
class Choices:
    """The question: of each victim, which of these it is.

    `records` is how many records each victim was trained on, which is public.
    """

    names: tuple[str, ...]
    records: int


Make = Callable[[str, int, np.random.Generator], "Target | None"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Peopled(Application):
    """An application with victims of its own: `make(task, option, rng)` builds each.

    Where it gives None, the victim is trained as always.
    """

    make: Make | None = field(default=None)


def peopled(app: Application, make: Make) -> Peopled:
    """Return the same application with victims that are built, not trained."""
    fields = {name: getattr(app, name) for name in Application.__dataclass_fields__}
    return Peopled(**fields, make=make)


def balanced(victims: int, options: int, rng: np.random.Generator) -> Ints:
    """Draw the hidden options `(victims,)`, each equally often as far as it can be."""
    return np.asarray(rng.permutation(np.arange(victims) % options), dtype=np.int64)


def records_of(app: Application) -> int:
    """Count the records that each victim is trained on: half of the training data, at most 300."""
    return min(MOST_RECORDS, len(app.data.train) // 2)


def of_kind(
    app: Application, task: str, hidden: Ints, rng: np.random.Generator
) -> tuple[Target, ...]:
    """Train each victim on records of its own choice, with an estimator of its hidden option."""
    return tuple(_victim(app, task, int(option), rng) for option in hidden)


def _victim(app: Application, task: str, option: int, rng: np.random.Generator) -> Target:
    if isinstance(app, Peopled) and app.make is not None:
        made = app.make(task, option, rng)
        if made is not None:
            return made
    return _fitted(app, app.data.train, _estimator(app, task, option, rng), rng)


def of_attackers_data(app: Application) -> Make:
    """Return what trains victims on the very data that the attacker trains its own models on."""
    return lambda task, option, rng: _fitted(
        app, app.data.similar, _estimator(app, task, option, rng), rng
    )


def _fitted(app: Application, data: Data, estimator: Any, rng: np.random.Generator) -> Target:
    trainer = SklearnTrainer(estimator, app.classes, app.domain)
    return trainer.fit(some(data, records_of(app), rng), int(rng.integers(2**31)))


def _estimator(app: Application, task: str, option: int, rng: np.random.Generator) -> Any:
    if task == FAMILY:
        return of_family(option, app.domain, rng)
    return logistic(STRENGTHS[option], app.domain)


def some(data: Data, size: int, rng: np.random.Generator) -> Data:
    """Draw records without replacement, with a few of every class that there is."""
    order = rng.permutation(len(data))
    first = [np.flatnonzero(data.y[order] == label)[:3] for label in np.unique(data.y)]
    must = np.concatenate(first)
    rest = np.setdiff1d(np.arange(len(order)), must)[: max(0, size - len(must))]
    rows = np.concatenate([must, rest])
    return Data(x=data.x[order[rows]], y=data.y[order[rows]])


# ---- what a victim is -------------------------------------------------------------------------


def of_family(option: int, domain: Domain, rng: np.random.Generator) -> Any:
    """Build an estimator of a family for tables, with settings drawn within what is usual."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    strength = float(10 ** rng.uniform(-1, 1))
    models = (
        lambda: LogisticRegression(C=strength, max_iter=500),
        GaussianNB,
        lambda: DecisionTreeClassifier(max_depth=int(rng.integers(4, 9)), min_samples_leaf=3),
        lambda: KNeighborsClassifier(n_neighbors=int(rng.choice([3, 5, 7, 9, 11]))),
        lambda: SVC(C=strength),
        lambda: MLPClassifier((int(rng.choice([8, 16, 32])),), solver="lbfgs", max_iter=60),
    )
    return make_pipeline(build_encoder(domain), models[option]())


def logistic(strength: float, domain: Domain) -> Any:
    """Build the usual logistic regression: on tf-idf of words, or on one-hot and scaled columns."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    front = TfidfVectorizer() if isinstance(domain, TextDomain) else build_encoder(domain)
    return make_pipeline(front, LogisticRegression(C=strength, max_iter=500))


# ---- marks ------------------------------------------------------------------------------------

Guessed = Marking[Any, Any, Any]


def guesses(marking: Guessed, what: str) -> AttackResult:
    """Count right guesses, beside always naming the option that is most frequent."""
    hidden: Ints = marking.dealt.secret
    names = marking.dealt.question.names
    points = _last_of_each(marking.answers)
    said = [_checked(point.answer, len(hidden), len(names)) for point in points]
    base = int(np.bincount(hidden).max())
    found = [Found(int((s == hidden).sum()), len(hidden), base, len(hidden)) for s in said]
    trials = [_trial(point, f) for point, f in zip(points, found, strict=True)]
    last, right = found[-1], said[-1] == hidden
    spent = int(points[-1].queries.max())
    return AttackResult(
        status=Status.TESTED,
        summary=f"after {spent:,} queries to each, the {what} of {last.successes} of {last.n} "
        f"models trained on this application's data is named rightly; guessing names {base}",
        measurements=(
            last.measured(marking.task.metric, "over naming the most frequent one"),
            *(_share(right[hidden == i], name, base / last.n) for i, name in enumerate(names)),
        ),
        trials=tuple(trials),
        curve=curve(trials),
        caveats=(
            "the models were trained by goalkeeper for this test; what the application itself is "
            "may be easier or harder to tell",
        ),
        exhibits=(_confused(hidden, said[-1], names),),
    )


def _last_of_each(answers: Sequence[Checkpoint]) -> list[Checkpoint]:
    last = {int(point.queries.max()): point for point in answers}
    return [last[spent] for spent in sorted(last)]


def _checked(answer: Any, victims: int, options: int) -> Ints:
    """Return the guesses `(victims,)` as whole numbers.

    Raises
    ------
    DataError
        The answer has another shape, or names an option that there is not.
    """
    said = np.asarray(answer)
    if said.shape != (victims,) or said.dtype.kind not in "iu":
        raise DataError(
            f"an answer must name one option for each of {victims} victims, this is "
            f"{said.dtype} of shape {said.shape}; return indices of the options (victims,)"
        )
    if len(said) and not 0 <= said.min() <= said.max() < options:
        raise DataError(f"an answer names options {said.min()} to {said.max()} of {options}")
    return said.astype(np.int64)


def _trial(point: Checkpoint, found: Found) -> Trial:
    spent = float(point.queries.max())
    return Trial(
        budget=spent,
        queries=spent,
        compute_h=point.cost.seconds / 3600,
        tally=found.tally,
    )


def _share(right: Any, name: str, baseline: float) -> Measurement:
    low, high = clopper_pearson(int(right.sum()), len(right))
    return Measurement(
        metric="named rightly",
        value=float(right.mean()),
        low=low,
        high=high,
        baseline=baseline,
        n=len(right),
        group=name,
    )


def _confused(hidden: Ints, said: Ints, names: Sequence[str]) -> Exhibit:
    """List what each kind was taken for."""
    lines = []
    for i, name in enumerate(names):
        counts = np.bincount(said[hidden == i], minlength=len(names))
        taken = ", ".join(f"{names[j]} {counts[j]}" for j in np.flatnonzero(counts).tolist())
        lines.append(f"{name}: {taken or 'none'}")
    return Exhibit(title="what each kind of model was taken for", after="; ".join(lines))
