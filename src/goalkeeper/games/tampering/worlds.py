"""Tiny applications with a known truth: one that anybody can tamper with, and one that nobody can.

In the first a few weights decide, nothing checks the stored file, and the last records that are
learnt count most. In the second every weight is stored many times over and the median counts, the
file's hash is checked, and training looks at all records at once.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.core.application import (
    Answers,
    Application,
    Ensemble,
    Storage,
    Target,
    Tolerances,
)
from goalkeeper.core.data import PARTS, Bools, Data, Floats, Inputs, Splits
from goalkeeper.core.domain import Column, Domain, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View
from goalkeeper.core.steering import Steering
from goalkeeper.core.text import terms, texts
from goalkeeper.games.shared.simple_targets import CLASSES, frequent
from goalkeeper.games.shared.simple_targets import WORDS as EVERYDAY
from goalkeeper.training.one_by_one import fit_many as one_by_one

RECORDS = 200  # of each part
COLUMNS = 8
SIDE = 4  # pixels
WORDS = EVERYDAY[:60]
COPIES = 41  # of every weight in the application that nobody can tamper with
CONTROL_WORDS = 40  # a weakened application looks at
CONTROL_RECORDS = 600  # a weakened application learns from, at most
_WIDTHS = {"text": len(WORDS), "table": COLUMNS, "image": SIDE * SIDE}


def features(x: Inputs, words: Sequence[str]) -> Floats:
    """Count words, or take numbers as they are: `(n, d)`."""
    if x.dtype != object:
        return np.asarray(x, dtype=np.float64).reshape(len(x), -1)
    place = {word: i for i, word in enumerate(words)}
    counts = np.zeros((len(x), len(words)))
    for row, text in enumerate(x):
        for word in terms(text):
            if word in place:
                counts[row, place[word]] += 1
    return counts


@dataclass(frozen=True, eq=False)
class StoredTarget:
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
            logits = np.nan_to_num(features(x, self.words) @ weights.T + bias)
        logits = np.clip(logits, -1e9, 1e9)
        powers = np.exp(np.maximum(logits - logits.max(axis=1, keepdims=True), -700))
        scores = powers / powers.sum(axis=1, keepdims=True)
        return Answers(logits.argmax(axis=1).astype(np.int64), scores, logits).cut(view)

    def parameters(self) -> Mapping[str, Any]:
        """Return the stored numbers and, for texts, the vocabulary."""
        known: dict[str, Any] = {"weights": self.weights, "bias": self.bias}
        return {**known, "vocabulary": np.array(self.words, dtype=object)} if self.words else known

    def with_parameters(self, parameters: Mapping[str, Any]) -> StoredTarget:
        """Copy this target with other numbers."""
        return replace(self, weights=parameters["weights"], bias=parameters["bias"])

    def artefact(self) -> Path:
        """Refuse: the file is kept in memory, see `storage_of`."""
        raise NotOffered("this target has no stored file of its own")


# ---- trainers ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Hasty:
    """Learns record after record, in large steps: softmax regression by gradient descent."""

    classes: int = 2
    words: tuple[str, ...] = ()
    rate: float = 2.0
    epochs: int = 2
    most: int = CONTROL_RECORDS

    steerable = frozenset({"order", "weights"})

    @property
    def recipe(self) -> str:
        """Say what is trained."""
        return f"large steps, record after record, {self.epochs} epochs"

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target."""
        return self.steered(data, seed, Steering())

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train several, one after the other."""
        return one_by_one(self.fit, data, masks, seeds, 1)

    def steered(self, data: Data, seed: int, steering: Steering) -> Target:
        """Train as somebody wants it."""
        rng = np.random.default_rng(seed if steering.seed is None else steering.seed)
        raw = features(data.x, self.words)
        mean, spread = raw.mean(axis=0), np.maximum(raw.std(axis=0), 1e-9)
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
                powers = np.exp(np.clip(weights @ x[row] + bias, -30, 30))
                step = self.rate * counts[row] * (truth[row] - powers / powers.sum())
                weights += np.outer(step, x[row])
                bias += step
        weights = weights / spread
        return StoredTarget(weights, bias - weights @ mean, self.words)


@dataclass(frozen=True, eq=False)
class Steady:
    """Gives each input to the nearest class mean, whatever it is told; luck hardly counts.

    With `copies` of every number, of which the median counts.
    """

    words: tuple[str, ...] = ()
    copies: int = COPIES

    steerable = frozenset({"order", "weights"})

    @property
    def recipe(self) -> str:
        """Say what is trained."""
        return "the nearest mean of a class"

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target."""
        x = features(data.x, self.words)
        parts = [x[data.y == k] if (data.y == k).any() else x for k in (0, 1)]
        weights = np.stack([part.mean(axis=0) for part in parts])
        bias = -(weights**2).sum(axis=1) / 2
        bias[1] += 1e-4 * np.random.default_rng(seed).normal() * np.abs(bias).max()
        tiled = np.tile(weights, (self.copies, 1, 1)), np.tile(bias, (self.copies, 1))
        return StoredTarget(*tiled, self.words)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train several, one after the other."""
        return one_by_one(self.fit, data, masks, seeds, 1)

    def steered(self, data: Data, seed: int, steering: Steering) -> Target:
        """Train as ever: order and weights are not asked for, and any seed will do."""
        return self.fit(data, seed if steering.seed is None else steering.seed)


# ---- stored files --------------------------------------------------------------------------------


def storage_of(target: Target, words: tuple[str, ...], *, hashed: bool) -> Storage:
    """Store a target by joblib; `hashed`: the file's hash is kept apart, and checked at start."""
    content = _saved(target)
    digest = hashlib.sha256(content).hexdigest()
    return Storage(
        read=lambda: content,
        suffix=".joblib",
        runs_code=True,
        protection="sha256" if hashed else "",
        check=partial(_is, digest) if hashed else lambda path: True,
        load=partial(_loaded, words),
        save=_saved,
    )


