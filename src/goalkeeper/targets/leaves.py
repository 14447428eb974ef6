"""The leaves of trees: which inputs reach them, and how many training records did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.data import Floats, Ints


@dataclass(frozen=True, eq=False)
class Leaves:
    """The leaves of one tree.

    Parameters
    ----------
    low, high
        Bounds `(m, p)` of the features that reach each leaf; infinite where it has none.
    count
        Training records that reached each `(m,)`.
    classes
        Place `(m,)` of the class that each stands for among those of the model; -1: not known.
    """

    low: Floats
    high: Floats
    count: Ints
    classes: Ints

    @property
    def singles(self) -> int:
        """How many leaves hold one record."""
        return int((self.count == 1).sum())


def read_leaves(final: Any, width: int, classes: int) -> Leaves | None:
    """Read that tree of a model with most leaves of one record; None where there is no tree.

    Parameters
    ----------
    final
        A fitted tree, forest, or boosting of scikit-learn, XGBoost or LightGBM.
    width
        Number of features.
    classes
        Number of the model's classes.
    """
    trees = list(_trees(final, width, classes))
    return max(trees, key=lambda tree: tree.singles) if trees else None


def _trees(final: Any, width: int, classes: int) -> Iterator[Leaves]:
    from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    library = type(final).__module__.partition(".")[0]
    if isinstance(final, DecisionTreeClassifier):
        yield from _of_tree(final.tree_, width)
    elif isinstance(final, RandomForestClassifier | ExtraTreesClassifier):
        for estimator in final.estimators_:
            yield from _of_tree(estimator.tree_, width)
    elif library == "lightgbm" and hasattr(final, "booster_"):
        for i, tree in enumerate(final.booster_.dump_model()["tree_info"]):
            yield _walk(_LightNodes(tree["tree_structure"], _class(i, classes)), width)
    elif library == "xgboost" and hasattr(final, "get_booster"):
        yield from _of_xgboost(final, width, classes)
    else:
        yield from _of_boosting(final, width, classes)


def _of_boosting(final: Any, width: int, classes: int) -> Iterator[Leaves]:
    """Read the trees of a boosting of scikit-learn; none of anything else."""
    from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier

    if isinstance(final, GradientBoostingClassifier):
        for row in final.estimators_:
            for k, estimator in enumerate(row):
                yield from _of_tree(estimator.tree_, width, k, classes)
        return
    ordered = getattr(final, "_preprocessor", None) is None  # else columns are in another order
    if isinstance(final, HistGradientBoostingClassifier) and ordered:
        for row in vars(final)["_predictors"]:
            for k, predictor in enumerate(row):
                yield _walk(_HistNodes(predictor.nodes, k, classes), width)


def _class(i: int, classes: int) -> tuple[int, int]:
    """Return what a leaf of the i-th tree of a boosting means: where it lowers, where it raises."""
    return (0, 1) if classes == 2 else (-1, i % classes)


# ---- trees of scikit-learn -----------------------------------------------------------------------


def _of_tree(tree: Any, width: int, k: int | None = None, classes: int = 0) -> Iterator[Leaves]:
    """Read a tree that votes, or the k-th of a round of boosting, whose leaves have a sign."""
    if tree.n_outputs != 1 or tree.n_features != width:
        return
    ends = np.flatnonzero(tree.children_left < 0)
    low, high = _boxes(tree)
    best = tree.value[ends, 0].argmax(axis=1)
    if k is not None:
        lowered, raised = _class(k, classes)
        best = np.where(tree.value[ends, 0, 0] > 0, raised, lowered)
    count = np.asarray(tree.n_node_samples[ends], dtype=np.int64)
    yield Leaves(low[ends], high[ends], count, best.astype(np.int64))


def _boxes(tree: Any) -> tuple[Floats, Floats]:
    """Return the smallest and largest value that reach each node, each `(nodes, d)`."""
    low = np.full((tree.node_count, tree.n_features), -np.inf)
    high = np.full((tree.node_count, tree.n_features), np.inf)
    for node in range(tree.node_count):  # parents come before their children
        left, right = tree.children_left[node], tree.children_right[node]
        if left < 0:
            continue
        column, edge = tree.feature[node], tree.threshold[node]
        for child in (left, right):
            low[child], high[child] = low[node], high[node]
        high[left, column] = min(high[node, column], edge)
        low[right, column] = max(low[node, column], edge)
    return low, high


# ---- trees as nodes that know their children -----------------------------------------------------


class _Nodes:
    """Nodes of a tree: `root`, and of each a leaf's `(count, class)` or a `_Split`."""

    root: Any

    def leaf(self, node: Any) -> tuple[float, int] | None:
        raise NotImplementedError

    def split(self, node: Any) -> _Split:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class _Split:
    """Whither a node leads: up to `edge` of a feature, and beyond; no feature: by categories."""

    feature: int | None
    edge: float
    left: Any
    right: Any


