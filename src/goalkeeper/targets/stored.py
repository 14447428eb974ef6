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
from goalkeeper.targets.decoding import Decoder, decoder_of
from goalkeeper.targets.holdings import keeps_no_row, keeps_weights_only
from goalkeeper.targets.inputs import our_order
from goalkeeper.targets.leaves import (
    LeafPath,
    Leaves,
    count_catboost,
    read_leaf_paths,
    read_leaves,
)
from goalkeeper.targets.linear import answering_steps, hashed_front, text_front
from goalkeeper.targets.members import Members, members_of
from goalkeeper.targets.reading import Affine, Reorder, affine, read_preprocessing, reorder_of

Scaler = Affine | Reorder
# Keys of what is one entry a record.
RECORDS = frozenset({
    "points", "points_high", "point_classes", "point_words",
    "support_vectors", "support_vectors_high", "support_classes", "support_words",
})  # fmt: skip


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
        each record. Of tables that are encoded, `points_high` and `support_vectors_high` beside
        them: what is not known of a record lies between the two. `leaves`: `low (m, d)`,
        `high (m, d)`, `count (m,)`, `classes (m,)` (-1: not known) of one tree.
        `class_means (k, d)`. `words (d,)`, and `idf (d,)` of models that weigh words by it, where
        the model is not linear. `word_leaves` of a tree on words: `bounds` of each leaf,
        `(above, up to)` of each word that it asks for, `count (m,)`, `classes (m,)`, and `weighing`
        of words (`idf`, `norm` and others). `unread` names what is there and cannot be read,
        `fewest` says how many records the smallest leaf of such trees holds.
    """
    return _read(*answering_steps(model), domain, places)


def _read(before: list[Any], final: Any, domain: Domain, places: Ints) -> dict[str, Any]:
    members = members_of(final)
    if members is not None:
        return _of_members(before, members, domain, places)
    try:
        if isinstance(domain, TextDomain):
            return _of_texts(before, final, places)
        if isinstance(domain, TableDomain) and _is_encoded(before, domain):
            decoder = decoder_of(read_preprocessing(before, domain), domain)
            return _of_encoded(decoder, final, places) or _of_unread(before, final, places)
        found = _of_numbers(_scalers(before, domain), final, places)
        found = found or _of_unread(before, final, places)
        return {name: _ours(value, domain) for name, value in found.items()}
    except NotOffered:
        return _of_unread(before, final, places)


def _of_members(
    before: list[Any], members: Members, domain: Domain, places: Ints
) -> dict[str, Any]:
    """Join what the models keep that an estimator consists of; nothing unless each can be read."""
    if members.last is not None and not keeps_weights_only((), members.last):
        return {}
    found: list[dict[str, Any]] = []
    for member in members.models:
        inner, final = answering_steps(member)
        steps = [*before, *inner]
        own = len(getattr(member, "classes_", ())) == len(places)
        theirs = places if own else np.full(max(2, len(places)), -1)
        kept = _read(steps, final, domain, theirs) if members.whole else {}
        kept = kept or _of_unread(steps, final, theirs)
        if not kept and not keeps_weights_only(steps, final):
            return {}
        found.append(kept)
    return _join(found)


def _join(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Join records that several models keep; of trees, take the one with most single leaves."""
    joined: dict[str, Any] = {}
    for kept in found:
        for name, value in kept.items():
            if name not in joined:
                joined[name] = value
            elif name in ("leaves", "word_leaves"):
                joined[name] = max(joined[name], value, key=lambda one: (one["count"] == 1).sum())
            elif name == "fewest":
                joined[name] = min(joined[name], value)
            elif name in RECORDS:
                both = (joined[name], value)
                tuples = isinstance(value, tuple)
                joined[name] = both[0] + both[1] if tuples else np.concatenate(both)
    return joined


def _is_encoded(before: Sequence[Any], domain: TableDomain) -> bool:
    """Tell whether a preprocessing does more than to scale columns and to put them in order."""
    if not domain.numeric or domain.missing.any():
        return True
    try:
        _scalers(before, domain)
    except NotOffered:
        return True
    return False


