"""Path finding reads decision trees out: every leaf, every threshold, to a tolerance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from goalkeeper.attacks.extraction._tree_boxes import Boxes, walk
from goalkeeper.attacks.extraction._tree_build import grow
from goalkeeper.attacks.extraction._tree_copy import ColumnFrame, TreeSubstitute
from goalkeeper.attacks.extraction._tree_search import TreeSearch
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


def noisy_tree(leaves: int, columns: int = 5) -> tuple[DecisionTreeClassifier, TableDomain]:
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, (2000, columns))
    y = (x[:, 0] * x[:, 1] + x[:, 2] + rng.normal(size=2000) > 0).astype(np.int64)
    return DecisionTreeClassifier(random_state=0, max_leaf_nodes=leaves).fit(x, y), table(columns)


@pytest.mark.requirement("S46")
def test_the_box_of_a_row_is_its_leaf() -> None:
    tree, domain = noisy_tree(12)
    app = around(Leaves(tree, 2), domain, 2)
    search = TreeSearch(access_to(app, 5000), ColumnFrame.of(domain, 1.0), 1e-6)
    rows = np.random.default_rng(0).uniform(-1, 1, (20, 5))
    search.ask(rows)
    boxes = Boxes(search)
    walk(search, boxes, np.arange(len(rows)))
    steps = search.steps()
    low, high = boxes.intervals(steps)
    for row, least, most in zip(rows, low, high, strict=True):
        leaf = dict.fromkeys(range(5), (-np.inf, np.inf))
        for node in tree.decision_path(row[None].astype(np.float32)).indices[:-1]:
            j, t = int(tree.tree_.feature[node]), float(tree.tree_.threshold[node])
            a, b = leaf[j]
            leaf[j] = (a, min(b, t)) if row[j] <= t else (max(a, t), b)
        found = [j for j in range(5) if len(steps.edges[j])]
        for k, j in enumerate(found, start=1):  # the first feature is 0
            line = np.concatenate([[-np.inf], steps.edges[j], [np.inf]])
            assert line[[least[k], most[k] + 1]] == pytest.approx(leaf[j], abs=2e-6)


@pytest.mark.requirement("S46")
@pytest.mark.parametrize("tolerance", [1e-3, 1e-6])
def test_a_tree_is_copied_leaf_by_leaf(tolerance: float) -> None:
    """Its copy has as many leaves; by impurity it had hundreds, and the budget was spent."""
    tree, domain = noisy_tree(40)
    app = around(Leaves(tree, 2), domain, 2)
    copy, access = result_of(app, 30_000, tolerance)
    assert isinstance(copy, TreeSubstitute)
    assert copy.leaves == 40
    assert copy.verified >= 6000
    assert fidelity(app, copy) >= 0.995
    assert access.spent.queries < 20_000


@pytest.mark.requirement("S46")
def test_a_tree_of_pure_leaves_is_verified_within_the_budget() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    domain = columns_of(x)
    tree = DecisionTreeClassifier(random_state=0).fit(x, y)
    app = around(SklearnTarget(tree, ("a", "b"), domain, indexed=True), domain, 2)
    copy, _ = result_of(app, 60_000, 1e-7)
    assert isinstance(copy, TreeSubstitute)
    assert copy.verified >= 6000
    assert copy.leaves < 150
    assert (copy.predict(x) == tree.predict(x)).mean() >= 0.99


@pytest.mark.requirement("S46")
def test_missing_cells_have_answers_of_their_own() -> None:
    columns = (
        Column(name="u", low=0, high=1, missing=True),
        Column(name="v", low=0, high=1),
        Column(name="c", kind="category", categories=("a", "b", "c"), missing=True),
    )
    domain = TableDomain(columns=columns)

    class Rule(Leaves):
        def answer(self, x: Inputs, view: View) -> Answers:
            at = np.where(np.isnan(x[:, 0]), 1, np.where(x[:, 0] > 0.3, 2, 3))
            leaf = at + 3 * (x[:, 1] > 0.6) + 6 * (x[:, 2] == 1)
            scores = np.stack([leaf / 12.5, 1 - leaf / 12.5], axis=1)
            return Answers(scores.argmax(axis=1), scores).cut(view)

    app = around(Rule(None, 2), domain, 2)
    copy, _ = result_of(app, 10_000, 1e-6)
    rng = np.random.default_rng(2)
    rows = rng.random((300, 3))
    rows[:, 2] = rng.integers(0, 3, 300)
    rows[:100, 0], rows[50:150, 2] = np.nan, np.nan
    assert (copy.predict(rows) == app.target.answer(rows, View.LABELS).labels).mean() >= 0.98


def test_without_boxes_a_copy_splits_by_impurity() -> None:
    features = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    none = np.zeros((0, 2), dtype=np.int64)
    tree = grow(features, np.array([5, 5, 6, 7]), none, none)
    assert tree.predict(features.astype(np.float32)).tolist() == [5, 5, 6, 7]


def test_boxes_decide_the_first_split() -> None:
    """Impurity prefers the first feature, which cuts the box of answer 2 and needs four leaves."""
    features = np.array([[0, 0]] * 4 + [[1, 0]] * 4 + [[0, 1], [1, 1]])
    ids = np.array([0] * 4 + [1] * 4 + [2, 2])
    low, high = np.array([[0, 0], [1, 0], [0, 1]]), np.array([[0, 0], [1, 0], [1, 1]])
    tree = grow(features, ids, low, high)
    assert tree.feature[0] == 1
    assert tree.get_n_leaves() == 3
    assert tree.predict(features.astype(np.float32)).tolist() == ids.tolist()
    assert grow(features, ids, low[:0], high[:0]).get_n_leaves() == 4
