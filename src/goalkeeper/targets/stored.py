"""What a fitted model keeps of its training data, beside or instead of weights.

Nearest-neighbour models keep every record, support vector machines some of them, trees how many
records fell into each leaf, text models the words of the training texts, and Gaussian models the
average of each class.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.targets.inputs import our_order
from goalkeeper.targets.linear import answering_steps, text_front
from goalkeeper.targets.reading import Affine, Reorder, affine, read_preprocessing, reorder_of

Scaler = Affine | Reorder


def read(model: Any, domain: Domain, places: Ints) -> dict[str, Any]:
    """Return what of the training data can be read from a model; empty where nothing can be.

    Parameters
    ----------
    model
        A fitted scikit-learn estimator or pipeline; scalers are undone.
    domain
        What an input looks like.
    places
        Index `(k,)` of each of the model's classes among the application's.

    Returns
    -------
    dict
        `points (n, d)` and `point_classes (n,)` of stored records, `support_vectors (n, d)` and
        `support_classes (n,)`; of texts `point_words` and `support_words`, a tuple of words for
        each record. `leaves`: `low (m, d)`, `high (m, d)`, `count (m,)`, `classes (m,)` of one
        tree. `class_means (k, d)`. `words (d,)`, and `idf (d,)` of models that weigh words by it,
        where the model is not linear.
    """
    before, final = answering_steps(model)
    try:
        if isinstance(domain, TextDomain):
            return _of_texts(before, final, places)
        if isinstance(domain, TableDomain) and not domain.numeric:
            return {}
        found = _of_numbers(_scalers(before, domain), final, places)
        return {name: _ours(value, domain) for name, value in found.items()}
    except NotOffered:
        return {}


def _ours(value: Any, domain: Domain) -> Any:
    """Put what is known of each value of an image into our own order."""
    if isinstance(value, dict):
        return {name: _ours(part, domain) for name, part in value.items()}
    return our_order(value, domain) if np.ndim(value) == 2 else value


def _of_texts(before: list[Any], final: Any, places: Ints) -> dict[str, Any]:
    front, rest = text_front(before)
    found: dict[str, Any] = {}
    for name, (rows, classes) in _records(final, places).items():
        if not rest:
            found[f"{name}_words"] = _words(rows, front["vocabulary"])
            found[f"{name}_classes"] = classes
    if found or not hasattr(final, "coef_"):
        found["words"] = front["vocabulary"]
        if "idf" in front:
            found["idf"] = front["idf"]
    return found


def _words(rows: Any, vocabulary: Any) -> tuple[tuple[str, ...], ...]:
    from scipy.sparse import csr_array

    matrix = csr_array(rows)
    ends = matrix.indptr
    return tuple(
        tuple(str(vocabulary[j]) for j in matrix.indices[a:b]) for a, b in pairwise(ends.tolist())
    )


def _scalers(before: Sequence[Any], domain: Domain) -> Sequence[Scaler]:
    """Read steps that scale columns, or put them in another order, and do nothing else."""
    try:
        return [affine(step) for step in before]
    except NotOffered:
        if not isinstance(domain, TableDomain):
            raise
    return [reorder_of(read_preprocessing(before, domain))]


def _of_numbers(chain: Sequence[Scaler], final: Any, places: Ints) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, (rows, classes) in _records(final, places).items():
        dense = rows.toarray() if hasattr(rows, "toarray") else rows
        key = "points" if name == "point" else "support_vectors"
        found |= {key: _undone(dense, chain), f"{name}_classes": classes}
    leaves = _leaves(final, chain, places)
    if leaves:
        found["leaves"] = leaves
    for attribute in ("theta_", "means_", "centroids_"):
        means = getattr(final, attribute, None)
        if means is not None and np.shape(means)[:1] == np.shape(places):
            found["class_means"] = _undone(means, chain)[np.argsort(places)]
    return found


def _records(final: Any, places: Ints) -> dict[str, tuple[Any, Ints]]:
    """Return the records that a model keeps, in its own features, with their classes."""
    from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
    from sklearn.svm import SVC, NuSVC

    if isinstance(final, KNeighborsClassifier | RadiusNeighborsClassifier):
        kept, labels = vars(final)["_fit_X"], np.asarray(vars(final)["_y"])
        return {"point": (kept, places[labels.astype(np.int64)])} if labels.ndim == 1 else {}
    if isinstance(final, SVC | NuSVC) and final.kernel != "precomputed":
        return {"support": (final.support_vectors_, np.repeat(places, final.n_support_))}
    return {}


def _undone(rows: Any, chain: Sequence[Scaler]) -> Floats:
    """Turn scaled rows `(n, d)` back into inputs."""
    out = np.asarray(rows, dtype=np.float64)
    for step in reversed(chain):
        out = step.undo(out)
    return out


# ---- trees ------------------------------------------------------------------------------------


def _leaves(final: Any, chain: Sequence[Scaler], places: Ints) -> dict[str, Any]:
    """Read the leaves of a tree, or of that tree of a forest with most leaves of one record."""
    from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    if isinstance(final, DecisionTreeClassifier):
        trees = [final.tree_]
    elif isinstance(final, RandomForestClassifier | ExtraTreesClassifier):
        trees = [estimator.tree_ for estimator in final.estimators_]
    else:
        return {}
    tree = max(trees, key=lambda t: int(_single(t).sum()))
    if tree.n_outputs != 1:
        return {}
    low, high = _boxes(tree)
    ends = np.flatnonzero(tree.children_left < 0)
    return {
        "low": _undone(low[ends], chain),
        "high": _undone(high[ends], chain),
        "count": np.asarray(tree.n_node_samples[ends], dtype=np.int64),
        "classes": places[tree.value[ends, 0].argmax(axis=1)],
    }


def _single(tree: Any) -> Any:
    return (tree.children_left < 0) & (tree.n_node_samples == 1)


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