def _of_encoded(decoder: Decoder, final: Any, places: Ints) -> dict[str, Any]:
    """Read what a model keeps of a table that is encoded: records with what is open of each."""
    found: dict[str, Any] = {}
    for name, (rows, classes) in _records(final, places).items():
        dense = np.asarray(rows.toarray() if hasattr(rows, "toarray") else rows, dtype=np.float64)
        low, high = decoder.points(dense)
        if not (np.isfinite(low) & np.isfinite(high)).any():
            continue  # nothing is known of any column
        key = "points" if name == "point" else "support_vectors"
        found |= {key: low, f"{key}_high": high, f"{name}_classes": classes}
    leaves = read_leaves(final, len(decoder.design.terms), len(places))
    if leaves is not None:
        low, high = decoder.boxes(leaves.low, leaves.high)
        found["leaves"] = _named(leaves, low, high, places)
    return found


def _named(leaves: Leaves, low: Floats, high: Floats, places: Ints) -> dict[str, Any]:
    known = leaves.classes >= 0
    classes = np.where(known, places[np.maximum(leaves.classes, 0)], -1)
    return {"low": low, "high": high, "count": leaves.count, "classes": classes}


def _ours(value: Any, domain: Domain) -> Any:
    """Put what is known of each value of an image into our own order."""
    if isinstance(value, dict):
        return {name: _ours(part, domain) for name, part in value.items()}
    return our_order(value, domain) if np.ndim(value) == 2 else value


def _of_unread(before: Sequence[Any], final: Any, places: Ints) -> dict[str, Any]:
    """Name trees behind steps that cannot be undone; where these may keep records, nothing."""
    if not all(keeps_no_row(step) for step in before):
        return {}
    paths = read_leaf_paths(final, _width_of(final), len(places))
    counts = [path.count for path in paths] or count_catboost(final)
    if not counts:
        return {}
    what = " behind ".join(type(step).__name__ for step in (final, *reversed(before)))
    return {"unread": f"leaves of {what}", "fewest": min(counts)}


def _of_texts(before: list[Any], final: Any, places: Ints) -> dict[str, Any]:
    if before and type(before[0]).__name__ == "HashingVectorizer":
        return _of_hashed(before, final, places)
    front, rest = text_front(before)
    found: dict[str, Any] = {}
    for name, (rows, classes) in _records(final, places).items():
        if not rest:
            found[f"{name}_words"] = _words(rows, front["vocabulary"])
            found[f"{name}_classes"] = classes
    paths = () if rest else read_leaf_paths(final, len(front["vocabulary"]), len(places))
    if paths and type(final).__module__.startswith("xgboost"):
        found["unread"] = "leaves of XGBoost on words, to which an absent word is a missing value,"
    elif paths:
        leaves = _read_word_leaves(paths, front["vocabulary"], places)
        weighing = {key: value for key, value in front.items() if key != "vocabulary"}
        found["word_leaves"] = {**leaves, "weighing": weighing}
    if found or not hasattr(final, "coef_"):
        found["words"] = front["vocabulary"]
        if "idf" in front:
            found["idf"] = front["idf"]
    return found


def _of_hashed(before: list[Any], final: Any, places: Ints) -> dict[str, Any]:
    """Read leaves in terms of the numbers that words are hashed to: their words are not kept."""
    settings, weighing, rest = hashed_front(before)
    paths = () if rest else read_leaf_paths(final, settings["n_features"], len(places))
    if not paths or type(final).__module__.startswith("xgboost"):
        return _of_unread(before, final, places)
    used = sorted({j for path in paths for j in path.bounds})
    names = dict(zip(used, (f"#{j}" for j in used), strict=True))
    hashed = {"hashing": settings, "columns": np.array(used, dtype=np.int64)}
    leaves = _read_word_leaves(paths, names, places)
    return {"word_leaves": {**leaves, "weighing": {**weighing, **hashed}}}


def _read_word_leaves(paths: Sequence[LeafPath], words: Any, places: Ints) -> dict[str, Any]:
    """Return the bounds of the words that each leaf asks for."""
    labels = np.array([path.label for path in paths], dtype=np.int64)
    return {
        "bounds": tuple({str(words[j]): b for j, b in path.bounds.items()} for path in paths),
        "count": np.array([path.count for path in paths], dtype=np.int64),
        "classes": np.where(labels >= 0, places[np.maximum(labels, 0)], -1),
    }


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
    leaves = read_leaves(final, _width_of(final), len(places))
    if leaves is not None:
        found["leaves"] = _named(
            leaves, _undone(leaves.low, chain), _undone(leaves.high, chain), places
        )
    for attribute in ("theta_", "means_", "centroids_"):
        means = getattr(final, attribute, None)
        if means is not None and np.shape(means)[:1] == np.shape(places):
            found["class_means"] = _undone(means, chain)[np.argsort(places)]
    return found


def _width_of(final: Any) -> int:
    return int(getattr(final, "n_features_in_", 0) or 0)


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
