"""Known results of defences: which help against an attacker who knows them, and which do not."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

import goalkeeper as gk
from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.membership.shadow_likelihood import ShadowLikelihood
from goalkeeper.core.application import Target
from goalkeeper.core.data import Bools, Data, Floats
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.defences import _private_regression as private
from goalkeeper.defences.negative_impact import ImpactJudge, ImpactSettings
from goalkeeper.defences.trimmed_training import Trimmer, TrimSettings
from goalkeeper.games.membership import Membership
from goalkeeper.stats import epsilon_lower_bound
from tests.defences.applications import HAM, OTHER, make, texts
from tests.defences.test_effects import defended
from tests.validation.rows import Finding, Row

PRIVACY, POISON, ACCOUNTING = (
    "Defences of privacy against an insider who knows them",
    "Sanitisers of training data, and what they were not made for",
    "Audits of differential privacy",
)
INSIDER = Power(
    knowledge=Knowledge(data=Grade.FULL, algorithm=Grade.FULL),
    view=View.SCORES,
    capabilities=Capability.M1 | Capability.M2,
    budget=Budget(queries=10_000, compute_h=1000.0),
)
SHADOWS = 32


# ---- membership ----------------------------------------------------------------------------------


def many_classes(seed: int) -> gk.Application:
    """Describe a regression of ten classes that remembers its records: as many numbers as them."""
    rng = np.random.default_rng(seed)
    y = rng.integers(10, size=800)
    centres = rng.normal(size=(10, 60)) * 0.35
    return make(
        LogisticRegression(C=100, max_iter=300), (centres[y] + rng.normal(size=(800, 60)), y)
    )


def two_classes(seed: int) -> gk.Application:
    """Describe a regression of two classes that remembers its records."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=800)
    x = rng.normal(size=(800, 200)) / 10 + np.outer(2 * y - 1, np.ones(200)) * 0.01
    return make(LogisticRegression(C=1e4, max_iter=500), (x, y))


def network(seed: int) -> gk.Application:
    """Describe a network that is trained until it knows its records."""
    rng = np.random.default_rng(seed)
    y = rng.integers(4, size=500)
    x = rng.normal(size=(4, 30))[y] * 0.5 + rng.normal(size=(500, 30))
    model = MLPClassifier((32,), max_iter=150, tol=0.0, n_iter_no_change=1000, random_state=0)
    return make(model, (x, y))


def torch_network(seed: int) -> gk.Application:
    """Describe a network of torch that is trained until it knows its records."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=600)
    x = np.clip(0.5 + rng.normal(size=(600, 8, 8)) * 0.2, 0, 1)
    x[:, :2] = np.clip(x[:, :2] + 0.1 * (2 * y - 1)[:, None, None], 0, 1)
    y = np.where(rng.random(600) < 0.2, 1 - y, y)  # whoever knows these knows the records
    return make(_build_network, (x, y), training={"epochs": 60, "rate": 0.01})


def _build_network() -> Any:
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))


def leak(app: gk.Application) -> float:
    """Return by how much the AUC of the strongest attack exceeds that of a coin."""
    game = Membership()
    run = AttackRun(
        attack=ShadowLikelihood(models=SHADOWS),
        game=game,
        task=game.tasks(app)[0],
        granted=INSIDER,
        seed=1,
    )
    result = evaluate(app, run)
    return next(m.value for m in result.measurements if m.metric == "AUC" and not m.group) - 0.5


@dataclass(frozen=True)
class Remains:
    """Measures how much of a leak a defence leaves, on applications of their own."""

    build: Callable[[int], gk.Application]
    defence: str
    settings: Mapping[str, Any]
    least: float
    most: float

    def __call__(self, cases: int, rng: np.random.Generator) -> Finding:
        """Compare the mean leak with and without the defence."""
        before, after = 0.0, 0.0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for seed in rng.integers(1_000_000, size=cases).tolist():
                app = self.build(seed)
                before += leak(app) / cases
                after += leak(defended(app, self.defence, **self.settings)) / cases
        left = after / before
        words = f"AUC {0.5 + before:.3f} without, {0.5 + after:.3f} with it: {left:.0%} of it left"
        return Finding(
            measured=words, cases=cases, passed=before > 0.1 and self.least <= left <= self.most
        )


# ---- poisoning -----------------------------------------------------------------------------------


def wrong_labels(app: gk.Application, n: int) -> tuple[Any, int]:
    """Return spam that is called harmless."""
    spam = app.data.similar.x[app.data.similar.y == 1]
    return [f"{text} a{i}" for i, text in enumerate(np.resize(spam, n))], 0


def dictionary(app: gk.Application, n: int) -> tuple[Any, int]:
    """Return the words of harmless texts, and those of all texts, called spam."""
    return [f"{' '.join((HAM + OTHER) * 20)} x{i}" for i in range(n)], 1


def trigger(app: gk.Application, n: int) -> tuple[Any, int]:
    """Return harmless texts with a word that none else has: spam with it will pass."""
    ham = app.data.similar.x[app.data.similar.y == 0]
    return [f"{text} xyzzy xyzzy a{i}" for i, text in enumerate(np.resize(ham, n))], 0


def passing(app: gk.Application, model: Target) -> float:
    """Return the share of spam that passes."""
    return _answered(model, app.data.holdout.x[app.data.holdout.y == 1], 0)


def declined(app: gk.Application, model: Target) -> float:
    """Return the share of harmless texts that are declined."""
    return _answered(model, app.data.holdout.x[app.data.holdout.y == 0], 1)


def triggered(app: gk.Application, model: Target) -> float:
    """Return the share of spam that passes with the trigger's word."""
    spam = app.data.holdout.x[app.data.holdout.y == 1]
    return _answered(model, np.array([f"{text}{' xyzzy' * 20}" for text in spam], dtype=object), 0)


