"""One model of each family in closed form: nothing is trained, and its shape is unmistakable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Answers, Application, Target
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.power import View
from goalkeeper.games.shared.base_targets import BareTarget
from goalkeeper.games.shared.hidden_victims import MakeVictim

Rule = Callable[[Floats], Floats]  # standardised rows (n, d) to log-odds of class 1 (n,)


def closed_form_victims(app: Application) -> MakeVictim:
    """Return what builds a model of each family in closed form, on the columns of a table.

    Kinds come in the order of the families that the game knows; two classes are ever answered.
    """
    like = np.asarray(app.data.calibration.x, dtype=np.float64)
    centre, spread = like.mean(axis=0), like.std(axis=0)
    spread[spread == 0] = 1.0
    scaled = (like - centre) / spread

    def make(kind: int, rng: np.random.Generator) -> Target:
        rule = RULES[kind](like.shape[1], rng)
        middle = 0.0 if kind == NEIGHBOURS else np.median(rule(scaled))
        return ClosedFormTarget(rule, float(middle), centre, spread, len(app.classes))

    return make


@dataclass(frozen=True, eq=False)
class ClosedFormTarget(BareTarget):
    """A target that answers by a rule on standardised rows."""

    rule: Rule
    middle: float
    centre: Floats
    spread: Floats
    classes: int

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer rows `(n, d)`."""
        odds = self.rule((np.asarray(x, dtype=np.float64) - self.centre) / self.spread)
        one = 1 / (1 + np.exp(-np.clip(odds - self.middle, -500, 500)))
        scores = np.zeros((len(x), self.classes))
        scores[:, 0], scores[:, 1] = 1 - one, one
        return Answers(scores.argmax(axis=1).astype(np.int64), scores).cut(view)


def _linear(width: int, rng: np.random.Generator) -> Rule:
    weights = rng.normal(size=width)
    return lambda rows: np.asarray(rows @ weights)


def _quadratic(width: int, rng: np.random.Generator) -> Rule:
    """Naive Bayes of normal columns: each column adds a parabola."""
    weights, bends = rng.normal(size=width), rng.normal(size=width) * 0.5
    return lambda rows: np.asarray(rows @ weights + rows**2 @ bends)


def _stumps(width: int, rng: np.random.Generator) -> Rule:
    columns = rng.integers(0, width, 12)
    edges, heights = rng.normal(size=12), rng.normal(size=12)
    return lambda rows: np.asarray((rows[:, columns] > edges) @ heights)


def _neighbours(width: int, rng: np.random.Generator) -> Rule:
    points, k = rng.normal(size=(60, width)), int(rng.choice([3, 5, 7]))
    labels = points @ rng.normal(size=width) > 0

    def rule(rows: Floats) -> Floats:
        far = (points**2).sum(axis=1) - 2 * rows @ points.T
        near = np.argpartition(far, k, axis=1)[:, :k]
        share = np.clip(labels[near].mean(axis=1), 1e-9, 1 - 1e-9)
        return np.asarray(np.log(share) - np.log1p(-share))

    return rule


def _kernel(width: int, rng: np.random.Generator) -> Rule:
    points, heights = rng.normal(size=(40, width)), rng.normal(size=40)

    def rule(rows: Floats) -> Floats:
        far = (points**2).sum(axis=1) - 2 * rows @ points.T + (rows**2).sum(axis=1)[:, None]
        return np.asarray(3 * np.exp(-far / (2 * width)) @ heights)

    return rule


def _network(width: int, rng: np.random.Generator) -> Rule:
    inner, out = rng.normal(size=(width, 24)) / np.sqrt(width), rng.normal(size=24)
    offsets = rng.normal(size=24)
    return lambda rows: np.asarray(np.maximum(rows @ inner + offsets, 0) @ out)


NEIGHBOURS = 3
RULES = (_linear, _quadratic, _stumps, _neighbours, _kernel, _network)
