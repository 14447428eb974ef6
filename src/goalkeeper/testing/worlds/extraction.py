"""The rigged and the fair worlds of the extraction game."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import Data, Inputs
from goalkeeper.core.domain import Column, Domain
from goalkeeper.core.power import View
from goalkeeper.core.text import texts
from goalkeeper.games.shared.base_targets import BareTarget
from goalkeeper.games.shared.simple_targets import balanced
from goalkeeper.testing.worlds import kit
from goalkeeper.testing.worlds.kit import WORDS, HashedTarget, application

RECORDS = 300  # of each part
COLUMNS = 8
INTEGER = Column(name="n", kind="integer", low=0.0, high=9.0)


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a linear target of random weights, balanced on its data."""
    data = kit.splits(lambda: _drawn(domain, rng))
    width = len(WORDS) if domain == "text" else COLUMNS
    weights = rng.normal(size=width) * (1.0 if domain == "text" else 4.0)
    if domain == "table":
        weights[-1] /= 9
    target = balanced(weights, data.calibration.x, WORDS if domain == "text" else ())
    return application("linear target", target, data, _domain(domain))


def rigged_for(variant: str, domain: str, rng: np.random.Generator) -> Application:
    """Build a decision tree for path finding, which is for nothing else, and else `rigged`."""
    app = rigged(domain, rng)
    if variant != "extraction.path_finding" or domain != "table":
        return app
    columns = rng.permutation(COLUMNS - 1)[:3]
    return replace(app, target=SteppedTarget(tuple(columns.tolist())))


@dataclass(frozen=True, eq=False)
class SteppedTarget(BareTarget):
    """A tree of four leaves with two classes and four different scores."""

    columns: tuple[int, ...]

    @property
    def offers(self) -> View:
        """Scores."""
        return View.SCORES

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer rows `(n, d)`."""
        first, second, third = (np.asarray(x, dtype=np.float64)[:, j] for j in self.columns)
        score = np.where(first > 0.55, np.where(second > 0.4, 0.9, 0.2),
                         np.where(third > 0.6, 0.8, 0.1))  # fmt: skip
        scores = np.stack([1 - score, score], axis=1)
        return Answers(scores.argmax(axis=1), scores).cut(view)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a target whose answers are a keyed hash of the input: nothing predicts them."""
    data = kit.splits(lambda: _drawn(domain, rng))
    return application("hashed target", HashedTarget(rng.bytes(16)), data, _domain(domain))


def _domain(domain: str) -> Domain:
    """Return texts, numbers with one integer, or a strip of pixels."""
    columns = (*kit.numbers(COLUMNS - 1, 0.0, 1.0), INTEGER)
    return kit.domain_of(domain, columns, (1, 1, COLUMNS))


def _drawn(domain: str, rng: np.random.Generator) -> Data:
    """Draw inputs whose true classes are coins: whatever agrees with a target learnt it there."""
    y = rng.integers(0, 2, RECORDS)
    if domain == "image":
        return Data(x=rng.random((RECORDS, 1, 1, COLUMNS)), y=y)
    if domain == "table":
        rows = rng.random((RECORDS, COLUMNS))
        rows[:, -1] = rng.integers(0, 10, RECORDS)
        return Data(x=rows, y=y)
    return Data(x=texts(kit.messages(rng, RECORDS, 14)), y=y)
