"""Build a copy of a tree from boxes: split where the fewest known boxes are cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goalkeeper.core.data import Floats, Ints

LEAF = -1
NOWHERE = -(10**6)  # below every feature
NO_SPLIT = (0, NOWHERE)


@dataclass(frozen=True, eq=False)
class BoxTree:
    """A tree over whole features: to the left where one is at most `cut`.

    Parameters
    ----------
    feature, cut, left, right
        Of each node, `(nodes,)`; leaves have feature -1.
    value
        Answer of each leaf, `(nodes,)`.
    """

    feature: Ints
    cut: Floats
    left: Ints
    right: Ints
    value: Ints

    def get_n_leaves(self) -> int:
        """Return the number of leaves."""
        return int((self.feature == LEAF).sum())

    def apply(self, features: Floats) -> Ints:
        """Return the leaf of each row of features `(n, m)`, `(n,)`."""
        nodes = np.zeros(len(features), dtype=np.int64)
        who = np.flatnonzero(self.feature[nodes] != LEAF)
        while len(who):
            at = nodes[who]
            lower = features[who, self.feature[at]] <= self.cut[at]
            nodes[who] = np.where(lower, self.left[at], self.right[at])
            who = who[self.feature[nodes[who]] != LEAF]
        return nodes

    def predict(self, features: Floats) -> Ints:
        """Return the answer of each row of features `(n, m)`, `(n,)`."""
        return np.asarray(self.value[self.apply(features)])


def grow(features: Ints, ids: Ints, low: Ints, high: Ints) -> BoxTree:
    """Build a tree that gives rows `(n, m)` their answers `(n,)` and cuts few boxes `(k, m)`."""
    grower = _Grower(features, ids)
    grower.grow(low, high)
    return grower.finish()


class _Grower:
    """Grows a tree from the root on; regions where boxes decide nothing are split by impurity."""

    def __init__(self, features: Ints, ids: Ints) -> None:
        self._features, self._ids = features, ids
        self._nodes: list[list[float]] = []  # feature, cut, left, right, value

    def grow(self, low: Ints, high: Ints) -> None:
        """Split region after region."""
        if len(low):
            least = np.minimum(self._features.min(axis=0), low.min(axis=0))
            most = np.maximum(self._features.max(axis=0), high.max(axis=0))
            self._splits = _Splits(least, most)
        self._add()
        todo = [(0, np.arange(len(self._ids)), low, high)]
        while todo:
            node, rows, below, above = todo.pop()
            ids = self._ids[rows]
            self._nodes[node][4] = ids[0]
            if (ids == ids[0]).all():
                continue
            f, cut = self._splits.choose(below, above) if len(below) > 1 else NO_SPLIT
            lower = self._features[rows, f] <= cut
            if lower.all() or not lower.any():
                self._graft(node, rows)
                continue
            left, right = self._add(), self._add()
            self._nodes[node][:4] = [f, cut, left, right]
            inside = below[:, f] <= cut
            clipped = above[inside].copy()
            clipped[:, f] = np.minimum(clipped[:, f], cut)
            todo.append((left, rows[lower], below[inside], clipped))
            inside = above[:, f] > cut
            clipped = below[inside].copy()
            clipped[:, f] = np.maximum(clipped[:, f], cut + 1)
            todo.append((right, rows[~lower], clipped, above[inside]))

    def _add(self) -> int:
        self._nodes.append([LEAF, 0, LEAF, LEAF, 0])
        return len(self._nodes) - 1

    def _graft(self, node: int, rows: Ints) -> None:
        """Split a region as a tree by impurity does."""
        from sklearn.tree import DecisionTreeClassifier

        part = DecisionTreeClassifier(random_state=0)
        part.fit(self._features[rows].astype(np.float32), self._ids[rows])
        tree, start = part.tree_, len(self._nodes) - 1
        places = np.arange(tree.node_count) + start
        places[0] = node
        self._nodes += [[LEAF, 0, LEAF, LEAF, 0] for _ in range(tree.node_count - 1)]
        values = part.classes_[tree.value[:, 0].argmax(axis=1)]
        for k, place in enumerate(places.tolist()):
            self._nodes[place][4] = values[k]
            if tree.children_left[k] >= 0:
                self._nodes[place][:4] = [
                    tree.feature[k],
                    tree.threshold[k],
                    places[tree.children_left[k]],
                    places[tree.children_right[k]],
                ]

    def finish(self) -> BoxTree:
        """Return what has grown."""
        nodes = np.array(self._nodes)
        feature, left, right, value = (nodes[:, k].astype(np.int64) for k in (0, 2, 3, 4))
        return BoxTree(feature, nodes[:, 1], left, right, value)


class _Splits:
    """All splits of features from `least` to `most` `(m,)`, one after another in flat arrays."""

    def __init__(self, least: Ints, most: Ints) -> None:
        self._least = least
        self._start = np.concatenate([[0], np.cumsum(most - least + 1)])

    def choose(self, low: Ints, high: Ints) -> tuple[int, int]:
        """Choose the split with boxes on both sides that cuts the fewest, then the most even one.

        Returns the feature and its greatest value on the left; `NO_SPLIT` where no split has any
        box wholly on each side.
        """
        start, total = self._start[:-1] - self._least, int(self._start[-1])
        begun = np.cumsum(np.bincount((low + start).ravel(), minlength=total))
        ended = np.cumsum(np.bincount((high + start).ravel(), minlength=total))
        before = np.repeat(np.arange(len(start)) * len(low), np.diff(self._start))
        left, right = ended - before, len(low) - (begun - before)
        even = np.minimum(left, right)
        # Fewest cut first; evenness is less than 1 whatever it is.
        cost = np.where(even > 0, begun - ended - even / (len(low) + 1), np.inf)
        best = int(cost.argmin())
        if even[best] <= 0:
            return NO_SPLIT
        f = int(np.searchsorted(self._start, best, side="right")) - 1
        return f, best - int(self._start[f] - self._least[f])
