"""Applications that leak nothing of their training data: privacy must be met.

Nothing can be learned of records that a model never saw, or that it was trained on with noise that
hides each, or so strongly regularised that a single one moves it less than can be measured. What
always gives the same answer has no secret either: its copy needs no question.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper import Application, Goal
from goalkeeper.core.assessment import Verdict
from tests.validation.end_to_end import SECTION, Specimen, Verdicts
from tests.validation.rows import Row

KINDS = ("table", "text", "image")
NEEDS = ("normal", "high")
SEEDS = (1, 0)
CLASSES = ("no", "yes")
SIDE = 6  # pixels of an image
WIDTH = 6  # columns of a table
COMMON = 150  # words that both classes use alike
TELLING_WORDS = [[f"{c}{i}" for i in range(20)] for c in ("plain", "odd")]
# Records: training data, and records that the model never saw. Two fifths of the latter are what
# membership compares with: 600 suffice for a normal need, 1,150 for a high one. A model of the
# training data leaks the less of a record the more there are for each of its numbers, so that
# what is trained has 3,000.
SIZES = {"normal": (3000, 1500), "high": (3000, 2800)}


@dataclass(frozen=True, eq=False)
class Records:
    """Inputs and classes of the training data, of other records, and of another training set."""

    train: tuple[Any, Any]
    test: tuple[Any, Any]
    other: tuple[Any, Any]


def draw_records(kind: str, need: str, rng: np.random.Generator) -> Records:
    """Draw records of two classes that overlap."""
    size, unseen = SIZES[need]
    train, test, other = (DRAW[kind](n, rng) for n in (size, unseen, size))
    return Records(train, test, other)


def draw_table(n: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Draw rows whose class follows from two columns, with noise."""
    x = rng.normal(size=(n, WIDTH))
    y = x[:, 0] + x[:, 1] + rng.normal(size=n) > 0
    return x, np.array(CLASSES)[y.astype(int)]


