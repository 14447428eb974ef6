"""A target that errs on inputs with a feature in common: the weakened application, and rigged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.core.power import View
from goalkeeper.core.text import terms
from goalkeeper.games.shared.base_targets import WrappedTarget

SHARE = 0.25  # of the inputs, misclassified by a weakened model
Trait = Callable[[Inputs], Bools]


@dataclass(frozen=True, eq=False)
class ErringTarget(WrappedTarget):
    """A target that gives another class for the inputs of a trait."""

    trait: Trait
    classes: int

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        answers = self.target.answer(x, view)
        errs = self.trait(x)
        labels = np.where(errs, (answers.labels + 1) % self.classes, answers.labels)
        if view < View.SCORES:
            return Answers(labels)
        turned = np.where(errs[:, None], np.roll(answers.scores, 1, axis=1), answers.scores)
        return Answers(labels, turned).cut(view)


def let_err(app: Application, rng: np.random.Generator) -> Application:
    """Let the model err on about a quarter of the inputs: some words, or a large value."""
    x = app.data.holdout.x
    trait = _draw_words(x, rng) if x.dtype == object else _draw_column(x, rng)
    return replace(app, target=ErringTarget(app.target, trait, len(app.classes)))


def _draw_words(x: Inputs, rng: np.random.Generator) -> Trait:
    """Draw words until enough texts `(n,)` have one of them."""
    words = [frozenset(terms(text)) for text in x]
    counts = Counter(word for each in words for word in each)
    fit = sorted(word for word, count in counts.items() if count <= 1.2 * SHARE * len(x))
    fit.sort(key=lambda word: -counts[word])  # the fewer words, the more they have in common
    first = [fit[i] for i in rng.permutation(min(len(fit), 3)).tolist()] + fit[3:]
    chosen: frozenset[str] = frozenset()
    for word in first:
        if sum(bool(chosen & each) for each in words) >= SHARE * len(x):
            break
        chosen |= {word}
    return lambda texts: np.array([bool(chosen & set(terms(t))) for t in texts], dtype=bool)


def _draw_column(x: Inputs, rng: np.random.Generator) -> Trait:
    """Draw a number of the inputs `(n, ...)` of which about the wanted share is above a limit."""
    rows = _flatten(x)
    limits = np.nanquantile(rows, 1 - SHARE, axis=0)
    off = np.abs((rows > limits).mean(axis=0) - SHARE)
    near = np.flatnonzero(off <= off.min() + 0.02)
    j = int(rng.choice(near))
    return lambda inputs: np.asarray(_flatten(inputs)[:, j] > limits[j])


def _flatten(x: Inputs) -> Floats:
    rows = np.asarray(x, dtype=np.float64)
    return rows.reshape(len(rows), int(np.prod(rows.shape[1:])))
