"""Scores of other forms and precisions than a linear model's in double precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from goalkeeper.attacks.extraction._planes import solve_planes
from goalkeeper.attacks.extraction._precision import Precision
from goalkeeper.attacks.extraction.equation_solving import EquationSolving
from goalkeeper.attacks.extraction.logit_differences import LogitDifferences
from goalkeeper.attacks.extraction.substitute import SubstituteFromLabels
from goalkeeper.core.application import Application
from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.power import Grade, View
from goalkeeper.games.extraction import PublicInterface
from goalkeeper.games.extraction.substitutes import measure_parameter_error
from goalkeeper.targets import SklearnTarget
from tests.attacks.extraction.doors import Coarse, access_to, around, random_linear, table


def world(model: Any, x: Floats, y: Ints) -> Application:
    """Fit the model; every column lies between the least and the largest value seen."""
    bounds = zip(x.min(axis=0), x.max(axis=0), strict=True)
    columns = [Column(name=f"c{j}", low=float(a), high=float(b)) for j, (a, b) in enumerate(bounds)]
    domain, names = TableDomain(columns=tuple(columns)), [str(k) for k in np.unique(y)]
    return around(SklearnTarget(model.fit(x, y), names, domain, indexed=True), domain, len(names))


def scaled(columns: int, classes: int) -> tuple[Floats, Ints]:
    """Draw Gaussian classes in columns of scales from 1e-4 to 1e5."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, classes, 600)
    x = rng.normal(size=(classes, columns))[y] + rng.normal(size=(600, columns))
    return x * 10 ** np.linspace(-4, 5, columns), y


def stolen(
    app: Application, attack: Any = None, view: View = View.SCORES, queries: float = 20_000
) -> tuple[Any, int]:
    access = access_to(app, queries, view)
    copy = (attack or EquationSolving()).run(PublicInterface(app.classes), access)
    return copy, access.spent.queries


def agreement(app: Application, copy: Any, x: Floats) -> float:
    return float((copy.predict(x) == app.target.answer(x, View.LABELS).labels).mean())


DATA: dict[str, Callable[[], Any]] = {
    "iris": lambda: load_iris(return_X_y=True),
    "wine": lambda: load_wine(return_X_y=True),
    "cancer": lambda: load_breast_cancer(return_X_y=True),
    "scaled": lambda: scaled(8, 5),
}


@pytest.mark.parametrize("data", DATA)
def test_gaussian_naive_bayes_takes_2d_plus_1_queries_and_the_checks(data: str) -> None:
    x, y = DATA[data]()
    app = world(GaussianNB(), x, y)
    copy, spent = stolen(app)
    assert agreement(app, copy, x) == 1.0
    assert spent <= 4 * (2 * x.shape[1] + 1) + 24  # saturated answers are asked again


@pytest.mark.parametrize("data", ["wine", "scaled"])
def test_products_of_columns_are_found(data: str) -> None:
    x, y = DATA[data]()
    app = world(QuadraticDiscriminantAnalysis(reg_param=0.1), x, y)
    copy, _ = stolen(app)
    assert agreement(app, copy, x) == 1.0


@pytest.mark.parametrize("data", ["iris", "wine", "scaled"])
def test_one_against_the_rest_has_equations_of_its_own(data: str) -> None:
    x, y = DATA[data]()
    model = make_pipeline(StandardScaler(), OneVsRestClassifier(LogisticRegression()))
    app = world(model, x, y)
    copy, spent = stolen(app)
    assert agreement(app, copy, x) == 1.0
    assert spent < 600


@pytest.mark.parametrize("decimals", [2, 3])
@pytest.mark.parametrize("data", ["iris", "wine", "scaled"])
def test_rounding_is_no_defence(data: str, decimals: int) -> None:
    x, y = DATA[data]()
    app = world(make_pipeline(StandardScaler(), LogisticRegression()), x, y)
    copy, _ = stolen(around(Coarse(app.target, decimals), app.domain, len(app.classes)))
    assert agreement(app, copy, x) >= 0.99


@pytest.mark.validation
def test_digits_with_three_decimals() -> None:
    """Least squares on differences reached 40 %, with most of the budget unspent."""
    x, y = load_digits(return_X_y=True)
    app = world(make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)), x, y)
    copy, _ = stolen(around(Coarse(app.target, 3), app.domain, 10))
    assert agreement(app, copy, x) >= 0.98


def test_logits_of_quadratic_models_are_solved() -> None:
    x, y = load_wine(return_X_y=True)
    app = world(GaussianNB(), x, y)
    copy, _ = stolen(app, LogitDifferences(), View.LOGITS)
    assert agreement(app, copy, x) == 1.0