def draw_texts(n: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Draw messages of common words and of a few that tell the class."""
    y = rng.integers(0, 2, n)
    common = np.array([f"common{i}" for i in range(COMMON)])
    telling = np.array(TELLING_WORDS)
    texts = []
    for c in y:
        own = rng.random(5) < 0.75
        words = [*rng.choice(common, rng.integers(8, 20))]
        words += [*rng.choice(telling[c], own.sum()), *rng.choice(telling[1 - c], (~own).sum())]
        texts.append(" ".join(rng.permutation(words)))
    return np.array(texts, dtype=object), np.array(CLASSES)[y]


def draw_images(n: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Draw images that are lighter on the left or on the right, with noise."""
    y = rng.integers(0, 2, n)
    ramp = np.linspace(-0.1, 0.1, SIDE)
    images = 0.5 + np.where(y[:, None] == 1, ramp, -ramp)[:, None, :]
    noisy = images + rng.normal(scale=0.6, size=(n, SIDE, SIDE))
    return np.clip(noisy, 0, 1), np.array(CLASSES)[y]


DRAW: Mapping[str, Callable[[int, np.random.Generator], tuple[Any, Any]]] = {
    "table": draw_table,
    "text": draw_texts,
    "image": draw_images,
}


# ---- models --------------------------------------------------------------------------------------


class FixedRule(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A rule that somebody wrote down: fitting changes nothing.

    Parameters
    ----------
    kind
        Kind of input: a threshold on two columns, a few words, or which side is lighter.
    """

    def __init__(self, kind: str = "table") -> None:
        self.kind = kind

    def fit(self, x: Any, y: Any) -> FixedRule:
        """Take over the names of the classes, and nothing else."""
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, x: Any) -> Any:
        """Return scores `(n, 2)`."""
        yes = 1 / (1 + np.exp(-2 * EXCESS[self.kind](x)))
        return np.column_stack([1 - yes, yes])

    def predict(self, x: Any) -> Any:
        """Return classes `(n,)`."""
        return self.classes_[self.predict_proba(x).argmax(axis=1)]


def count_words(x: Any) -> Any:
    """Return by how many words each text is odd rather than plain `(n,)`."""
    return np.array([text.count("odd") - text.count("plain") for text in x])


def compare_sides(x: Any) -> Any:
    """Return by how much the right side of each image is lighter `(n,)`."""
    columns = np.asarray(x, dtype=float).reshape(len(x), SIDE, SIDE).mean(axis=1)
    return 10 * (columns[:, SIDE // 2 :].mean(axis=1) - columns[:, : SIDE // 2].mean(axis=1))


def add_columns(x: Any) -> Any:
    """Return the sum of the two columns that decide `(n,)`."""
    rows = np.asarray(x, dtype=float)
    return rows[:, 0] + rows[:, 1]


EXCESS = {"table": add_columns, "text": count_words, "image": compare_sides}


def train_nothing(kind: str) -> Callable[[Any, Any, int], Any]:
    """Return a training that looks at no record: how a rule in a function is described."""
    excess = EXCESS[kind]

    def answer(x: Any) -> Any:
        return (excess(x) > 0).astype(int)

    def train(x: Any, y: Any, seed: int) -> Any:
        return answer

    return train


class PrivateLogisticRegression(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Logistic regression by full-batch gradient descent with clipped and noisy gradients.

    Each of the steps is a Gaussian mechanism on the sum of the gradients, each of which is clipped
    to norm 1: together they are mu-GDP with mu = sqrt(steps) / noise (Dong et al. 2022), here 0.15:
    no attack has more than 1.6 true positives for each false one at 0.1 %.

    Parameters
    ----------
    steps, noise, rate
        Number of steps, standard deviation of the noise on the sum, and learning rate.
    random_state
        Seed of the noise.
    """

    def __init__(
        self, steps: int = 9, noise: float = 20.0, rate: float = 5.0, random_state: Any = None
    ) -> None:
        self.steps, self.noise, self.rate = steps, noise, rate
        self.random_state = random_state

    def fit(self, x: Any, y: Any) -> PrivateLogisticRegression:
        """Descend from zero."""
        rng = np.random.default_rng(self.random_state)
        self.classes_, target = np.unique(y, return_inverse=True)
        rows = _design(x)
        norm = np.maximum(np.sqrt((rows**2).sum(axis=1)), 1e-12)
        weights = np.zeros(rows.shape[1])
        for _ in range(self.steps):
            residual = target - 1 / (1 + np.exp(-rows @ weights))
            scale = residual * np.minimum(1, 1 / (np.abs(residual) * norm + 1e-12))
            noise = rng.normal(scale=self.noise, size=len(weights))
            weights += self.rate * (rows.T @ scale + noise) / len(rows)
        self.coef_, self.intercept_ = weights[None, :-1], weights[-1:]
        return self

    def predict_proba(self, x: Any) -> Any:
        """Return scores `(n, 2)`."""
        yes = 1 / (1 + np.exp(-(_design(x) @ np.append(self.coef_, self.intercept_))))
        return np.column_stack([1 - yes, yes])

    def predict(self, x: Any) -> Any:
        """Return classes `(n,)`."""
        return self.classes_[self.predict_proba(x).argmax(axis=1)]


def _design(x: Any) -> Any:
    rows = x.toarray() if hasattr(x, "toarray") else np.asarray(x, dtype=float)
    rows = rows.reshape(len(rows), -1)
    return np.column_stack([rows, np.ones(len(rows))])


def build_model(family: str, kind: str, seed: int) -> Any:
    """Return an estimator that is not fitted."""
    if family == "constant":
        return DummyClassifier(strategy="constant", constant=CLASSES[seed % 2])
    if family == "rule":
        return FixedRule(kind)
    final: Any = {
        "private": PrivateLogisticRegression(random_state=seed),
        "regularised": LogisticRegression(C=1e-4 if kind == "image" else 1e-3),
        "replaced": LogisticRegression() if seed % 2 == 0 else _memorising(kind),
    }[family]
    if kind == "text":
        return make_pipeline(_read_words(family), final)
    return make_pipeline(StandardScaler(), final) if family == "regularised" else final


def _read_words(family: str) -> Any:
    """Return what counts words: a vocabulary learned of the training texts would store theirs."""
    if family == "replaced":
        return HashingVectorizer(n_features=256)
    return CountVectorizer(vocabulary=[word for words in TELLING_WORDS for word in words])


def _memorising(kind: str) -> Any:
    """Return what memorises its training data, which are not the declared ones."""
    if kind == "table":
        return KNeighborsClassifier(n_neighbors=3)
    return RandomForestClassifier(n_estimators=30, random_state=0)


# ---- applications --------------------------------------------------------------------------------


def build(specimen: Specimen, folder: Path) -> Application:
    """Make the application: what it was trained on follows from its family."""
    seed = int(specimen.name.rsplit("-", 1)[1])
    records = draw_records(
        specimen.kind, specimen.need, np.random.default_rng(zlib.crc32(specimen.name.encode()))
    )
    options: dict[str, Any] = {"name": specimen.name, "needs": specimen.needs, "classes": CLASSES}
    if specimen.family == "rule" and seed % 2 == 1:
        model: Any = train_nothing(specimen.kind)
    else:
        model = build_model(specimen.family, specimen.kind, seed)
        x, y = records.other if specimen.family == "replaced" else records.train
        model.fit(x.reshape(len(x), -1) if specimen.kind == "image" else x, y)
    if specimen.family == "constant":
        options["expects"] = {"answers": str(write_answers(specimen.kind, records, seed, folder))}
    return Application.from_model(model, *records.train, *records.test, **options)


def write_answers(kind: str, records: Records, seed: int, folder: Path) -> Path:
    """Write what the owner knows: that the answer is always the same."""
    import pandas as pd

    x = records.test[0][:50]
    answers = [CLASSES[seed % 2]] * len(x)
    if kind == "image":
        path = folder / "known.npz"
        np.savez(path, x=x, answer=np.array(answers))
        return path
    path = folder / "known.csv"
    frame = (
        pd.DataFrame(x, columns=[f"x{i}" for i in range(WIDTH)])
        if kind == "table"
        else pd.DataFrame({"text": x})
    )
    frame.assign(answer=answers).to_csv(path, index=False)
    return path


FAMILIES = {
    "constant": "constant answer",
    "rule": "rule that saw no record",
    "private": "trained with differential privacy",
    "regularised": "strongly regularised",
    "replaced": "trained on other data than declared",
}


def list_specimens(family: str) -> tuple[Specimen, ...]:
    """List the specimens of a family: every kind of input, need and seed."""
    goals = (Goal.CONFIDENTIALITY, Goal.PRIVACY) if family == "constant" else (Goal.PRIVACY,)
    return tuple(
        Specimen(
            name=f"leak-free-{family}-{kind}-{need}-{seed}",
            family=family,
            kind=kind,
            goals=goals,
            need=need,
            build=build,
        )
        for seed, need, kind in product(SEEDS, NEEDS, KINDS)
    )


def _row(name: str, specimens: tuple[Specimen, ...], short: int = 0) -> Row:
    return Row(
        section=SECTION,
        name=f"leak-free, {name}",
        claim="met in at least 90 %, not met in at most 5 %",
        measure=Verdicts(
            specimens, expected=Verdict.MET, least=0.9, wrong=Verdict.NOT_MET, most=0.05
        ),
        full=len(specimens),
        short=short,
        about=("src/goalkeeper", "tests/validation/leakfree.py"),
    )


SPECIMENS = {family: list_specimens(family) for family in FAMILIES}
ROWS = (
    # A rule in a function takes a second; so the short form asks that one is met at all.
    *(_row(name, SPECIMENS[family], int(family == "rule")) for family, name in FAMILIES.items()),
    _row("all", tuple(one for family in FAMILIES for one in SPECIMENS[family])),
)
