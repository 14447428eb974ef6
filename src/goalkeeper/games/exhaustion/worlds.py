"""Targets that count their operations: costly ones, steady ones, and weakened ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import PARTS, Floats, Inputs, row_keys
from goalkeeper.core.power import View
from goalkeeper.core.text import terms
from goalkeeper.games.shared.output_data import Bare, Wrapped, application, drawn, two_classes

MOST = 30  # times that a weakened target answers the same input
PARTS_OF_ONE = 1024  # in which operations are counted: sums of such numbers are exact
UNKNOWN = 8  # times, for rows and images that are none of its records


@dataclass(frozen=True, eq=False)
class Counting(Bare):
    """Answers at random, and counts what it does by a rule of its own."""

    cost: Callable[[Inputs], Floats]
    key: bytes
    done: list[float] = field(default_factory=lambda: [0.0])

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        self.done[0] += float(np.round(self.cost(x) * PARTS_OF_ONE).sum()) / PARTS_OF_ONE
        return two_classes(0.01 + 0.98 * drawn(x, self.key), view)

    def work(self) -> float:
        """Return the operations so far."""
        return self.done[0]


def rigged(kind: str, rng: np.random.Generator) -> Application:
    """Build a target that compares every word with every other, or searches where values end."""
    return application("costly model", kind, Counting(_costly, rng.bytes(8)), rng)


def fair(kind: str, rng: np.random.Generator) -> Application:
    """Build a target whose costs depend on the size, and on nothing else that anybody knows."""
    key = rng.bytes(8)
    target = Counting(lambda x: _sizes(x) * (0.8 + 0.4 * drawn(x, key)), rng.bytes(8))
    return application("steady model", kind, target, rng)


def _costly(x: Inputs) -> Floats:
    if x.dtype == object:
        return np.array([10.0 + len(set(terms(text))) ** 2 for text in x])
    rows = np.asarray(x, dtype=np.float64).reshape(len(x), -1)
    return np.asarray(10.0 + 100 * ((rows <= 0.02) | (rows >= 0.98)).mean(axis=1))


def _sizes(x: Inputs) -> Floats:
    if x.dtype == object:
        return np.array([float(len(text)) for text in x])
    return np.full(len(x), float(np.prod(x.shape[1:])))


@dataclass(frozen=True, eq=False)
class Laborious(Wrapped):
    """A target that answers an input again and again where it finds it unusual.

    Texts are unusual by how many different words they hold for their length, rows and images
    unless they are among its own records.
    """

    known: frozenset[bytes]

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        answers = self.target.answer(x, view)
        for i, times in enumerate(self._times(x)):
            for _ in range(times):
                self.target.answer(x[i : i + 1], view)
        return answers

    def _times(self, x: Inputs) -> list[int]:
        if x.dtype == object:
            shares = [16 * len(set(terms(text))) / (len(text) + 1) for text in x]
            return [int(min(MOST, share**2)) for share in shares]
        return [0 if key in self.known else UNKNOWN for key in row_keys(x)]


def laborious(app: Application) -> Application:
    """Weaken an application: unusual inputs are answered many times over."""
    known: frozenset[bytes] = frozenset()
    if app.domain.kind != "text":
        known = frozenset(key for part in PARTS for key in row_keys(getattr(app.data, part).x))
    return replace(app, target=Laborious(app.target, known))
