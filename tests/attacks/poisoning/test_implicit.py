"""Points that follow the gradient of the damage back through the training of a linear model."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.attack_run import AnyAttack, AttackRun, evaluate
from goalkeeper.attacks.poisoning._implicit import (
    Curvature,
    Records,
    climb,
    pull_of,
    train_surrogate,
)
from goalkeeper.attacks.poisoning._spaces import ImageSpace, choose_space
from goalkeeper.attacks.poisoning.back_gradient import BackGradient
from goalkeeper.attacks.poisoning.insert_labelled import InsertLabelled
from goalkeeper.attacks.poisoning.label_flips import LabelFlips
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Floats, cut
from goalkeeper.core.domain import Column, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.core.text import texts
from goalkeeper.games.poisoning import Poisoning
from goalkeeper.training import SklearnTrainer

GIVEN = os.environ.get("GOALKEEPER_DATA")
FOLDERS = ([Path(GIVEN)] if GIVEN else []) + [Path(__file__).parents[4] / "shared" / "data"]
SPAMBASE = [f for folder in FOLDERS if (f := folder / "spambase.parquet").is_file()]
MNIST = [f for folder in FOLDERS if (f := folder / "mnist.npz").is_file()]


def records(points: Floats, sides: Floats) -> Records:
    return Records(points=points, sides=sides, weights=np.ones(len(sides)))


# ---- the slope -----------------------------------------------------------------------------------


def blobs(rng: np.random.Generator, n: int) -> Records:
    sides = rng.choice([-1.0, 1.0], n)
    return records(rng.normal(size=(n, 3)) + sides[:, None], sides)


def test_the_slope_is_that_of_retraining() -> None:
    """Move one coordinate of one point, retrain, and compare the judged loss."""
    from goalkeeper.attacks.poisoning import _implicit

    rng = np.random.default_rng(0)
    known, judged = blobs(rng, 60), blobs(rng, 60)
    poison = records(rng.normal(size=(4, 3)), np.array([1.0, 1.0, -1.0, -1.0]))

    def fitted(points: Floats) -> tuple[Floats, Curvature, float]:
        w, curvature = train_surrogate(known.joined(poison.moved(points)), np.zeros(4), 0.01)
        for _ in range(4):
            w, curvature = train_surrogate(known.joined(poison.moved(points)), w, 0.01)
        margins = judged.sides * (judged.points @ w[:-1] + w[-1])
        return w, curvature, float(np.logaddexp(0, -margins).mean())

    w, curvature, _ = fitted(poison.points)
    slope = _implicit._slope(poison.points, poison, w, pull_of(judged, w, curvature)) / 64
    for point in range(4):
        for column in range(3):
            step = np.zeros((4, 3))
            step[point, column] = 1e-4
            up, down = fitted(poison.points + step)[2], fitted(poison.points - step)[2]
            assert slope[point, column] == pytest.approx((up - down) / 2e-4, rel=1e-2, abs=1e-6)


# ---- possible inputs -----------------------------------------------------------------------------


def test_every_point_is_a_possible_row() -> None:
    """Bounds, whole numbers, categories, one-hot groups; missing cells are filled."""
    columns = (
        Column(name="amount", low=0, high=10, missing=True),
        Column(name="count", kind="integer", low=0, high=5),
        Column(name="colour", kind="category", categories=("red", "green", "blue")),
        *(Column(name=f"is {c}", kind="integer", low=0, high=1) for c in "abc"),
    )
    domain = TableDomain(columns=columns, one_hot=((3, 4, 5),))
    rng = np.random.default_rng(0)
    rows = np.column_stack(
        [rng.uniform(0, 9, 40), rng.integers(0, 6, 40), rng.integers(0, 3, 40), np.zeros((40, 3))]
    )
    rows[np.arange(40), 3 + rng.integers(0, 3, 40)] = 1
    rows[::7, 0] = np.nan
    space = choose_space(domain, rows)
    points = space.encode(rows)
    assert np.allclose(space.decode(points)[1], rows[1])
    for _ in range(20):
        points = space.move(points, rng.normal(size=points.shape), 0.5, rng)
    made = space.decode(points)
    assert domain.valid(made).all()
    assert made[:, 0].max() <= np.nanmax(rows[:, 0]), "no farther than what was seen"
    assert not np.allclose(made, rows, equal_nan=True)


def test_every_point_is_a_possible_image_or_text() -> None:
    rng = np.random.default_rng(0)
    domain = ImageDomain(shape=(1, 3, 4), low=-1.0, high=1.0, quantum=0.25)
    images = ImageSpace(domain)
    points = images.move(rng.random((5, 12)), rng.normal(size=(5, 12)), 0.9, rng)
    assert domain.valid(images.decode(points)).all()
    assert np.allclose(images.decode(points) % 0.25, 0)
    mails = texts(["good words here"] * 5 + ["bad words there"] * 5)
    words = choose_space(TextDomain(max_chars=12), mails)
    points = words.encode(mails)
    for _ in range(10):
        points = words.move(points, rng.normal(size=points.shape), 0.5, rng)
    made = words.decode(points)
    assert TextDomain(max_chars=12).valid(made).all()
    assert set(" ".join(made).split()) <= {"good", "words", "here", "bad", "there", "w", "wo"} | {
        part[:i] for part in ("good", "words", "here", "bad", "there") for i in range(1, 6)
    }


# ---- the damage ----------------------------------------------------------------------------------


def table_app(data: Data) -> Application:
    """Scaled logistic regression; every column is a number."""
    low, high = data.x.min(axis=0), data.x.max(axis=0)
    domain = TableDomain(
        columns=tuple(
            Column(name=f"c{i}", low=float(a), high=float(b))
            for i, (a, b) in enumerate(zip(low, high, strict=True))
        )
    )
    learner = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    trainer = SklearnTrainer(learner, ("a", "b"), domain)
    parts = {"train": 0.5, "holdout": 0.2, "calibration": 0.1, "similar": 0.2}
    splits = cut(data, parts)
    return Application(
        name="rows",
        target=trainer.fit(splits.train, 0),
        data=splits,
        domain=domain,
        classes=("a", "b"),
        trainer=trainer,
    )


def error(app: Application, attack: AnyAttack, share: float, knowledge: Knowledge) -> float:
    game = Poisoning(points=1, steps=0)
    task = next(t for t in game.tasks(app) if attack.covers(t))
    budget = Budget(share=share)
    granted = Power(knowledge=knowledge, capabilities=Capability.T1, budget=budget)
    run = AttackRun(attack=attack, game=game, task=task, granted=granted, seed=0)
    accuracy = next(m for m in evaluate(app, run).measurements if m.metric == "accuracy")
    return 1 - accuracy.value


def errors_on_ones_and_sevens(number: int, draws: int) -> list[float]:
    """Poison logistic regression on 100 images of MNIST with points; return the error of each."""
    z = np.load(MNIST[0])
    found = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        pool = rng.permutation(np.flatnonzero(np.isin(z["y_train"], (1, 7))))[:2600]
        x, sides = z["x_train"][pool].reshape(-1, 784) / 255.0, z["y_train"][pool] == 7
        y = np.where(sides, 1.0, -1.0)
        first = rng.permutation(100)[:number]
        poison = records(x[first], -y[first])
        space = ImageSpace(ImageDomain(shape=(1, 28, 28)))
        points = climb(
            records(x[:100], y[:100]), poison, records(x[100:600], y[100:600]), space, rng, 1e-2
        )
        model = LogisticRegression(max_iter=1000)
        model.fit(np.vstack([x[:100], points]), np.concatenate([y[:100], poison.sides]))
        found.append(float((model.predict(x[600:]) != y[600:]).mean()))
    return found


ALL = Knowledge(data=Grade.FULL, algorithm=Grade.FULL)
SOME = Knowledge(data=Grade.PARTIAL)


@pytest.mark.requirement("S54")
def test_optimised_points_do_more_to_a_linear_model_than_flipped_labels() -> None:
    """Skewed columns, as of word counts, leave room for points far from everything else."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 1200)
    x = rng.exponential(1 + 0.6 * np.where(y[:, None] == np.arange(20) % 2, 1.0, 0.0))
    app = table_app(Data(x=x**1.5, y=y))
    flips = error(app, LabelFlips(), 0.1, ALL)
    assert error(app, BackGradient(), 0.1, ALL) > 1.3 * flips
    clean = float(
        (app.target.answer(app.data.holdout.x, View.LABELS).labels != app.data.holdout.y).mean()
    )
    assert error(app, InsertLabelled(), 0.1, SOME) > clean + 0.02


