"""The leaves of trees: which inputs reach them, and how many training records did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class LeafPath:
    """The way to a leaf: `(low, high)` of each feature that is asked on it, its count and class."""

    bounds: Mapping[int, tuple[float, float]]
    count: int
    label: int


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
    best = _find_tree(final, width, classes)
    if best is None:
        return None
    paths = _walk(best)
    low, high = np.full((len(paths), width), -np.inf), np.full((len(paths), width), np.inf)
    for i, path in enumerate(paths):
        for feature, (least, most) in path.bounds.items():
            low[i, feature], high[i, feature] = least, most
    count = np.array([path.count for path in paths], dtype=np.int64)
    return Leaves(low, high, count, np.array([path.label for path in paths], dtype=np.int64))


def read_leaf_paths(final: Any, width: int, classes: int) -> Sequence[LeafPath]:
    """Read the same tree leaf by leaf, for features too many for a table; empty without a tree."""
    best = _find_tree(final, width, classes)
    return () if best is None else _walk(best)


def count_catboost(final: Any) -> list[int]:
    """Count the training records in each leaf of CatBoost that has any; empty of anything else.

    Empty, too, where it looks at texts or vectors, of which it may keep some, or where it does not
    tell its counts, as of more than two classes.
    """
    if not type(final).__module__.startswith("catboost.") or not final.is_fitted():
        return []
    if final.get_text_feature_indices() or final.get_embedding_feature_indices():
        return []
    try:
        weights = final.get_leaf_weights()
    except AssertionError:  # its own check of their number
        return []
    return [round(weight) for weight in weights if weight > 0]


def _find_tree(final: Any, width: int, classes: int) -> _Nodes | None:
    trees = list(_trees(final, width, classes))
    return max(trees, key=lambda tree: tree.count_singles()) if trees else None


def _trees(final: Any, width: int, classes: int) -> Iterator[_Nodes]:
    from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    library = type(final).__module__.partition(".")[0]
    if isinstance(final, DecisionTreeClassifier):
        yield from _of_tree(final.tree_, width)
    elif isinstance(final, RandomForestClassifier | ExtraTreesClassifier):
        for estimator in final.estimators_:
            yield from _of_tree(estimator.tree_, width)
    elif library == "lightgbm" and hasattr(final, "booster_"):
        # Its counts are estimated from second derivatives: exact only in the first round, where
        # every record has the same.
        first_round = 1 if classes == 2 else classes
        for i, tree in enumerate(final.booster_.dump_model()["tree_info"][:first_round]):
            yield _LightNodes(tree["tree_structure"], _class(i, classes))
    elif library == "xgboost" and hasattr(final, "get_booster"):
        yield from _of_xgboost(final, classes)
    else:
        yield from _of_boosting(final, width, classes)


def _of_boosting(final: Any, width: int, classes: int) -> Iterator[_Nodes]:
    """Read the trees of a boosting of scikit-learn; none of anything else."""
    from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier

    if isinstance(final, GradientBoostingClassifier):
        for row in final.estimators_:
            for k, estimator in enumerate(row):
                yield from _of_tree(estimator.tree_, width, _class(k, classes))
        return
    ordered = getattr(final, "_preprocessor", None) is None  # else columns are in another order
    if isinstance(final, HistGradientBoostingClassifier) and ordered:
        for row in vars(final)["_predictors"]:
            for k, predictor in enumerate(row):
                yield _HistNodes(predictor.nodes, _class(k, classes))


def _class(i: int, classes: int) -> tuple[int, int]:
    """Return what a leaf of the i-th tree of a boosting means: where it lowers, where it raises."""
    return (0, 1) if classes == 2 else (-1, i % classes)


def _of_tree(tree: Any, width: int, means: tuple[int, int] | None = None) -> Iterator[_Nodes]:
    """Read a tree that votes, or one of boosting, whose leaves have a sign."""
    if tree.n_outputs == 1 and tree.n_features == width:
        yield _TreeNodes(tree, means)


# ---- trees as nodes that know their children -----------------------------------------------------


class _Nodes:
    """Nodes of a tree: `root`, and of each a leaf's `(count, class)` or a `_Split`."""

    root: Any

    def leaf(self, node: Any) -> tuple[float, int] | None:
        raise NotImplementedError

    def split(self, node: Any) -> _Split:
        raise NotImplementedError

    def count_singles(self) -> int:
        """Count the leaves of one record."""
        found, stack = 0, [self.root]
        while stack:
            node = stack.pop()
            leaf = self.leaf(node)
            if leaf is None:
                split = self.split(node)
                stack += [split.left, split.right]
            else:
                found += round(leaf[0]) == 1
        return found


@dataclass(frozen=True, slots=True)
class _Split:
    """Whither a node leads: up to `edge` of a feature, and beyond; no feature: by categories."""

    feature: int | None
    edge: float
    left: Any
    right: Any


def _walk(nodes: _Nodes) -> list[LeafPath]:
    """Collect the leaves, and on the way to each the bounds of features."""
    found: list[LeafPath] = []
    stack: list[tuple[Any, dict[int, tuple[float, float]]]] = [(nodes.root, {})]
    while stack:
        node, bounds = stack.pop()
        leaf = nodes.leaf(node)
        if leaf is not None:
            found.append(LeafPath(bounds, round(leaf[0]), leaf[1]))
            continue
        split = nodes.split(node)
        below = above = bounds
        if split.feature is not None:
            low, high = bounds.get(split.feature, (-np.inf, np.inf))
            below = {**bounds, split.feature: (low, min(high, split.edge))}
            above = {**bounds, split.feature: (max(low, split.edge), high)}
        stack += [(split.right, above), (split.left, below)]
    return found


class _TreeNodes(_Nodes):
    """Nodes of a tree of scikit-learn, whose leaves are classes, or have a sign (`means`)."""

    def __init__(self, tree: Any, means: tuple[int, int] | None) -> None:
        self.root, self._tree, self._means = 0, tree, means
        self._best = tree.value[:, 0].argmax(axis=1)

    def leaf(self, node: int) -> tuple[float, int] | None:
        if self._tree.children_left[node] >= 0:
            return None
        raised = bool(self._tree.value[node, 0, 0] > 0)
        label = int(self._best[node]) if self._means is None else self._means[raised]
        return float(self._tree.n_node_samples[node]), label

    def split(self, node: int) -> _Split:
        tree = self._tree
        feature, edge = int(tree.feature[node]), float(tree.threshold[node])
        return _Split(feature, edge, int(tree.children_left[node]), int(tree.children_right[node]))

    def count_singles(self) -> int:
        counts = self._tree.n_node_samples[self._tree.children_left < 0]
        return int((counts == 1).sum())


class _HistNodes(_Nodes):
    """Nodes of one tree of a histogram boosting of scikit-learn."""

    def __init__(self, nodes: Any, means: tuple[int, int]) -> None:
        self.root, self._nodes, self._means = 0, nodes, means

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
        # What equals the edge, in single precision, goes to the right.
        edge = np.nextafter(np.float32(node["split_condition"]), -np.inf) if ordered else 0.0
        return _Split(feature, float(edge), children[node["yes"]], children[node["no"]])


def _of_xgboost(final: Any, classes: int) -> Iterator[_Nodes]:
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
        yield _XgbNodes(root, _class(i, classes), min(covers))


def _covers(node: Mapping[str, Any]) -> Iterator[float]:
    if "children" not in node:
        yield max(float(node["cover"]), 1e-12)
    for child in node.get("children", ()):
        yield from _covers(child)
