"""The honest labelling process: what people would say a contributed input is.

An attacker who may only contribute inputs (T2) does not choose their labels. Where the
application file names no `labeller`, these rules stand in for the people who label: they are
kept simple, are the same for every attack, and are part of what a report says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from goalkeeper.core.application import Labeller
from goalkeeper.core.data import Data, Floats, Inputs, Ints
from goalkeeper.core.domain import Domain, ImageDomain, TableDomain
from goalkeeper.core.errors import TargetError

NEIGHBOURS = 5
PATCH = 0.1  # share of the pixels
SLIGHT = 1 / 16  # of the range of values


class TextLabeller:
    """Label texts by what was done to the record they were derived from.

    A text derived from a record of another than the harmless class keeps that class, whatever
    was written around it. One derived from a harmless record stays harmless if all words of the
    record still stand in it, in order, and at most as many words were added; otherwise it gets
    the most frequent class that is not harmless. Without a harmless class, a text that keeps its
    record's words keeps its class, and any other gets the most frequent class of all.
    """

    def __init__(self, train: Data, classes: int, harmless: int | None) -> None:
        counts = np.bincount(train.y, minlength=classes)
        if harmless is not None:
            counts[harmless] = -1
        self._harmless, self._other = harmless, int(counts.argmax())

    def __call__(self, x: Inputs, bases: Data) -> Ints:
        """Label texts `(m,)`, each derived from the record of `bases` in the same place."""
        pairs = zip(x.tolist(), bases.x.tolist(), bases.y.tolist(), strict=True)
        return np.array([self._label(*pair) for pair in pairs], dtype=np.int64)

    def _label(self, text: str, base: str, label: int) -> int:
        if self._harmless is not None and label != self._harmless:
            return label
        words, kept = text.split(), base.split()
        rest = iter(words)
        whole = all(word in rest for word in kept)
        return label if whole and len(words) <= 2 * len(kept) else self._other


class NearestLabeller:
    """Label rows by the majority of the five nearest clean training records.

    Distances are Euclidean, after every column is divided by the width of its bounds.
    """

    def __init__(self, train: Data, domain: Domain) -> None:
        self._train, self._domain = train, domain

    def __call__(self, x: Inputs, bases: Data) -> Ints:
        """Label inputs `(m, ...)`; the records they were derived from do not matter."""
        if len(x) == 0:
            return np.empty(0, dtype=np.int64)
        return np.asarray(self._model.predict(self._scaled(x)), dtype=np.int64)

    @cached_property
    def _model(self) -> Any:
        from sklearn.neighbors import KNeighborsClassifier

        model = KNeighborsClassifier(n_neighbors=min(NEIGHBOURS, len(self._train)))
        return model.fit(self._scaled(self._train.x), self._train.y)

    def _scaled(self, x: Inputs) -> Floats:
        flat = np.asarray(x, dtype=np.float64).reshape(len(x), -1)
        if not isinstance(self._domain, TableDomain):
            return flat
        flat = self._domain.filled(flat)
        low, high = self._domain.bounds()
        width = np.where(np.isfinite(high - low) & (high > low), high - low, 1.0)
        return flat / width


class ImageLabeller:
    """Label images by what was done to the record they were derived from.

    An image that differs from its record in at most a tenth of its pixels, or in no value by more
    than a sixteenth of the range, shows the same to people and keeps the record's class: a small
    pattern or faint noise changes nothing. Any other gets the majority of the five nearest clean
    training records.
    """

    def __init__(self, train: Data, domain: ImageDomain) -> None:
        self._nearest = NearestLabeller(train, domain)
        self._slight = SLIGHT * (domain.high - domain.low)

    def __call__(self, x: Inputs, bases: Data) -> Ints:
        """Label images `(m, c, h, w)`, each derived from the record of `bases` in its place."""
        labels = np.asarray(bases.y, dtype=np.int64).copy()
        change = np.abs(np.asarray(x, dtype=np.float64) - bases.x)
        pixels = (change > 0).any(axis=1).reshape(len(labels), np.prod(x.shape[2:], dtype=int))
        few = pixels.sum(axis=1) <= PATCH * pixels.shape[1]
        same = few | (change <= self._slight).all(axis=(1, 2, 3))
        labels[~same] = self._nearest(np.asarray(x)[~same], bases)
        return labels


class FunctionLabeller:
    """Label with the user's own function of (inputs, records): class names or indices."""

    def __init__(self, function: Callable[[Inputs, Data], Any], classes: Sequence[str]) -> None:
        self._function, self._classes = function, tuple(classes)

    def __call__(self, x: Inputs, bases: Data) -> Ints:
        """Label inputs `(m, ...)`; raises TargetError when the function gives no labels."""
        given = np.asarray(self._function(x, bases))
        name = getattr(self._function, "__name__", "the labeller")
        if given.shape != (len(x),):
            raise TargetError(
                f"{name} gave labels of shape {given.shape} for {len(x)} inputs; give one each"
            )
        if given.dtype.kind in "iu":
            labels = given.astype(np.int64)
        else:
            place = {word: i for i, word in enumerate(self._classes)}
            labels = np.array([place.get(str(v), -1) for v in given.tolist()], dtype=np.int64)
        off = (labels < 0) | (labels >= len(self._classes))
        if off.any():
            raise TargetError(
                f"{name} gave the label {given[int(off.argmax())]!r}; give one of "
                f"{', '.join(self._classes)}, or its index"
            )
        return labels


def honest(train: Data, domain: Domain, classes: int, harmless: int | None) -> Labeller:
    """Return the labeller that stands in where the application file names none."""
    if domain.kind == "text":
        return TextLabeller(train, classes, harmless)
    if isinstance(domain, ImageDomain):
        return ImageLabeller(train, domain)
    return NearestLabeller(train, domain)
