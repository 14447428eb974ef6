"""Linear targets: a softmax of columns or word counts, and the rules of positive controls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.numbers import spread
from goalkeeper.core.power import View
from goalkeeper.core.scripts import is_alphabetic
from goalkeeper.core.text import terms
from goalkeeper.games.shared.base_targets import BareTarget

MOSTLY = 0.5  # share of a column's values: one that more have says little of most inputs


@dataclass(frozen=True, eq=False)
class LinearTarget(BareTarget):
    """Softmax of `features @ weights.T + bias`; weights `(classes, d)`, bias `(classes,)`.

    Features are the columns of a table, or how often each word of `vocabulary` stands in a text.
    """

    weights: Floats
    bias: Floats
    vocabulary: tuple[str, ...] = ()

    @property
    def offers(self) -> View:
        """Everything, as the weights can be read."""
        return View.GRADIENTS

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer texts `(n,)` or rows `(n, d)`."""
        logits = self.features(x) @ self.weights.T + self.bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores = powers / powers.sum(axis=1, keepdims=True)
        return Answers(logits.argmax(axis=1).astype(np.int64), scores, logits).cut(view)

    def features(self, x: Inputs) -> Floats:
        """Count words, or take columns or pixels as they are, a missing number for 0: `(n, d)`."""
        if not self.vocabulary:
            rows = np.asarray(x, dtype=np.float64)
            flat = rows.reshape(len(rows), int(np.prod(rows.shape[1:])))  # -1 fails for no images
            return np.nan_to_num(flat, nan=0.0) if np.isnan(flat).any() else flat
        place = {word: i for i, word in enumerate(self.vocabulary)}
        counts = np.zeros((len(x), len(place)))
        for row, text in enumerate(x):
            for word in terms(text):
                if word in place:
                    counts[row, place[word]] += 1
        return counts

    def parameters(self) -> Mapping[str, Any]:
        """Return weights, bias and, for texts, the vocabulary; one row for two classes."""
        weights, bias = self.weights, self.bias
        if len(bias) == 2:
            weights, bias = weights[1:] - weights[:1], bias[1:] - bias[:1]
        known = {"weights": weights, "bias": bias}
        words = np.array(self.vocabulary, dtype=object)
        return {**known, "vocabulary": words} if self.vocabulary else known

    def network(self, count: Callable[[int, int], None]) -> Any:
        """Return the metered torch form; raises NotOffered for texts."""
        from goalkeeper.targets.differentiable import linear_network

        if self.vocabulary:
            raise NotOffered("texts have no differentiable form")
        return linear_network(self.weights, self.bias, count)


def balanced(
    weights: Floats, like: Inputs, vocabulary: tuple[str, ...] = (), classes: int = 2
) -> LinearTarget:
    """Build a linear target with equally many inputs `like` in each class, as far as it can be.

    `weights` `(d,)` give a margin; class k wins where the margin passes its k-th quantile.
    """
    steps = np.arange(classes) / max(1, classes - 1)
    probe = LinearTarget(np.zeros((1, len(weights))), np.zeros(1), vocabulary)
    margins = probe.features(like) @ weights
    spread = max(float(margins.std()), 1e-9)
    quantiles = np.quantile(margins, np.arange(1, classes) / classes)
    edges = np.array([_beside_ties(edge, margins, 1e-9 * spread) for edge in quantiles])
    bias = np.concatenate([[0.0], -np.cumsum(edges * np.diff(steps))])
    return LinearTarget(
        np.outer(steps, weights) * 4 / spread, bias * 4 / spread, vocabulary=vocabulary
    )


def _beside_ties(edge: float, margins: Floats, close: float) -> float:
    """Move an edge that several margins lie on to the middle of the next gap.

    On the edge classes would tie, and rounding errors decide: no copy could agree with that.
    """
    if (np.abs(margins - edge) <= close).sum() < 2:
        return edge
    above, below = margins[margins > edge + close], margins[margins < edge - close]
    if len(above):
        return float(edge + above.min()) / 2
    return float(edge + below.max()) / 2 if len(below) else edge - 1.0


def _often_different(rows: Floats, varied: Ints) -> Ints:
    """Return the columns that are not mostly one value, or the two that are least so.

    A value that more than half of a column has is its median.
    """
    mostly = (rows[:, varied] == np.median(rows[:, varied], axis=0)).mean(axis=0)
    often = varied[mostly <= MOSTLY]
    return often if len(often) > 1 else varied[np.argsort(mostly, kind="stable")[:2]]


def simple_rule(app: Application, rng: np.random.Generator) -> LinearTarget:
    """Build the positive control: a rule on six frequent words, or on two columns.

    It answers with all of the application's classes, about equally often. The columns are those
    that differ from input to input: by pixels that are nearly always black all images are alike.
    """
    like, classes = app.data.calibration.x, len(app.classes)
    if isinstance(app.domain, TextDomain):
        words = frequent(like, 12)
        chosen = tuple(rng.permutation(words)[:6].tolist())
        return balanced(rng.uniform(0.5, 1.0, len(chosen)), like, chosen, classes)
    rows = np.asarray(like, dtype=np.float64).reshape(len(like), -1)
    width = spread(rows)
    weights = np.zeros(rows.shape[1])
    varied = np.flatnonzero(width > 0)
    chosen_columns = rng.permutation(_often_different(rows, varied))[:2]
    weights[chosen_columns] = rng.choice([-1.0, 1.0], len(chosen_columns)) / width[chosen_columns]
    return balanced(weights, like, classes=classes)


def word_rule(app: Application, rng: np.random.Generator) -> LinearTarget:
    """Build a rule by which 40 of the 120 most frequent words speak against a text.

    The others speak for it, less strongly; half of the texts are declined.
    """
    like, classes = app.data.calibration.x, len(app.classes)
    words = tuple(frequent(like, 120))
    chosen = rng.permutation(len(words)) < 40
    weights = np.where(chosen, rng.uniform(1.0, 2.0, len(words)), rng.uniform(-0.7, 0, len(words)))
    rule = balanced(weights, like, words)
    harmless = app.harmless or 0
    rows, bias = np.zeros((classes, len(words))), np.full(classes, -50.0)
    rows[harmless], bias[harmless] = -rule.weights[1], -rule.bias[1]
    bias[1 if harmless == 0 else 0] = 0.0
    return LinearTarget(rows, bias, words)


def frequent(x: Inputs, size: int, most: float = 0.7) -> list[str]:
    """List the words that stand in most texts `(n,)`, but in no more than a share `most`.

    Words of letters alone; where there are none, as in logs and codes, any. Where no text has a
    word, a word that none of them has.
    """
    counts: dict[str, int] = {}
    for text in x:
        for word in set(terms(text)):
            counts[word] = counts.get(word, 0) + 1
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    usual = [word for word in ranked if counts[word] <= most * len(x)]
    return ([word for word in usual if is_alphabetic(word)] or usual or ["word"])[:size]
