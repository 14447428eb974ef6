"""Which words a text filter looks at: read from its weights, or measured word by word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Application, Target
from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View
from goalkeeper.core.text import terms, texts

BATCH_SIZE = 4096  # texts asked at once


@dataclass(frozen=True, eq=False)
class Indicators:
    """Words and how strongly each pulls towards a harmful class `(d,)`, in what unit."""

    words: tuple[str, ...]
    pull: Floats
    unit: str

    def ranked(self) -> list[str]:
        """List the words that pull towards harmful, the strongest first."""
        order = np.argsort(-self.pull, kind="stable")
        return [self.words[i] for i in order if self.pull[i] > 0]


def list_common_words(x: Inputs, share: float, most: int) -> list[str]:
    """List words in two or more and at least a share of texts `(n,)`, most frequent first."""
    counts = Counter(word for text in x for word in set(terms(text)))
    least = max(2.0, share * len(x))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return [word for word in ranked if counts[word] >= least][:most]


def find_indicators(
    target: Target, app: Application, words: Sequence[str], inputs: Inputs
) -> Indicators:
    """Return how each word pulls: from the weights where they can be read, else measured.

    Parameters
    ----------
    target
        The target, or another one with the same classes.
    app
        Its application, which names the harmless class.
    words
        Words to look at.
    inputs
        Texts `(m,)` that words are added to where the weights cannot be read.
    """
    found = _read_weights(target, app, words)
    return found if found is not None else _measure_changes(target, app, words, inputs)


def _read_weights(target: Target, app: Application, words: Sequence[str]) -> Indicators | None:
    try:
        parameters = target.parameters()
    except NotOffered:
        return None
    if "vocabulary" not in parameters or "weights" not in parameters:
        return None
    weights = np.atleast_2d(np.asarray(parameters["weights"], dtype=np.float64))
    if len(weights) == 1:
        weights = np.vstack([np.zeros_like(weights), weights])
    pull = _towards_harmful(weights.T, app) * np.asarray(parameters.get("idf", 1.0))
    place = {word: i for i, word in enumerate(parameters["vocabulary"])}
    found = np.array([pull[place[word]] if word in place else 0.0 for word in words])
    return Indicators(tuple(words), found, "its weight in the model")


def _measure_changes(
    target: Target, app: Application, words: Sequence[str], inputs: Inputs
) -> Indicators:
    before = _measure_harm(target, app, inputs)
    longer = [f"{text} {word}" for word in words for text in inputs]
    after = [
        _measure_harm(target, app, texts(longer[i : i + BATCH_SIZE]))
        for i in range(0, len(longer), BATCH_SIZE)
    ]
    change = np.concatenate(after).reshape(len(words), len(inputs)) - before
    unit = f"the mean change when it is added to {len(inputs)} texts"
    return Indicators(tuple(words), change.mean(axis=1), unit)


def _measure_harm(target: Target, app: Application, x: Inputs) -> Floats:
    """Measure how far texts `(n,)` are on the harmful side: log-odds, else 1 or 0."""
    if target.offers < View.SCORES:
        return np.asarray(flag_harmful(target, app, x), dtype=np.float64)
    scores = target.answer(x, View.SCORES).scores
    # Kept off 0 and 1, where the log-odds would be infinite.
    passing = np.clip(scores[:, app.harmless or 0], 1e-12, 1 - 1e-12)
    return np.asarray(np.log1p(-passing) - np.log(passing))


def flag_harmful(target: Target, app: Application, x: Inputs) -> Bools:
    """Return which texts `(n,)` are not classified as harmless."""
    return np.asarray(target.answer(x, View.LABELS).labels != app.harmless)


def _towards_harmful(values: Floats, app: Application) -> Floats:
    """Take the largest of the harmful columns of `(d, classes)` less the harmless one."""
    others = np.delete(values, app.harmless or 0, axis=1)
    return np.asarray(others.max(axis=1) - values[:, app.harmless or 0])
