"""Path finding reads decision trees out: every leaf, every threshold, to a tolerance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from goalkeeper.attacks.extraction._tree_copy import TreeSubstitute
from goalkeeper.attacks.extraction.tree_paths import TreePaths
from goalkeeper.core.access import Access
from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import NotApplicable
from goalkeeper.core.power import View
from goalkeeper.games.extraction import PublicInterface
from goalkeeper.targets import SklearnTarget
from tests.attacks.extraction.doors import access_to, around, fidelity, random_linear, table


class Leaves:
    """A tree whose scores tell its leaves apart, as those of a regression tree do."""

    offers = View.SCORES

    def __init__(self, tree: Any, classes: int) -> None:
        self.tree, self.classes = tree, classes

    def answer(self, x: Inputs, view: View) -> Answers:
        labels = np.asarray(self.tree.predict(x), dtype=np.int64)
        scores = np.full((len(x), self.classes), 0.1)
        scores[np.arange(len(x)), labels] = 1 + self.tree.apply(np.float32(x)) / 1000
        return Answers(labels, scores / scores.sum(axis=1, keepdims=True)).cut(view)


class Value(Leaves):
    """A regression tree, whose value is the score of one of two classes."""

    def answer(self, x: Inputs, view: View) -> Answers:
        share = np.clip(self.tree.predict(x) / 400, 0, 1)
        scores = np.stack([share, 1 - share], axis=1)
        return Answers(scores.argmax(axis=1), scores).cut(view)


def columns_of(x: Floats) -> TableDomain:
    bounds = zip(x.min(axis=0), x.max(axis=0), strict=True)
    columns = [Column(name=f"c{j}", low=float(a), high=float(b)) for j, (a, b) in enumerate(bounds)]
    return TableDomain(columns=tuple(columns))


def result_of(
    app: Application, queries: float = 1e5, tolerance: float = 1e-3
) -> tuple[Any, Access]:
    access = access_to(app, queries)
    return TreePaths(tolerance=tolerance).run(PublicInterface(app.classes), access), access


@pytest.mark.requirement("S34", "S46")
@pytest.mark.parametrize("load", [load_iris, load_breast_cancer])
def test_thresholds_are_found_to_the_tolerance(load: Any) -> None:
    """Every threshold of a tree whose leaves give unlike scores, and the whole tree."""
    x, y = load(return_X_y=True)
    classes = int(y.max()) + 1
    tree = DecisionTreeClassifier(random_state=0, max_leaf_nodes=6).fit(x, y)
    app = around(Leaves(tree, classes), columns_of(x), classes)
    copy, _ = result_of(app, 20_000, 1e-6)
    assert isinstance(copy, TreeSubstitute)
    assert fidelity(app, copy) >= 0.9985  # uniform points; the reference has 99.85 to 100 %
    assert (copy.predict(x) == tree.predict(x)).mean() >= 0.99
    room = np.ptp(x, axis=0)
    inner = tree.tree_.children_left >= 0
    for column, threshold in zip(
        tree.tree_.feature[inner], tree.tree_.threshold[inner], strict=True
    ):
        gap = np.abs(copy.steps.edges[column] - threshold).min()
        assert gap <= 1e-6 * room[column] + 1e-6


@pytest.mark.validation
def test_a_regression_tree_of_303_leaves() -> None:
    """Reference: 42,005 queries for another tree of 303 leaves; this one has 10 columns."""
    x, y = load_diabetes(return_X_y=True)
    tree = DecisionTreeRegressor(random_state=0, max_leaf_nodes=303).fit(x, y)
    app = around(Value(tree, 2), columns_of(x), 2)
    copy, _ = result_of(app)
    assert fidelity(app, copy) >= 0.99


@pytest.mark.requirement("S46")
def test_leaves_of_equal_scores_hide_nothing() -> None:
    """Pure leaves answer 0 or 1: paths that tell leaves by scores saw 2 of 22 of them."""
    x, y = load_breast_cancer(return_X_y=True)
    domain = columns_of(x)
    tree = DecisionTreeClassifier(random_state=0).fit(x, y)
    app = around(SklearnTarget(tree, ("a", "b"), domain, indexed=True), domain, 2)
    copy, _ = result_of(app, 20_000)
    assert fidelity(app, copy) >= 0.98


@pytest.mark.requirement("S46")
@pytest.mark.parametrize("kind", ["linear", "forest"])
def test_what_is_no_tree_is_left_at_once(kind: str) -> None:
    app = around(random_linear(5, 2, 1, 2.0), table(5), 2)
    if kind == "forest":
        rng = np.random.default_rng(0)
        x = rng.uniform(-1, 1, (400, 5))
        forest = RandomForestClassifier(50, random_state=0).fit(x, (x[:, 0] > x[:, 1]).astype(int))
        app = around(SklearnTarget(forest, ("a", "b"), table(5), indexed=True), table(5), 2)
    access = access_to(app, 1e5)
    with pytest.raises(NotApplicable, match="tree"):
        TreePaths().run(PublicInterface(app.classes), access)
    assert access.spent.queries < 1000


def test_whole_numbers_levels_and_groups() -> None:
    """A tree on an integer, a category and a one-hot group is found exactly."""
    columns = (
        Column(name="n", kind="integer", low=0, high=9),
        Column(name="c", kind="category", categories=("a", "b", "c")),
        Column(name="u", low=0, high=1),
        Column(name="v", low=0, high=1),
        Column(name="unused", low=0, high=1),
    )
    domain = TableDomain(columns=columns, one_hot=((2, 3),))

    class Rule(Leaves):
        def answer(self, x: Inputs, view: View) -> Answers:
            leaf = np.where(x[:, 0] > 4, 1 + (x[:, 1] == 1), 3 + (x[:, 2] > 0.5))
            scores = np.stack([leaf / 5.5, 1 - leaf / 5.5], axis=1)
            return Answers(scores.argmax(axis=1), scores).cut(view)

    app = around(Rule(None, 2), domain, 2)
    copy, access = result_of(app)
    assert isinstance(copy, TreeSubstitute)
    assert fidelity(app, copy) == 1.0
    assert access.spent.queries < 10_000


def test_a_small_budget_gives_something() -> None:
    x, y = load_iris(return_X_y=True)
    tree = around(Leaves(DecisionTreeClassifier(random_state=0).fit(x, y), 3), columns_of(x), 3)
    for queries in (0, 1, 12, 60, 200):
        copy, access = result_of(tree, queries)
        assert access.spent.queries <= queries
        assert len(copy.predict(x)) == len(x)
