"""Faster ways to the same answers, each taken only after it has given the same several times.

An attack asks hundreds of times for a few rows. Then most of the time of a model of scikit-learn is
not arithmetic: frames are built and checked, and a hundred trees are each called through joblib.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.domain import Domain, TableDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.targets.inputs import prepared
from goalkeeper.targets.linear import steps_of
from goalkeeper.targets.reading.probing import draw_rows
from goalkeeper.targets.reading.row_features import TabulatedFeatures, read_row_features

WARM_UP = 4  # calls before a shortcut is looked for: a model that is asked once has no use for it
PROOFS = 4  # calls in which a shortcut must give the same
MAX_NUMBERS = 1 << 20  # in the features of one call; beyond, the overhead is a small part
FORESTS = frozenset({"ExtraTreesClassifier", "RandomForestClassifier"})
CHECKED = 32  # random rows whose features must be the same
FLOAT32_MAX = float(np.finfo(np.float32).max)
ROUNDING = 1e-12  # by which sums of probabilities in different orders differ at most


Call = Callable[[Callable[[Any], Any], Any], Any]  # a function of the user's on some inputs


class Shortcut:
    """A function, and a faster one in its place once that has proved itself.

    Parameters
    ----------
    slow
        The function itself.
    find
        Makes the faster one, which gives None where it cannot say; raises NotOffered.
    same
        Whether what the two gave is the same.
    """

    def __init__(
        self,
        slow: Callable[[Any], Any],
        find: Callable[[], Callable[[Any], Any]],
        same: Callable[[Any, Any], bool],
    ) -> None:
        self._slow, self._find, self._same = slow, find, same
        self._calls = self._proofs = 0
        self._fast: Callable[[Any], Any] | None = None
        self._given_up = False

    def __call__(self, x: Any) -> Any:
        """Return what the function gives for `n` inputs."""
        if self._proofs >= PROOFS and self._fast is not None:
            made = self._fast(x)
            return self._slow(x) if made is None else made
        made = self._slow(x)
        if not self._given_up:
            self._prove(x, made)
        return made

    def _prove(self, x: Any, expected: Any) -> None:
        self._calls += 1
        if self._calls <= WARM_UP:
            return
        try:
            self._fast = self._fast or self._find()
        except NotOffered:
            self._given_up = True
            return
        made = self._fast(x)
        if made is None:
            return
        self._given_up = not self._same(made, expected)
        self._proofs += 1
        self._fast = None if self._given_up else self._fast


# ---- features of tables --------------------------------------------------------------------------


class FeatureMaker:
    """What stands before a final model: from inputs `(n, ...)` to features `(n, p)`.

    Parameters
    ----------
    before
        The fitted pipeline in front of the model; None: the model takes the inputs themselves.
    domain
        What an input looks like.
    call
        Calls a function of the user's on prepared inputs.
    """

    def __init__(self, before: Any, domain: Domain, call: Call) -> None:
        self._before, self._domain, self._call = before, domain, call
        self._features: TabulatedFeatures | None = None
        self._model: Any = None  # the last features that the pipeline made

    @property
    def is_slow(self) -> bool:
        """Whether a frame is built, or cut into columns, for every call."""
        if self._before is None or not isinstance(self._domain, TableDomain):
            return False
        names = {type(step).__name__ for step in self._steps}
        return self._domain.named or "ColumnTransformer" in names

    @property
    def _steps(self) -> tuple[Any, ...]:
        inner, last = steps_of(self._before)
        return (*inner, last)

    def slow(self, x: Inputs) -> Any:
        """Have the pipeline make the features."""
        given = prepared(x, self._domain)
        if self._before is None:
            return given
        self._model = self._call(self._before.transform, given)
        return self._model

    def find(self) -> Callable[[Any], Any]:
        """Read the steps, and compare with them; raises NotOffered where that fails."""
        if not isinstance(self._domain, TableDomain):
            raise NotOffered("only tables have columns")
        if hasattr(self._model, "columns"):  # set_output(transform="pandas")
            raise NotOffered("the pipeline makes frames")
        self._features = read_row_features(self._steps, self._domain)
        rows = draw_rows(self._domain, CHECKED, np.random.default_rng(2))
        rows = rows[~np.isnan(rows).any(axis=1)]
        ours = self._fast(rows)
        if ours is not None and not same_features(ours, self.slow(rows)):
            raise NotOffered("the features of random rows differ")
        return self._fast

    def _fast(self, x: Inputs) -> Any:
        features, model = self._features, self._model
        if features is None or len(x) * features.width > MAX_NUMBERS:
            return None
        made = features.make(x)
        if made is None:
            return None
        if hasattr(model, "tocsr"):
            return type(model)(made)
        return np.asfortranarray(made) if _is_by_column(model) else made


def _is_by_column(array: Any) -> bool:
    if not isinstance(array, np.ndarray):
        return False
    return bool(array.flags.f_contiguous and not array.flags.c_contiguous)


def same_features(ours: Any, theirs: Any) -> bool:
    """Tell whether two matrices are the same to the last bit, and in the same form."""
    if type(ours) is not type(theirs) or ours.dtype != theirs.dtype or ours.shape != theirs.shape:
        return False
    if isinstance(ours, np.ndarray):
        return _is_by_column(ours) == _is_by_column(theirs) and np.array_equal(ours, theirs)
    parts = ("indptr", "indices", "data")
    if not all(hasattr(theirs, part) for part in parts):
        return False
    return all(np.array_equal(getattr(ours, part), getattr(theirs, part)) for part in parts)


# ---- forests -------------------------------------------------------------------------------------


def is_forest(model: Any) -> bool:
    """Tell whether a model is a forest of scikit-learn with one answer an input."""
    kind = type(model)
    known = kind.__module__.startswith("sklearn.") and kind.__name__ in FORESTS
    return known and getattr(model, "n_outputs_", 0) == 1


class ForestAnswers:
    """Probabilities of a forest, from its trees directly."""

    def __init__(self, forest: Any, call: Call) -> None:
        self._forest, self._call = forest, call

    def slow(self, features: Any) -> Any:
        """Ask the model itself."""
        return self._call(self._forest.predict_proba, features)

    def find(self) -> Callable[[Any], Any]:
        """Return the direct way."""
        return self._fast

    def _fast(self, features: Any) -> Floats | None:
        dense = features.toarray() if hasattr(features, "toarray") else features
        if not isinstance(dense, np.ndarray) or dense.size > MAX_NUMBERS:
            return None
        if dense.ndim != 2 or dense.shape[1] != self._forest.n_features_in_:
            return None
        if dense.dtype.kind != "f" or not (np.abs(dense) <= FLOAT32_MAX).all():
            return None  # missing values and infinity are for the forest to judge
        rows = np.ascontiguousarray(dense, dtype=np.float32)
        trees, width = self._forest.estimators_, self._forest.n_classes_
        total = np.zeros((len(rows), width))
        for tree in trees:
            total += tree.tree_.predict(rows)[:, :width]
        return np.asarray(total / len(trees))


def same_probabilities(ours: Any, theirs: Any) -> bool:
    """Tell whether probabilities agree up to the order in which trees are added.

    A forest that uses several threads adds them in the order in which they finish.
    """
    return ours.shape == theirs.shape and bool(np.abs(ours - theirs).max(initial=0.0) <= ROUNDING)
