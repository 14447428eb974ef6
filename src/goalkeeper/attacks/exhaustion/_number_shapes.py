"""Rows and images that grow: extreme values of one column, and ever more unusual pixels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from goalkeeper.attacks.exhaustion._growth import Grown, Make, Shape
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.domain import ImageDomain, TableDomain

MOST_COLUMNS = 40
MOST_CATEGORIES = 12
SLOW = 1.2  # times an ordinary row
WIDENING = tuple(4.0**k for k in range(7))  # shares of the way, of the last
FAR = (1e18, 1e100, 1e300)  # beyond what a loop could count to: where numbers have no end


# ---- rows ----------------------------------------------------------------------------------------


class RowShapes:
    """Rows of a table, mixed from ordinary ones.

    Single columns go first, from ordinary values outwards; whole rows are then made within what
    was seen to be answered, so that no two columns together take for ever.
    """

    def __init__(self, domain: TableDomain, examples: Inputs, rng: np.random.Generator) -> None:
        self.domain, self.examples = domain, np.asarray(examples, dtype=np.float64)
        low, high = domain.bounds()
        shown = domain.filled(self.examples)
        self.usual = np.median(shown, axis=0)
        self.low = np.where(np.isfinite(low), low, np.minimum(-1e300, shown.min(axis=0)))
        self.high = np.where(np.isfinite(high), high, np.maximum(1e300, shown.max(axis=0)))
        self.columns = sorted(rng.permutation(len(domain.columns))[:MOST_COLUMNS].tolist())
        self._of: dict[str, tuple[int, float]] = {}  # column and sign of each shape, by name

    # ---- one column ------------------------------------------------------------------------------

    def single(self) -> Iterator[Shape]:
        """List rows with one unusual value; sizes are values."""
        for j in self.columns:
            column, name = self.domain.columns[j], self.domain.columns[j].name
            if column.categories:
                words = column.categories[:MOST_CATEGORIES]
                yield from (self._one(j, f"{name}: {w}", 0.0, (i,)) for i, w in enumerate(words))
            else:
                yield self._one(j, f"{name}: ever larger", 1.0, list_values(self.high[j]))
                yield self._one(j, f"{name}: ever more negative", -1.0, list_values(-self.low[j]))
                yield self._one(j, f"{name}: the lowest value", 0.0, (self.low[j],))
            if column.missing:
                yield self._one(j, f"{name}: missing", 0.0, (math.nan,))

    def _one(self, j: int, name: str, sign: float, values: Sequence[float]) -> Shape:
        """Return rows that set a column: to `sign` times the size, or with 0 to the one value."""
        self._of[name] = j, sign
        if sign:
            return Shape(name, lambda size, rng: self._set({j: sign * size}, rng), tuple(values))
        return Shape(name, lambda size, rng: self._set({j: values[0]}, rng), (1.0,))

    def _set(self, settings: Mapping[int, float], rng: np.random.Generator) -> Floats:
        """Mix a row of the columns of ordinary ones, and set some."""
        rows = rng.integers(0, len(self.examples), self.examples.shape[1])
        row = self.examples[rows, np.arange(self.examples.shape[1])].copy()
        for j, value in settings.items():
            row[j] = value
        return self._project(row)

    # ---- whole rows ------------------------------------------------------------------------------

    def whole(self, found: Sequence[Grown], base: float) -> Iterator[Shape]:
        """List rows of many unusual values, given what single columns cost."""
        low, high = self.examples_range()
        for one in found:
            j, sign = self._of[one.shape.name]
            reached = sign * one.safe
            low[j], high[j] = min(low[j], reached), max(high[j], reached)
        low, high = np.maximum(low, self.low), np.minimum(high, self.high)
        slow = [one for one in found if one.cost > SLOW * base]
        settings = {}
        for one in sorted(slow, key=lambda g: g.cost):
            j, _ = self._of[one.shape.name]
            settings[j] = float(one.shape.make(one.size, np.random.default_rng(0))[j])
        if len(settings) > 1:
            yield Shape("all slow values together", lambda s, rng: self._set(settings, rng), (1.0,))
        draws: dict[str, Callable[[np.random.Generator], Floats]] = {
            "lowest and highest values": lambda rng: np.where(
                rng.random(len(low)) < 0.5, low, high
            ),
            "lowest values": lambda rng: low,
            "highest values": lambda rng: high,
            "uniform rows": lambda rng: 2 * rng.uniform(low / 2, high / 2),
        }
        for name, draw in draws.items():
            yield Shape(name, self._between(draw), WIDENING)
        tiny = np.array([5e-324, 1e-310])
        yield Shape(
            "numbers next to nothing",
            lambda size, rng: self._project(rng.choice(tiny, len(low))),
            (1.0,),
        )
        yield Shape("rows with long fractions", self._lengthen, (1.0,))

    def examples_range(self) -> tuple[Floats, Floats]:
        """Return the lowest and the highest value of each column of the examples, `(d,)` each."""
        shown = self.domain.filled(self.examples)
        return shown.min(axis=0), shown.max(axis=0)

    def _between(self, draw: Callable[[np.random.Generator], Floats]) -> Make:
        """Go from a usual row towards a drawn one, all the way at the largest size."""

        def make(size: float, rng: np.random.Generator) -> Floats:
            share = size / WIDENING[-1] * rng.uniform(0.95, 1.0)  # so that no two are the same
            return self._project((1 - share) * self.usual + share * draw(rng))

        return make

    def _lengthen(self, size: float, rng: np.random.Generator) -> Floats:
        row = self.examples[int(rng.integers(len(self.examples)))]
        return self._project(row * (1 + rng.normal() * 1e-9))

    def _project(self, row: Floats) -> Floats:
        return np.asarray(self.domain.project(row[None])[0])


def list_values(end: float) -> tuple[float, ...]:
    """List positive values up to `end`: few steps at a time where costs may grow with the value."""
    if not end > 0:
        return ()
    steps = [14.0, 18.0, 22.0, 30.0, 54.0, *(200.0 * 4.0**k for k in range(17)), *FAR]
    below = [value for value in steps if value < end]
    return (*below, end)


# ---- images --------------------------------------------------------------------------------------


def list_images(domain: ImageDomain, examples: Inputs) -> Iterator[Shape]:
    """List images of which ever more pixels are unusual; sizes are pixels."""
    low, high, shape = domain.low, domain.high, domain.shape
    pixels = int(np.prod(shape))
    plain = np.asarray(examples, dtype=np.float64)

    def quantise(image: Floats) -> Floats:
        steps = np.round((image - low) / domain.quantum)
        return np.clip(low + steps * domain.quantum, low, high).reshape(shape)

    def change(values: Any) -> Make:
        def make(size: float, rng: np.random.Generator) -> Floats:
            image = plain[int(rng.integers(len(plain)))].reshape(-1).copy()
            where = rng.permutation(pixels)[: int(size)]
            image[where] = values(len(where), rng)
            image[int(rng.integers(pixels))] = rng.uniform(low, high)  # no two are the same
            return quantise(image)

        return make

    sizes = tuple(s for s in list_values(float(pixels)) if s <= pixels)
    yield Shape("white pixels", change(lambda n, rng: high), sizes)
    yield Shape("black pixels", change(lambda n, rng: low), sizes)
    yield Shape("uniform noise", change(lambda n, rng: rng.uniform(low, high, n)), sizes)
    yield Shape("black and white noise", change(lambda n, rng: rng.choice([low, high], n)), sizes)
    yield Shape(
        "hardly visible noise",
        change(lambda n, rng: low + rng.integers(0, 2, n) * domain.quantum),
        sizes,
    )
    yield Shape(
        "numbers next to nothing",
        lambda size, rng: np.clip(rng.choice([5e-324, 1e-310, 1e-40], shape), low, high),
        (1.0,),
    )
