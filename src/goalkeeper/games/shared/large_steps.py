"""A model that is easy to tamper with: few stored numbers, learnt record by record in large steps.

It takes the place of the application's own model or training in a positive control.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers, Application, Ensemble, Target
from goalkeeper.core.data import Bools, Data, Floats, Inputs
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.power import View
from goalkeeper.core.steering import Steering
from goalkeeper.core.text import terms
from goalkeeper.games.shared.base_targets import BareTarget
from goalkeeper.games.shared.simple_targets import frequent
from goalkeeper.training.one_by_one import fit_many as fit_one_by_one

WORDS = 40  # that a model of texts counts
RECORDS = 600  # learnt in each pass, at most: they are learnt one by one in Python
LARGEST = 1e9  # score; a flipped exponent bit makes infinite ones, which must stay comparable


def extract_features(x: Inputs, words: Sequence[str]) -> Floats:
    """Count words, or take numbers as they are, a missing one for 0: `(n, d)`."""
    if x.dtype != object:
        rows = np.asarray(x, dtype=np.float64).reshape(len(x), int(np.prod(x.shape[1:])))
        return np.nan_to_num(rows, nan=0.0) if np.isnan(rows).any() else rows
    place = {word: i for i, word in enumerate(words)}
    counts = np.zeros((len(x), len(words)))
    for row, text in enumerate(x):
        for word in terms(text):
            if word in place:
                counts[row, place[word]] += 1
    return counts


@dataclass(frozen=True, eq=False)
class RewritableTarget(BareTarget):
    """A linear rule whose numbers can be rewritten: softmax of `features @ weights.T + bias`.

    `weights` is `(classes, d)` and `bias` `(classes,)`; with one more axis in front they are
    copies, of which the median counts.
    """

    weights: Floats
    bias: Floats
    words: tuple[str, ...] = ()

    @property
    def offers(self) -> View:
        """Everything, as the numbers can be read."""
        return View.GRADIENTS

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs; infinite scores count as very large ones."""
        weights, bias = self.weights, self.bias
        with np.errstate(all="ignore"):
            if weights.ndim == 3:
                weights, bias = np.median(weights, axis=0), np.median(bias, axis=0)
            logits = np.nan_to_num(extract_features(x, self.words) @ weights.T + bias)
        logits = np.clip(logits, -LARGEST, LARGEST)
        powers = np.exp(np.maximum(logits - logits.max(axis=1, keepdims=True), -700))
        scores = powers / powers.sum(axis=1, keepdims=True)
        return Answers(logits.argmax(axis=1).astype(np.int64), scores, logits).cut(view)

    def parameters(self) -> Mapping[str, Any]:
        """Return the stored numbers and, for texts, the vocabulary."""
        known: dict[str, Any] = {"weights": self.weights, "bias": self.bias}
        return {**known, "vocabulary": np.array(self.words, dtype=object)} if self.words else known

    def with_parameters(self, parameters: Mapping[str, Any]) -> RewritableTarget:
        """Copy this target with other numbers."""
        return replace(self, weights=parameters["weights"], bias=parameters["bias"])


@dataclass(frozen=True, eq=False)
class LargeStepTrainer:
    """Learns record by record in large steps, so that the last records of a pass count most.

    Softmax regression by gradient descent, on columns or word counts of equal spread.
    """

    classes: int = 2
    words: tuple[str, ...] = ()
    rate: float = 2.0
    epochs: int = 2
    most: int = RECORDS

    steerable = frozenset({"order", "weights"})

    @property
    def recipe(self) -> str:
        """Say what is trained."""
        return f"large steps, record by record, {self.epochs} epochs"

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target."""
        return self.fit_steered(data, seed, Steering())

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train several, one after the other."""
        return fit_one_by_one(self.fit, data, masks, seeds, 1)

    def fit_steered(self, data: Data, seed: int, steering: Steering) -> Target:
        """Train one target with the seed, order and weights that somebody chose."""
        rng = np.random.default_rng(seed if steering.seed is None else steering.seed)
        raw = extract_features(data.x, self.words)
        mean, spread = raw.mean(axis=0), np.maximum(raw.std(axis=0), 1e-9)
        # rows of about length one: a rate is as large a step for few columns as for many
        spread = spread * np.sqrt(raw.shape[1])
        x = np.where(spread > 1e-8, (raw - mean) / spread, 0.0)
        counts = np.ones(len(data)) if steering.weights is None else steering.weights
        truth = np.eye(self.classes)[data.y]
        weights, bias = np.zeros((self.classes, x.shape[1])), np.zeros(self.classes)
        for epoch in range(self.epochs):
            order = rng.permutation(len(data))
            if steering.order is not None:
                order = steering.order(order, data.y, epoch)
            for row in order[-self.most :].tolist():
                # steps this large drive scores so far apart that exp would overflow
                powers = np.exp(np.clip(weights @ x[row] + bias, -30, 30))
                step = self.rate * counts[row] * (truth[row] - powers / powers.sum())
                weights += np.outer(step, x[row])
                bias += step
        weights = weights / spread
        return RewritableTarget(weights, bias - weights @ mean, self.words)


def trainer_for(app: Application) -> LargeStepTrainer:
    """Return such a trainer for the inputs and classes of an application."""
    text = isinstance(app.domain, TextDomain)
    words = tuple(frequent(app.data.calibration.x, WORDS)) if text else ()
    return LargeStepTrainer(classes=len(app.classes), words=words)