def _walk(nodes: _Nodes, width: int) -> Leaves:
    """Collect the leaves, and on the way to each the bounds of features."""
    found: list[tuple[Floats, Floats, float, int]] = []
    stack = [(nodes.root, np.full(width, -np.inf), np.full(width, np.inf))]
    while stack:
        node, low, high = stack.pop()
        leaf = nodes.leaf(node)
        if leaf is not None:
            found.append((low, high, *leaf))
            continue
        split = nodes.split(node)
        below, above = high.copy(), low.copy()
        if split.feature is not None:
            below[split.feature] = min(below[split.feature], split.edge)
            above[split.feature] = max(above[split.feature], split.edge)
        stack += [(split.left, low, below), (split.right, above, high)]
    lows, highs, count, classes = zip(*found, strict=True)
    return Leaves(
        np.array(lows),
        np.array(highs),
        np.rint(count).astype(np.int64),
        np.array(classes, np.int64),
    )


class _HistNodes(_Nodes):
    """Nodes of one tree of a histogram boosting of scikit-learn."""

    def __init__(self, nodes: Any, k: int, classes: int) -> None:
        self.root, self._nodes, self._means = 0, nodes, _class(k, classes)

    def leaf(self, node: int) -> tuple[float, int] | None:
        one = self._nodes[node]
        return (float(one["count"]), self._means[int(one["value"] > 0)]) if one["is_leaf"] else None

    def split(self, node: int) -> _Split:
        one = self._nodes[node]
        feature = None if one["is_categorical"] else int(one["feature_idx"])
        return _Split(feature, float(one["num_threshold"]), int(one["left"]), int(one["right"]))


class _LightNodes(_Nodes):
    """Nodes of one tree of LightGBM, as its dump writes them."""

    def __init__(self, root: Mapping[str, Any], means: tuple[int, int]) -> None:
        self.root, self._means = root, means

    def leaf(self, node: Mapping[str, Any]) -> tuple[float, int] | None:
        if "left_child" in node:
            return None
        return float(node.get("leaf_count", 0)), self._means[int(node["leaf_value"] > 0)]

    def split(self, node: Mapping[str, Any]) -> _Split:
        ordered = node["decision_type"] == "<="
        edge = float(node["threshold"]) if ordered else 0.0
        feature = int(node["split_feature"]) if ordered else None
        return _Split(feature, edge, node["left_child"], node["right_child"])


class _XgbNodes(_Nodes):
    """Nodes of one tree of XGBoost, as its dump writes them; `one` is the cover of one record."""

    def __init__(self, root: Mapping[str, Any], means: tuple[int, int], one: float) -> None:
        self.root, self._means, self._one = root, means, one

    def leaf(self, node: Mapping[str, Any]) -> tuple[float, int] | None:
        if "children" in node:
            return None
        return node["cover"] / self._one, self._means[int(node["leaf"] > 0)]

    def split(self, node: Mapping[str, Any]) -> _Split:
        children = {child["nodeid"]: child for child in node["children"]}
        ordered = not isinstance(node["split_condition"], list)
        feature = int(str(node["split"]).removeprefix("f")) if ordered else None
        # What equals the edge goes to the right.
        edge = float(np.nextafter(node["split_condition"], -np.inf)) if ordered else 0.0
        return _Split(feature, edge, children[node["yes"]], children[node["no"]])


def _of_xgboost(final: Any, width: int, classes: int) -> Iterator[Leaves]:
    """Read the first round: there every record covers as much as any other.

    Cover is a sum of second derivatives, not a number of records; the least one of a leaf is
    taken for that of one record.
    """
    import json

    booster = final.get_booster()
    booster = booster[:1]  # the first round: a tree, or one for each class
    booster.feature_names = None
    for i, text in enumerate(booster.get_dump(dump_format="json", with_stats=True)):
        root = json.loads(text)
        covers = list(_covers(root))
        yield _walk(_XgbNodes(root, _class(i, classes), min(covers)), width)


def _covers(node: Mapping[str, Any]) -> Iterator[float]:
    if "children" not in node:
        yield max(float(node["cover"]), 1e-12)
    for child in node.get("children", ()):
        yield from _covers(child)
