"""The rigged and the fair worlds of the exhaustion game: targets that count their operations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.power import View
from goalkeeper.core.text import terms
from goalkeeper.games.shared.base_targets import BareTarget, draw_by_content
from goalkeeper.testing.worlds.readings import reading_application, two_classes

PARTS_OF_ONE = 1024  # in which operations are counted: sums of such numbers are exact


def rigged(kind: str, rng: np.random.Generator) -> Application:
    """Build a target that compares every word with every other, or searches where values end."""
    return reading_application("costly model", kind, OperationCounter(_costly, rng.bytes(8)), rng)


def fair(kind: str, rng: np.random.Generator) -> Application:
    """Build a target whose costs depend on nothing that anybody knows, not even on the size."""
    key = rng.bytes(8)
    target = OperationCounter(lambda x: 80.0 + 40.0 * draw_by_content(x, key), rng.bytes(8))
    return reading_application("steady model", kind, target, rng)


@dataclass(frozen=True, eq=False)
class OperationCounter(BareTarget):
    """Answers at random, and counts what it does by a rule of its own."""

    cost: Callable[[Inputs], Floats]
    key: bytes
    done: list[float] = field(default_factory=lambda: [0.0])

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        self.done[0] += float(np.round(self.cost(x) * PARTS_OF_ONE).sum()) / PARTS_OF_ONE
        return two_classes(0.01 + 0.98 * draw_by_content(x, self.key), view)

    def work(self) -> float:
        """Return the operations so far."""
        return self.done[0]


def _costly(x: Inputs) -> Floats:
    if x.dtype == object:
        return np.array([10.0 + len(set(terms(text))) ** 2 for text in x])
    rows = np.asarray(x, dtype=np.float64)
    extreme = (rows <= 0.02) | (rows >= 0.98)
    return np.asarray(10.0 + 100 * extreme.mean(axis=tuple(range(1, rows.ndim))))
