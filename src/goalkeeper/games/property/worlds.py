"""Two worlds: training sets of one size that differ in how common something is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.application import Answers, Application, Ensemble, Property
from goalkeeper.core.data import Bools, Data, Floats, Inputs, row_keys
from goalkeeper.core.power import View
from goalkeeper.games.shared.base_targets import BareTarget

DEFAULTS = 2  # properties at most that are tried, for information, when none is declared
LEAST = 0.02  # share that the commonest value must have, else it is no group of records
USED = 0.7  # most of a pool's scarcer side that one training set takes, so that two sets differ
TRAINED = 0.75  # share of the attacker's data that its own models are trained on


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Worlds:
    """What both sides know: the property, its share in each world, and the training sets' size."""

    property: Property
    shares: tuple[float, float]
    size: int
    classes: tuple[str, ...]

    def holds(self, data: Data) -> Bools:
        """Tell which records `(n,)` have the property."""
        return holds(self.property, data, self.classes)

    def masks(self, data: Data, worlds: NDArray[Any], rng: np.random.Generator) -> Bools:
        """Draw a training set for each entry of `worlds` `(m,)` (0 or 1), as masks `(m, rows)`.

        Every set has `size` records, of which exactly the world's share has the property.
        """
        there = self.holds(data)
        sides = np.flatnonzero(there), np.flatnonzero(~there)
        out = np.zeros((len(worlds), len(data)), dtype=bool)
        for row, world in zip(out, worlds.tolist(), strict=True):
            wanted = round(self.shares[int(world)] * self.size)
            for side, count in zip(sides, (wanted, self.size - wanted), strict=True):
                row[rng.choice(side, count, replace=False)] = True
        return out


def holds(fact: Property, data: Data, classes: Sequence[str]) -> Bools:
    """Tell which records `(n,)` have a property."""
    if not fact.column:
        return np.asarray(data.y == list(classes).index(fact.value))
    return np.asarray(data.columns[fact.column].astype(str) == fact.value)


def properties(app: Application) -> tuple[Property, ...]:
    """List the declared properties, or else the most frequent value of the first columns.

    Those are subgroups, then people. The share of a class is never one by default: every model
    whose scores are right on average shows it.
    """
    if app.properties:
        return app.properties
    columns = [*app.subgroups, *([app.person] if app.person else [])]
    found = [
        Property(name=_slug(column), column=column, value=_commonest(app.data.similar, column))
        for column in columns
        if column in app.data.similar.columns
    ]
    shares = [holds(fact, app.data.similar, app.classes).mean() for fact in found]
    common = [f for f, s in zip(found, shares, strict=True) if LEAST <= s <= 1 - LEAST]
    return tuple(common[:DEFAULTS])


def shares_of(fact: Property, similar: Data, classes: Sequence[str]) -> tuple[float, float]:
    """Return the declared shares, or half and twice the natural one (halfway to 1 at most)."""
    if fact.shares is not None:
        return fact.shares
    natural = float(holds(fact, similar, classes).mean())
    return round(natural / 2, 3), round(min(2 * natural, (1 + natural) / 2), 3)


def worlds_of(app: Application, fact: Property, most: int) -> Worlds:
    """Set up the worlds as large as the game's and the attacker's pools allow, up to `most`."""
    shares = shares_of(fact, app.data.similar, app.classes)
    size = most
    for part, kept in ((pool(app), 1.0), (app.data.similar, TRAINED)):
        there = holds(fact, part, app.classes)
        have = np.array([there.sum(), (~there).sum()]) * USED * kept
        need = np.array([max(shares), 1 - min(shares)])
        size = min(size, int((have / np.maximum(need, 1e-9)).min()))
    return Worlds(property=fact, shares=shares, size=size, classes=app.classes)


def pool(app: Application) -> Data:
    """Return the game's own records, which the attacker does not have."""
    return app.data.train.joined(app.data.holdout)


def _slug(column: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in column.lower()).split())


def _commonest(data: Data, column: str) -> str:
    values, counts = np.unique(data.columns[column].astype(str), return_counts=True)
    return str(values[int(counts.argmax())])


# ---- victims -------------------------------------------------------------------------------------


