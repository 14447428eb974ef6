"""scikit-learn estimators and pipelines as targets, and whatever has the same methods."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers
from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import NotOffered, TargetError
from goalkeeper.core.power import View
from goalkeeper.core.stored_numbers import Stored
from goalkeeper.targets import estimator_numbers, layers, linear, stored
from goalkeeper.targets.fitted_pipelines import refuse_booster, split_pipeline
from goalkeeper.targets.holdings import count_kept, count_unread, keeps_weights_only
from goalkeeper.targets.returned import ClassIndex, call_model, labels_of, scores_of, softmax
from goalkeeper.targets.shortcuts import (
    FeatureMaker,
    ForestAnswers,
    Shortcut,
    is_forest,
    same_features,
    same_probabilities,
)

TINY = float(np.finfo(np.float64).tiny)  # the logarithm of a probability of 0 stays finite

# Estimators of scikit-learn that answer with the class of the highest score, ties to the first.
ARGMAX = frozenset({
    "BernoulliNB", "ComplementNB", "DecisionTreeClassifier", "ExtraTreesClassifier", "GaussianNB",
    "LinearDiscriminantAnalysis", "LinearSVC", "LogisticRegression", "MLPClassifier",
    "MultinomialNB", "RandomForestClassifier", "RidgeClassifier",
})  # fmt: skip


class SklearnTarget:
    """A fitted estimator or pipeline with `predict`, and scores where it has them.

    Scores are `predict_proba`, else the softmax of the logits. Logits are `decision_function`
    (a binary d becomes -d/2 and d/2), else the log of the (joint) probabilities, where a
    probability of 0 counts as the smallest positive number.

    Parameters
    ----------
    model
        A fitted estimator.
    classes
        The application's classes. The model's own are found among them by name; whole numbers
        are indices unless the application's classes are numbers themselves.
    domain
        What an input looks like.
    path
        The stored file of the model, if there is one.
    indexed
        The model was trained on indices of classes, whatever the classes are called.
    """

    hides_scores = False  # an estimator without them has none

    def __init__(
        self,
        model: Any,
        classes: Sequence[str | int],
        domain: Domain,
        path: Path | None = None,
        *,
        indexed: bool = False,
    ) -> None:
        self.model, self.domain = model, domain
        self.classes = tuple(str(c) for c in classes)
        self._index = ClassIndex(classes, indexed=indexed)
        self._indexed, self._path = indexed, path
        if not callable(getattr(model, "predict", None)):
            raise TargetError(
                f"{type(model).__name__} has no predict(); give a fitted classifier, "
                "or a function as a Python target"
            )
        self._before, self._final = split_pipeline(model)
        refuse_booster(self._final)
        self._what = type(self._final).__name__
        self.training_seconds = 0.0  # of computing, where this process has trained it
        model_classes = getattr(model, "classes_", None)
        self._places = None if model_classes is None else self._placed(model_classes)

    @property
    def offers(self) -> View:
        """Gradients for linear models that can be read, logits where there are any scores."""
        return View.GRADIENTS if self._said is View.LOGITS and self._readable else self._said

    @property
    def _said(self) -> View:
        """The richest view of what the model says, whether or not it can be read."""
        if self._places is None or not (self._has("predict_proba") or self._decides):
            return View.LABELS
        return View.SCORES if len(self._places) < len(self._index) else View.LOGITS

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`; every answer is checked.

        Raises
        ------
        TargetError
            The model raised, or returned something that is not an answer.
        NotOffered
            The model has no answers of this view.
        """
        # To read the weights takes longer than to answer: only where the view depends on it.
        if view > self._said and view > self.offers:
            raise NotOffered(
                f"{self._what} offers {self.offers.name.lower()}, not {view.name.lower()}"
            )
        n, width = len(x), len(self._index)
        if n == 0:
            nothing = np.empty((0, width))
            return Answers(np.empty(0, dtype=np.int64), nothing, nothing).cut(self._said)
        features = self._features(x)
        if view < View.SCORES:
            return Answers(self._predicted(features, n))
        logits = self._logits(features, n) if view >= View.LOGITS or self._from_logits else None
        scores = self._scores(features, n, logits)
        labels = self._labels(features, scores if logits is None else logits)
        return Answers(labels, self._spread(scores), self._spread(logits)).cut(view)

    def without_shortcuts(self) -> SklearnTarget:
        """Return the same target, computing every answer in full: where its time is measured."""
        full = copy.copy(self)
        full.__dict__ |= {"_features": self._maker.slow, "_probabilities": self._voters.slow}
        return full

    def parameters(self) -> Mapping[str, Any]:
        """Return `weights (k, d)`, `bias (k,)` in terms of the inputs, scalers folded in.

        Where a table is encoded, filled in or cut into bins, `weights (k, p)` are those of the
        features that this makes, and `design` is a `goalkeeper.core.design.Design`, which makes
        them from rows.

        k is 1 for two classes (towards class 1), else one row a class. For texts also
        `vocabulary (d,)` and `binary`; with tf-idf also `idf (d,)`, `norm`, `sublinear_tf`: the
        weights then multiply the normalised tf-idf values.

        Multilayer perceptrons give `coefs_0`, `intercepts_0` and so on, as they are stored.
        Models that keep training data or class averages, linear or not, give them as `stored`
        (see `goalkeeper.targets.stored`).

        Raises
        ------
        NotOffered
            The model is not linear in a way that can be read, and keeps nothing else.
        """
        if self._places is None:
            raise NotOffered(f"{self._what} does not say which classes it knows (classes_)")
        kept = stored.read(self.model, self.domain, self._places)
        try:
            numbers = self._linear()
        except NotOffered:
            numbers = layers.read(self._final)
            if not kept and not numbers:
                raise
        return {**numbers, "stored": kept} if kept else numbers

    @cached_property
    def kept(self) -> int | None:
        """How many numbers and words the fitted model keeps; None where that is not known."""
        return count_kept(self.model)

    @cached_property
    def weights_only(self) -> bool:
        """Whether all its parts are classes of scikit-learn that keep no record."""
        return keeps_weights_only(*linear.answering_steps(self.model))

    @cached_property
    def unread(self) -> int | None:
        """How much the final estimator keeps beside what `parameters` gives; None: not known.

        Classes of scikit-learn keep nothing else; one of the user's own may keep anything.
        """
        return count_unread(self._final, self.parameters())

    def with_parameters(self, parameters: Mapping[str, Any]) -> SklearnTarget:
        """Copy this target with other stored numbers; the stored file stays the old one.

        Raises
        ------
        NotOffered
            These parameters cannot be written back into this model.
        """
        if self._places is None:
            raise NotOffered(f"{self._what} does not say which classes it knows (classes_)")
        if layers.read(self._final):
            model = layers.replace_parameters(self.model, parameters)
            return SklearnTarget(
                model, self.classes, self.domain, self._path, indexed=self._indexed
            )
        places = self._places.tolist()
        model = linear.replace_parameters(self.model, self.domain, places, parameters)
        return SklearnTarget(model, self.classes, self.domain, self._path, indexed=self._indexed)

    def with_model(self, model: Any) -> SklearnTarget:
        """Copy this target with another fitted model of the same classes, stored in no file."""
        return SklearnTarget(model, self.classes, self.domain, indexed=self._indexed)

    def names_of(self, y: Ints) -> Any:
        """Return what the model itself calls classes `(n,)`; raises NotOffered for unknown ones."""
        known = getattr(self.model, "classes_", None)
        if known is None or self._places is None:
            raise NotOffered(f"{self._what} does not say which classes it knows (classes_)")
        absent = np.setdiff1d(y, self._places)
        if len(absent):
            raise NotOffered(f"{self._what} has never learnt the class {self.classes[absent[0]]!r}")
        return np.asarray(known)[[self._places.tolist().index(c) for c in y.tolist()]]

    def stored_numbers(self) -> Stored:
        """Return the numbers of every step as they are stored, by the path to each array.

        Unlike those of `parameters()`, nothing is folded: scalers, trees, stored records, boosters
        of XGBoost and LightGBM, and the arrays of classes of the user's own each have theirs.

        Raises
        ------
        NotOffered
            The final estimator keeps its numbers where they cannot be reached.
        """
        final, whole = self._final, estimator_numbers.read(self.model)
        if final is not self.model and whole and not estimator_numbers.read(final):
            whole = {}  # those of the preprocessing alone are not the model's
        if not whole:
            raise NotOffered(f"the numbers that {self._what} stores cannot be reached one by one")
        return whole

    def with_stored_numbers(self, numbers: Mapping[str, Any]) -> SklearnTarget:
        """Copy this target with other stored numbers; the stored file stays the old one.

        Raises
        ------
        NotOffered
            The model stores no such numbers.
        TargetError
            The model cannot be loaded with these numbers.
        """
        model = estimator_numbers.replace_numbers(self.model, numbers)
        return SklearnTarget(model, self.classes, self.domain, self._path, indexed=self._indexed)

    def network(self, count: Callable[[int, int], None]) -> Any:
        """Return the metered torch form of a linear model or a multilayer perceptron.

        Raises
        ------
        NotOffered
            The model has no differentiable form that is known here.
        MissingExtra
            Torch is not installed.
        """
        from goalkeeper.targets.differentiable import sklearn_network

        if self._places is None:
            raise NotOffered(f"{self._what} does not say which classes it knows (classes_)")
        places = self._places.tolist()
        return sklearn_network(self.model, self.domain, places, len(self._index), count)

    def artefact(self) -> Path:
        """Path of the stored model; raises NotOffered when none was given."""
        if self._path is None:
            raise NotOffered("no stored file was given for this model")
        return self._path

    # ---- what the model can do ------------------------------------------------------------------

    def _has(self, method: str) -> bool:
        return callable(getattr(self._final, method, None))

    @cached_property
    def _decides(self) -> bool:
        ovo = getattr(self._final, "decision_function_shape", "ovr") == "ovo"
        many = self._places is not None and len(self._places) > 2
        return self._has("decision_function") and not (ovo and many)

    @cached_property
    def _from_logits(self) -> bool:
        return not self._has("predict_proba")

    @cached_property
    def _argmax(self) -> bool:
        kind = type(self._final)
        return kind.__module__.startswith("sklearn.") and kind.__name__ in ARGMAX

    def _linear(self) -> dict[str, Any]:
        return {
            name: value.copy() if isinstance(value, np.ndarray) else value
            for name, value in self._weights.items()
        }

    @cached_property
    def _weights(self) -> dict[str, Any]:
        places = [] if self._places is None else self._places.tolist()
        return linear.read(self.model, self.domain, places, len(self._index))

    @cached_property
    def _readable(self) -> bool:
        try:
            self._linear()
        except NotOffered:
            return False
        return True

    def _placed(self, model_classes: Any) -> Ints:
        places = [self._index.of(c, self._what) for c in np.asarray(model_classes).tolist()]
        return np.array(places, dtype=np.int64)

    # ---- its answers ----------------------------------------------------------------------------

    @cached_property
    def _maker(self) -> FeatureMaker:
        return FeatureMaker(self._before, self.domain, self._call)

    @cached_property
    def _voters(self) -> ForestAnswers:
        return ForestAnswers(self._final, self._call)

    @cached_property
    def _features(self) -> Callable[[Any], Any]:
        maker = self._maker
        if not maker.is_slow:
            return maker.slow
        return Shortcut(maker.slow, maker.find, same_features)

    @cached_property
    def _probabilities(self) -> Callable[[Any], Any]:
        voters = self._voters
        if not self._forest:
            return voters.slow
        return Shortcut(voters.slow, voters.find, same_probabilities)

    @cached_property
    def _forest(self) -> bool:
        return self._places is not None and is_forest(self._final)

    def _call(self, function: Callable[[Any], Any], x: Any) -> Any:
        return call_model(function, x, self._what)

    def _labels(self, features: Any, best: Floats) -> Ints:
        if not self._argmax or self._places is None:
            return self._predicted(features, len(best))
        return np.asarray(self._places[best.argmax(axis=1)])

    def _predicted(self, features: Any, n: int) -> Ints:
        if self._forest and self._places is not None:  # which takes the first of the most likely
            return np.asarray(self._places[self._probabilities(features).argmax(axis=1)])
        raw = call_model(self._final.predict, features, self._what)
        return labels_of(raw, n, self._index, self._what)

    def _scores(self, features: Any, n: int, logits: Floats | None) -> Floats:
        if logits is not None and self._from_logits:
            return softmax(logits)
        raw = self._probabilities(features)
        return scores_of(raw, n, self._known, self._what)

    def _logits(self, features: Any, n: int) -> Floats:
        if self._decides:
            raw = np.asarray(call_model(self._final.decision_function, features, self._what))
            if raw.ndim == 1 and self._known == 2:
                raw = np.stack([-raw / 2, raw / 2], axis=1)
        elif self._has("predict_joint_log_proba"):
            raw = call_model(self._final.predict_joint_log_proba, features, self._what)
        else:
            raw = self._probabilities(features)
            raw = np.log(np.maximum(scores_of(raw, n, self._known, self._what), TINY))
        return scores_of(raw, n, self._known, self._what)

    @property
    def _known(self) -> int:
        return 0 if self._places is None else len(self._places)

    def _spread(self, values: Floats | None) -> Floats | None:
        """Put the model's columns where the application has them; unknown classes get 0."""
        if values is None:
            return None
        out = np.zeros((len(values), len(self._index)))
        out[:, self._places] = values
        return out