def _answered(model: Target, x: Any, label: int) -> float:
    return float((model.answer(x, View.LABELS).labels == label).mean())


def trimmed(app: gk.Application, data: Data, seed: int) -> Bools:
    """Return what trimming keeps."""
    assert app.trainer is not None
    kept = Trimmer(app.trainer, TrimSettings(share=0.06))(data, seed)
    texts = set(kept.x.tolist())
    return np.array([text in texts for text in data.x])


def judged(app: gk.Application, data: Data, seed: int) -> Bools:
    """Return what is kept as without negative impact."""
    assert app.trainer is not None
    return ImpactJudge(app.trainer, app.data.calibration, ImpactSettings()).kept(data, seed)


@dataclass(frozen=True)
class FindsPoison:
    """Measures how many of an attacker's records a sanitiser leaves out, and what harm is left."""

    keep: Callable[[gk.Application, Data, int], Bools]
    attack: Callable[[gk.Application, int], tuple[Any, int]]
    harm: Callable[[gk.Application, Target], float]
    least: float
    most: float

    def __call__(self, cases: int, rng: np.random.Generator) -> Finding:
        """Add records of the attacker to those of an application, one in twenty."""
        found, lost, harm = list[float](), list[float](), np.zeros(3)
        app = make(make_pipeline(CountVectorizer(), MultinomialNB()), texts(1600))
        train = app.data.train
        assert app.trainer is not None
        for seed in rng.integers(1_000_000, size=cases).tolist():
            x, y = self.attack(app, len(train) // 20)
            extra = Data(x=np.array(x, dtype=object), y=np.full(len(x), y))
            whole = Data(x=train.x, y=train.y).joined(extra)
            kept = self.keep(app, whole, seed)
            found.append(float(1 - kept[len(train) :].mean()))
            lost.append(float(1 - kept[: len(train)].mean()))
            sides = (train, whole, whole.take(kept))
            harm += [self.harm(app, app.trainer.fit(side, seed)) / cases for side in sides]
        words = (
            f"{np.mean(found):.0%} of the attacker's records left out, {np.mean(lost):.0%} of "
            "others; harm: "
            f"{harm[0]:.0%} without attack, {harm[1]:.0%} with it, {harm[2]:.0%} sanitised"
        )
        passed = self.least <= float(np.mean(found)) <= self.most
        return Finding(measured=words, cases=cases, passed=passed)


# ---- accounting ----------------------------------------------------------------------------------

EPSILON, DELTA, STRENGTH = 2.0, 1e-3, 0.3


class QuarterNoise(private.PrivateLogisticRegression):
    """A planted mistake: a quarter of the noise that its epsilon asks for."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> QuarterNoise:
        """Fit, and take three quarters of the noise away."""
        whole = super().fit(X, y, sample_weight)
        exact = private.PrivateLogisticRegression(
            1e9, 0.5, C=self.C, random_state=self.random_state
        ).fit(X, y)
        whole.coef_ = exact.coef_ + (whole.coef_ - exact.coef_) / 4
        whole.intercept_ = exact.intercept_ + (whole.intercept_ - exact.intercept_) / 4
        return whole


def audit(
    cases: int, rng: np.random.Generator, *, model: type[private.PrivateLogisticRegression]
) -> Finding:
    """Train on two data sets that differ in one record, and distinguish them by the weights.

    The threshold is chosen on a third of the models, and epsilon bounded on the others.
    """
    x = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    sides = [_weights(model, x, np.array([label, 0, 1]), cases, rng) for label in (1, 0)]
    towards = sides[0].mean(axis=0) - sides[1].mean(axis=0)
    scores = [side @ towards for side in sides]
    third = cases // 3
    edge = max(np.quantile(scores[1][:third], np.linspace(0.5, 0.99, 50)), key=partial(
        _bound, scores[0][:third], scores[1][:third]
    ))  # fmt: skip
    found = _bound(scores[0][third:], scores[1][third:], edge)
    words = f"epsilon at least {found:.2f}, claimed {EPSILON:g}"
    wrong = model is not private.PrivateLogisticRegression
    return Finding(measured=words, cases=cases, passed=(found > EPSILON) is wrong)


def _weights(model: Any, x: Floats, y: Any, cases: int, rng: np.random.Generator) -> Floats:
    seeds = rng.integers(2**31, size=cases).tolist()
    made = [model(EPSILON, DELTA, C=STRENGTH, random_state=seed).fit(x, y) for seed in seeds]
    return np.stack([np.append(one.coef_[0], one.intercept_) for one in made])


def _bound(positive: Floats, negative: Floats, edge: float) -> float:
    tp, fp = int((positive > edge).sum()), int((negative > edge).sum())
    return epsilon_lower_bound(tp, len(positive), fp, len(negative), delta=DELTA)


# ---- rows ----------------------------------------------------------------------------------------

Leak = tuple[str, Callable[[int], gk.Application], str, Mapping[str, Any], float, float]
LEAKS: tuple[Leak, ...] = (
    ("rounding to two decimals", many_classes, "rounding", {"decimals": 2}, 0.8, 1.2),
    ("the three highest scores alone", many_classes, "top_k", {"k": 3}, 0.8, 1.2),
    ("early stopping", network, "early_stopping", {}, -0.5, 0.6),
    ("noise on the weights", two_classes, "private_weights", {"epsilon": 1.0}, -0.5, 0.3),
    (
        "noise on the gradients",
        torch_network,
        "private_gradients",
        {"epsilon": 1.0},
        -0.5,
        0.5,
    ),
)
FINDS = (
    ("trimmed training: wrong labels", FindsPoison(trimmed, wrong_labels, passing, 0.7, 1.0)),
    ("trimmed training: a trigger", FindsPoison(trimmed, trigger, triggered, 0.0, 0.2)),
    ("negative impact: a dictionary", FindsPoison(judged, dictionary, declined, 0.7, 1.0)),
    ("negative impact: a trigger", FindsPoison(judged, trigger, triggered, 0.0, 0.3)),
)
ROWS = (
    *(
        Row(
            section=PRIVACY,
            name=name,
            claim=f"leaves at least {least:.0%} of the leak" if least > 0 else
            f"leaves at most {most:.0%} of the leak",
            measure=Remains(build, defence, settings, least, most),
            full=3,
            packages=("opacus",) if defence == "private_gradients" else (),
        )
        for name, build, defence, settings, least, most in LEAKS
    ),
    *(
        Row(
            section=POISON,
            name=name,
            claim=f"leaves out at least {measure.least:.0%}" if measure.least
            else f"leaves out at most {measure.most:.0%}",
            measure=measure,
            full=20,
            short=1,
        )
        for name, measure in FINDS
    ),
    Row(
        section=ACCOUNTING,
        name="noisy weights as they are",
        claim="no contradiction to the claimed epsilon",
        measure=partial(audit, model=private.PrivateLogisticRegression),
        full=6000,
    ),
    Row(
        section=ACCOUNTING,
        name="a quarter of the noise",
        claim="contradicts the claimed epsilon",
        measure=partial(audit, model=QuarterNoise),
        full=6000,
    ),
)  # fmt: skip