@pytest.mark.validation
@pytest.mark.requirement("S54")
@pytest.mark.skipif(not SPAMBASE, reason="spambase.parquet is not at hand; set GOALKEEPER_DATA")
def test_five_per_cent_of_optimised_points_on_spambase() -> None:
    """25 lines of implicit gradient reach 29.9 % error, label flips 13.7 %."""
    import pandas as pd

    frame = pd.read_parquet(SPAMBASE[0])
    x = frame.drop(columns="label").to_numpy(np.float64)
    app = table_app(Data(x=x, y=frame["label"].to_numpy(np.int64)))
    assert error(app, LabelFlips(), 0.05, ALL) < 0.18
    assert error(app, BackGradient(), 0.05, ALL) > 0.299


@pytest.mark.validation
@pytest.mark.requirement("S54")
@pytest.mark.skipif(not MNIST, reason="mnist.npz is not at hand; set GOALKEEPER_DATA")
@pytest.mark.parametrize(("number", "least"), [(1, 0.05), (5, 0.13), (10, 0.18), (20, 0.23)])
def test_points_on_one_hundred_images_of_ones_and_sevens(number: int, least: float) -> None:
    """Logistic regression, 1.8 % error when clean; 5.2, 14.3, 18.7 and 26 % were measured."""
    found = errors_on_ones_and_sevens(number, 3)
    assert np.mean(found) > least, found