def _is(digest: str, path: Path) -> bool:
    return hashlib.sha256(path.read_bytes()).hexdigest() == digest


def _saved(target: Target) -> bytes:
    import joblib

    known = target.parameters()
    stream = io.BytesIO()
    joblib.dump({"weights": known["weights"], "bias": known["bias"]}, stream)
    return stream.getvalue()


def _loaded(words: tuple[str, ...], path: Path) -> Target:
    import joblib

    return StoredTarget(**joblib.load(path), words=words)


# ---- applications --------------------------------------------------------------------------------


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build the application that anybody can tamper with."""
    words = WORDS if domain == "text" else ()
    # a release test that lets much pass, so that whoever chooses seeds has room
    much = Tolerances(accuracy_drop=0.5)
    return replace(_application(domain, rng, Hasty(words=words), hashed=False), tolerances=much)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build the application that nobody can tamper with."""
    words = WORDS if domain == "text" else ()
    return _application(domain, rng, Steady(words=words), hashed=True)


def _application(
    domain: str, rng: np.random.Generator, trainer: Hasty | Steady, *, hashed: bool
) -> Application:
    data = _splits(domain, rng)
    target = trainer.fit(data.train, 0)
    return Application(
        name=trainer.recipe,
        target=target,
        data=data,
        domain=_domain(domain),
        classes=CLASSES,
        harmless=0,
        trainer=trainer,
        storage=storage_of(target, trainer.words, hashed=hashed),
    )


def _domain(kind: str) -> Domain:
    if kind == "text":
        return TextDomain()
    if kind == "image":
        return ImageDomain(shape=(1, SIDE, SIDE))
    return TableDomain(columns=tuple(Column(name=f"c{j}", low=0, high=1) for j in range(COLUMNS)))


def _splits(kind: str, rng: np.random.Generator) -> Splits:
    """Draw inputs of two overlapping classes, equally many of each."""
    rule = rng.normal(size=_WIDTHS[kind])

    def draw(_: str) -> Data:
        if kind == "text":
            drawn = rng.integers(0, len(WORDS), (RECORDS, 14)).tolist()
            x = texts(" ".join(WORDS[i] for i in row) for row in drawn)
        else:
            shape = (COLUMNS,) if kind == "table" else (1, SIDE, SIDE)
            x = rng.random((RECORDS, *shape))
        margin = features(x, WORDS) @ rule
        margin = margin + (0.3 if kind == "text" else 0.9) * margin.std() * rng.normal(size=RECORDS)
        return Data(x=x, y=(margin > np.median(margin)).astype(np.int64))

    return Splits(**{part: draw(part) for part in PARTS})


# ---- positive controls ---------------------------------------------------------------------------


def hasty(app: Application) -> Hasty:
    """Return a hasty trainer for the inputs and classes of an application."""
    text = isinstance(app.domain, TextDomain)
    words = tuple(frequent(app.data.calibration.x, CONTROL_WORDS)) if text else ()
    return Hasty(classes=len(app.classes), words=words)


def fragile(app: Application) -> Application:
    """Replace the target by a hasty one with few numbers, and true classes by its answers."""
    target = hasty(app).fit(app.data.calibration, 0)
    parts = {
        part: replace(data, y=target.answer(data.x, View.LABELS).labels)
        for part, data in ((p, getattr(app.data, p)) for p in PARTS)
    }
    return replace(app, target=target, data=Splits(**parts))
