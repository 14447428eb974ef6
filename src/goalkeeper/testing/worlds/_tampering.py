"""Tiny applications that anybody, and that nobody, can tamper with.

In the first a few weights decide, nothing checks the stored file, and the last records that are
learnt count most. In the second every weight is stored many times over and the median counts, the
file's hash is checked, and training looks at all records at once.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import joblib
import numpy as np

from goalkeeper.core.application import Application, Ensemble, Storage, Target, Tolerances
from goalkeeper.core.data import Bools, Data, Splits
from goalkeeper.core.steering import Steering
from goalkeeper.core.text import texts
from goalkeeper.games.shared.large_steps import (
    LargeStepTrainer,
    RewritableTarget,
    extract_features,
)
from goalkeeper.testing.worlds import kit
from goalkeeper.testing.worlds.kit import CLASSES, domain_of, messages, numbers, splits
from goalkeeper.training.one_by_one import fit_many as fit_one_by_one

RECORDS = 200  # of each part
COLUMNS = 8
SIDE = 4  # pixels
WORDS = kit.WORDS[:60]
COPIES = 41  # of every weight: more than twice the 20 flips that an attack may name
WIDTHS = {"text": len(WORDS), "table": COLUMNS, "image": SIDE * SIDE}


@dataclass(frozen=True, eq=False)
class NearestMeanTrainer:
    """Assigns each input to the nearest class mean; order and weights have no effect.

    Every number is stored in `copies`, of which the median counts. The seed moves one bias by so
    little that hardly any answer depends on it.
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
        x = extract_features(data.x, self.words)
        parts = [x[data.y == k] if (data.y == k).any() else x for k in (0, 1)]
        weights = np.stack([part.mean(axis=0) for part in parts])
        bias = -(weights**2).sum(axis=1) / 2
        bias[1] += 1e-4 * np.random.default_rng(seed).normal() * np.abs(bias).max()
        tiled = np.tile(weights, (self.copies, 1, 1)), np.tile(bias, (self.copies, 1))
        return RewritableTarget(*tiled, self.words)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train several, one after the other."""
        return fit_one_by_one(self.fit, data, masks, seeds, 1)

    def fit_steered(self, data: Data, seed: int, steering: Steering) -> Target:
        """Train as always: order and weights are ignored."""
        return self.fit(data, seed if steering.seed is None else steering.seed)


def store(target: Target, words: tuple[str, ...], *, hashed: bool) -> Storage:
    """Store a target by joblib; `hashed`: its hash is kept apart, and checked at start."""
    content = _save(target)
    digest = hashlib.sha256(content).hexdigest()
    return Storage(
        read=lambda: content,
        suffix=".joblib",
        runs_code=True,
        protection="sha256" if hashed else "",
        check=partial(_has_hash, digest) if hashed else lambda path: True,
        load=partial(_load, words),
        save=_save,
    )


def _has_hash(digest: str, path: Path) -> bool:
    return hashlib.sha256(path.read_bytes()).hexdigest() == digest


def _save(target: Target) -> bytes:
    parameters = target.parameters()
    stream = io.BytesIO()
    joblib.dump({"weights": parameters["weights"], "bias": parameters["bias"]}, stream)
    return stream.getvalue()


def _load(words: tuple[str, ...], path: Path) -> Target:
    return RewritableTarget(**joblib.load(path), words=words)


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build the application that anybody can tamper with."""
    words = WORDS if domain == "text" else ()
    # so tolerant a validation before release passes the seeds that do most harm
    much = Tolerances(accuracy_drop=0.5)
    app = _application(domain, rng, LargeStepTrainer(words=words), hashed=False)
    return replace(app, tolerances=much)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build the application that nobody can tamper with."""
    words = WORDS if domain == "text" else ()
    return _application(domain, rng, NearestMeanTrainer(words=words), hashed=True)


def _application(
    domain: str,
    rng: np.random.Generator,
    trainer: LargeStepTrainer | NearestMeanTrainer,
    *,
    hashed: bool,
) -> Application:
    data = _splits(domain, rng)
    target = trainer.fit(data.train, 0)
    return Application(
        name=trainer.recipe,
        target=target,
        data=data,
        domain=domain_of(domain, numbers(COLUMNS, 0, 1), (1, SIDE, SIDE)),
        classes=CLASSES,
        harmless=0,
        trainer=trainer,
        storage=store(target, trainer.words, hashed=hashed),
    )


def _splits(kind: str, rng: np.random.Generator) -> Splits:
    """Draw inputs of two overlapping classes, equally many of each."""
    rule = rng.normal(size=WIDTHS[kind])

    def draw() -> Data:
        if kind == "text":
            x = texts(messages(rng, RECORDS, 14, WORDS))
        else:
            shape = (COLUMNS,) if kind == "table" else (1, SIDE, SIDE)
            x = rng.random((RECORDS, *shape))
        margin = extract_features(x, WORDS) @ rule
        margin = margin + (0.3 if kind == "text" else 0.9) * margin.std() * rng.normal(size=RECORDS)
        return Data(x=x, y=(margin > np.median(margin)).astype(np.int64))

    return splits(draw)