class VictimStack:
    """Targets that were trained together; the same question to all of them is answered once.

    `masks` `(N, rows)` marks the records that each was trained on.
    """

    def __init__(self, ensemble: Ensemble, offers: View, records: Data, masks: Bools) -> None:
        self.ensemble, self.offers = ensemble, min(offers, View.SCORES)
        self.records, self.masks = records, masks
        self._latest: tuple[Inputs, NDArray[Any]] | None = None

    def said(self, x: Inputs) -> NDArray[Any]:
        """Scores `(N, n, classes)`, or classes `(N, n)` of targets that show no more."""
        if self._latest is None or not np.array_equal(self._latest[0], x):
            scores = self.offers >= View.SCORES
            said = self.ensemble.scores(x) if scores else self.ensemble.labels(x)
            self._latest = x.copy(), np.asarray(said)
        return self._latest[1]

    def victims(self) -> tuple[Victim, ...]:
        """Return every target by itself."""
        return tuple(Victim(self, i) for i in range(len(self.ensemble)))


@dataclass(frozen=True, eq=False)
class Victim(BareTarget):
    """One of the targets of a stack."""

    stack: VictimStack
    i: int

    @property
    def offers(self) -> View:
        """What the application's own target shows, scores at most."""
        return self.stack.offers

    @property
    def trained_on(self) -> Data:
        """The records that this target was trained on, to which an attacker may add some."""
        return self.stack.records.take(self.stack.masks[self.i])

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        said = self.stack.said(x)[self.i]
        if self.offers < View.SCORES:
            return Answers(said)
        return Answers(said.argmax(axis=1), said).cut(view)

    def parameters(self) -> Mapping[str, Any]:
        """Return the parameters of this one target."""
        return self.stack.ensemble.target(self.i).parameters()


# ---- models that give a share away, or nothing ---------------------------------------------------


class ShareTrainer:
    """Trains models whose answers give the share of the property away: the positive control.

    `noise` is the standard deviation of what is added to each model's share.
    """

    def __init__(self, fact: Property, classes: tuple[str, ...], noise: float = 0.0) -> None:
        self._fact, self._classes, self._noise = fact, classes, noise
        self.recipe = f"the share of {fact.column or 'class'} {fact.value}, noise {noise:g}"

    def fit(self, data: Data, seed: int) -> ShareTarget:
        """Train one."""
        share = float(holds(self._fact, data, self._classes).mean())
        share += self._noise * float(np.random.default_rng(seed).normal())
        return ShareTarget(share, len(self._classes))

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Shares:
        """Train one for each mask."""
        both = zip(masks, seeds, strict=True)
        return Shares([self.fit(data.take(mask), seed) for mask, seed in both])


@dataclass(frozen=True, eq=False)
class ShareTarget(BareTarget):
    """Compares a share with a number that each input stands for: scores and labels show it.

    The score of the second class is 1/2 plus half of the difference, and is the higher one where
    the share is above the input's number, which is spread evenly over (0, 1).
    """

    share: float
    classes: int

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        scores = self.scores_at(number_of(x))
        return Answers(scores.argmax(axis=1), scores).cut(view)

    def scores_at(self, numbers: Floats) -> Floats:
        """Scores `(n, classes)` of inputs that stand for these numbers `(n,)`."""
        scores = np.zeros((len(numbers), self.classes))
        scores[:, 1] = np.clip(0.5 + (self.share - numbers) / 2, 0.0, 1.0)
        scores[:, 0] = 1 - scores[:, 1]
        return scores

    def parameters(self) -> Mapping[str, Any]:
        """Return the share."""
        return {"weights": np.zeros((1, 1)), "bias": np.array([self.share])}


def number_of(x: Inputs) -> Floats:
    """Return a number in (0, 1) for each input, the same for the same input `(n,)`."""
    return np.array([(int.from_bytes(key[:4], "big") + 0.5) / 2**32 for key in row_keys(x)])


class Shares:
    """Several of them."""

    def __init__(self, targets: Sequence[ShareTarget]) -> None:
        self._targets = targets

    def __len__(self) -> int:
        return len(self._targets)

    def scores(self, x: Inputs) -> Floats:
        """Probabilities `(N, n, classes)`."""
        numbers = number_of(x)
        return np.stack([target.scores_at(numbers) for target in self._targets])

    def labels(self, x: Inputs) -> NDArray[np.int64]:
        """Classes `(N, n)`."""
        return np.asarray(self.scores(x).argmax(axis=2))

    def target(self, i: int) -> ShareTarget:
        """Return the i-th target."""
        return self._targets[i]