def test_a_model_of_no_form_is_not_taken_for_linear() -> None:
    """What is handed in is at least what a learner makes of the same answers."""
    x, y = load_iris(return_X_y=True)
    app = world(DecisionTreeClassifier(max_depth=3, random_state=0), x, y)
    copy, spent = stolen(app)
    assert agreement(app, copy, app.data.holdout.x) > 0.9
    assert spent < 2000


def test_a_copy_made_without_a_question_competes() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    app = world(QuadraticDiscriminantAnalysis(reg_param=0.1), x, y)  # one class almost everywhere
    data = type(app.data.train)(x=x[:200], y=y[:200])
    splits = type(app.data)(
        train=app.data.train, calibration=app.data.calibration, holdout=app.data.holdout,
        similar=data,
    )  # fmt: skip
    app = type(app)(**{**vars(app), "data": splits})
    access = access_to(app, 3000, data=Grade.PARTIAL)
    copy = EquationSolving().run(PublicInterface(app.classes), access)
    assert agreement(app, copy, x[200:]) > 0.9


@pytest.mark.parametrize("data", ["iris", "wine", "cancer", "scaled"])
def test_labels_alone_give_the_planes_between_any_classes(data: str) -> None:
    x, y = DATA[data]()
    app = world(make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)), x, y)
    copy, _ = stolen(app, SubstituteFromLabels(), View.LABELS, 5000)
    assert agreement(app, copy, x) == 1.0
    if data == "iris":  # setosa and virginica never touch: each plane has a factor of its own
        return
    found = measure_parameter_error(app, copy, scale_free=True)
    assert found is not None
    assert found[0] < 0.01


def test_labels_alone_find_classes_that_rows_drawn_anywhere_hardly_meet() -> None:
    """Of rows drawn anywhere the rare classes get about 1 % each."""
    target = random_linear(12, 5, 1, 2.0)
    target = type(target)(target.weights, np.array([0.0, 0.5, -5.0, -6.0, -7.0]))
    app = around(target, table(12), 5)
    x = np.random.default_rng(5).uniform(-1, 1, (4000, 12))
    shares = np.bincount(target.answer(x, View.LABELS).labels, minlength=5) / len(x)
    assert (shares < 0.02).sum() >= 2, shares
    copy, _ = stolen(app, SubstituteFromLabels(), View.LABELS, 4000)
    assert agreement(app, copy, x) > 0.995
    far = 3 * x  # where the rare classes are
    assert agreement(app, copy, far) > 0.99


@pytest.mark.validation
def test_labels_alone_copy_digits() -> None:
    """Most of ten classes are hardly met by rows drawn anywhere: 63 %, and 100 % now."""
    x, y = load_digits(return_X_y=True)
    app = world(make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)), x, y)
    copy, _ = stolen(app, SubstituteFromLabels(), View.LABELS, 20_000)
    assert agreement(app, copy, x) >= 0.99


def test_a_common_factor_is_an_error_only_where_scores_show_it() -> None:
    target = random_linear(4, 3, 0)
    app = around(target, table(4), 3)
    double = type(
        "Copied", (), {"parameters": {"weights": 2 * target.weights, "bias": 2 * target.bias}}
    )()
    with_scale = measure_parameter_error(app, double)
    without = measure_parameter_error(app, double, scale_free=True)
    assert with_scale is not None
    assert with_scale[0] == pytest.approx(1.0)
    assert without is not None
    assert without[0] < 1e-12


def test_precision_is_read_from_the_answers() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(3), 50)
    assert Precision.of(np.round(p, 2)).absolute == pytest.approx(0.005)
    assert Precision.of(np.round(p, 5).astype(np.float32).astype(float)).absolute == pytest.approx(
        5e-6
    )
    assert not Precision.of(p).rounded
    assert Precision.of(p.astype(np.float32).astype(float)).rounded
    assert not Precision.of(np.eye(3)[[0, 1, 2, 0]]).rounded  # 0 and 1 show no grid


def test_planes_need_points_that_determine_them() -> None:
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.normal(size=(20, 2)), np.ones(20)])
    points[:, 0] = -points[:, 1] - 1
    pairs = np.tile([0, 1], (20, 1))
    assert solve_planes(points[:2], pairs[:2], 2) is None
    points = np.column_stack([rng.normal(size=(20, 3)), np.ones(20)])
    points[:, 0] = 2 * points[:, 1] - points[:, 2] + 0.5
    theta = solve_planes(points, pairs, 2)
    assert theta is not None
    direction = theta[0, 1] / theta[0, 1, 0]
    np.testing.assert_allclose(direction, [1, -2, 1, -0.5], atol=1e-9)
