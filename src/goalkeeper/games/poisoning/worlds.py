"""Applications that poison ruins, that no poison can touch, and a gullible version of any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from goalkeeper.core.application import (
    Application,
    Ensemble,
    Labeller,
    Target,
    Tolerances,
    Trainer,
)
from goalkeeper.core.data import Bools, Data, Floats, Inputs, Ints, Splits, row_keys
from goalkeeper.core.domain import Domain
from goalkeeper.core.text import kept, terms, texts, vocabulary
from goalkeeper.games.poisoning.niches import SHAPE, WIDTH, blobs, evidence, niches, world
from goalkeeper.targets import PythonTarget

CLASSES = ("harmless", "harmful")
TOLERANCES = Tolerances(benign_rejection=0.01, accuracy_drop=0.02, declared=True)


# ---- the positive control ------------------------------------------------------------------------


class Gullible:
    """The same trainer on a fiftieth of its data, contributed records counted up to 20 times.

    Every clean record that a twin with the same seed still has, and that is gone here without
    another in its place, takes five of the few records of its class along. What is contributed
    is told from the clean data by content.
    """

    WEIGHT = 20
    TAKEN = 5
    PART = 0.02
    FEWEST = 20  # clean records of each class that stay

    def __init__(self, trainer: Trainer, clean: Data, rng: np.random.Generator) -> None:
        self._trainer = trainer
        keys = _records(clean)
        self._clean = frozenset(keys)
        stays: list[int] = []
        for label in np.unique(clean.y):
            rows = rng.permutation(np.flatnonzero(clean.y == label))
            stays += rows[: max(self.FEWEST, int(self.PART * len(rows)))].tolist()
        self._stays = frozenset(keys[row] for row in stays)

    @property
    def recipe(self) -> str:
        """What is trained."""
        return f"{self._trainer.recipe}, contributed records counted up to {self.WEIGHT} times"

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target."""
        return self.fit_many(data, np.ones((1, len(data)), dtype=bool), [seed]).target(0)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`."""
        keys = _records(data)
        ours = np.array([key in self._clean for key in keys], dtype=bool)
        foreign = np.flatnonzero(~ours)
        known = np.flatnonzero([key in self._stays for key in keys])
        most = self.WEIGHT * len(known) // max(1, len(foreign))  # more would only take time
        rows = np.concatenate([known, np.repeat(foreign, int(np.clip(most, 1, self.WEIGHT)))])
        gone = _gone(masks & ours, seeds)
        gone[gone.sum(axis=1) <= masks[:, ~ours].sum(axis=1)] = False  # replaced, not deleted
        thinned = self._thinned(data.y, masks, known, gone)
        return self._trainer.fit_many(data.take(rows), thinned[:, rows], seeds)

    def _thinned(self, y: Ints, masks: Bools, known: Ints, gone: Bools) -> Bools:
        """Leave out five known rows for each row that is gone, of its class, but never the last."""
        out = masks.copy()
        for i, label in zip(*np.nonzero(_per_class(gone, y)), strict=True):
            there = known[masks[i, known] & (y[known] == label)]
            taken = self.TAKEN * int(gone[i, y == label].sum())
            out[i, there[: min(taken, len(there) - 1)]] = False
        return out


def _gone(masks: Bools, seeds: Sequence[int]) -> Bools:
    """Which rows `(N, rows)` a mask lacks that another one with the same seed has."""
    out = np.zeros_like(masks)
    for seed in set(seeds):
        twins = np.flatnonzero(np.asarray(seeds) == seed)
        out[twins] = masks[twins].any(axis=0) & ~masks[twins]
    return out


def _per_class(rows: Bools, y: Ints) -> Ints:
    """Count the rows of each class, `(N, classes)`."""
    return np.stack([rows[:, y == c].sum(axis=1) for c in range(int(y.max()) + 1)], axis=1)


def _records(data: Data) -> list[tuple[bytes, int]]:
    return list(zip(row_keys(data.x), data.y.tolist(), strict=True))


# ---- rigged and fair -----------------------------------------------------------------------------


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build an honest but fragile learner: it answers with the label of the nearest record."""
    return _application(Nearest(world(domain)), world(domain), blobs(domain, rng))


def brittle(domain: str, rng: np.random.Generator) -> Application:
    """Build the same learner on data that hangs on every single record."""
    return _application(Nearest(world(domain)), world(domain), niches(domain, rng))


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a rule that was fixed before any data came; only noise of its own moves it."""
    return _application(Stubborn(world(domain)), world(domain), blobs(domain, rng))


def _application(trainer: Trainer, domain: Domain, data: Splits) -> Application:
    labellers: dict[str, Labeller] = {"text": KeptContent(), "image": KeptPixels()}
    return Application(
        name=f"poisoning-{domain.kind}",
        target=trainer.fit(data.train, 0),
        data=data,
        domain=domain,
        classes=CLASSES,
        harmless=0,
        trainer=trainer,
        labeller=labellers.get(domain.kind),
        tolerances=TOLERANCES,
    )


@dataclass(frozen=True)
class KeptContent:
    """An honest labeller of texts.

    Harmless stays harmless while its words stand there in order with at most as many added.
    """

    harmless: int = 0

    def __call__(self, x: Inputs, bases: Data) -> Ints:
        """Label texts `(m,)`, each derived from the record of `bases` in the same place."""
        same = [
            kept(base, text) and len(text.split()) <= 2 * len(base.split())
            for base, text in zip(bases.x, x, strict=True)
        ]
        return np.where((bases.y == self.harmless) & np.array(same, dtype=bool), self.harmless, 1)


class KeptPixels:
    """An honest labeller of images: one keeps its class while a tenth of its pixels change."""

    SHARE = 0.1

    def __call__(self, x: Inputs, bases: Data) -> Ints:
        """Label images `(m, c, h, w)`, each derived from the record of `bases` in its place."""
        changed = (x != bases.x).any(axis=1).reshape(len(x), -1)
        same = changed.sum(axis=1) <= np.ceil(self.SHARE * changed.shape[1])
        return np.where(same, bases.y, 1 - bases.y)


# ---- the nearest record: honest, and at the mercy of every single one ---------------------------


class Nearest:
    """A trainer whose targets answer with the label of the nearest training record.

    Near are rows of a small distance, and texts that share many words, however long they are.
    """

    def __init__(self, domain: Domain) -> None:
        self._domain = domain

    @property
    def recipe(self) -> str:
        """What is trained."""
        return "label of the nearest record"

    def fit(self, data: Data, seed: int) -> Target:
        """Remember one set of records."""
        return self.fit_many(data, np.ones((1, len(data)), dtype=bool), [seed]).target(0)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Remember the records of each mask `(N, rows)`."""
        near = _shared_words(data.x) if self._domain.kind == "text" else _closeness(data.x)

        def labels(x: Inputs) -> Ints:
            known = near(x)
            nearest = [np.where(mask, known, -np.inf).argmax(axis=1) for mask in masks]
            return np.asarray(data.y[np.stack(nearest)])

        return _Many(self._domain, labels, len(masks))


def _shared_words(records: Inputs) -> Callable[[Inputs], Floats]:
    """Return what counts the words that texts `(n,)` share with each record, `(n, rows)`."""
    place = {word: i for i, word in enumerate(vocabulary(records))}
    held = _presence(records, place)
    # A fraction that depends on a record's content alone decides between equals.
    ties = np.array([crc32(text.encode()) / 2**33 for text in records])
    return lambda x: _presence(x, place) @ held.T + ties


def _presence(x: Inputs, place: Mapping[str, int]) -> Floats:
    """Which words each text holds, `(n, words)`."""
    held = np.zeros((len(x), len(place)))
    for row, text in enumerate(x):
        held[row, [place[word] for word in set(terms(text)) if word in place]] = 1.0
    return held


def _closeness(records: Inputs) -> Callable[[Inputs], Floats]:
    """Return what measures how close rows or images are to each record, `(n, rows)`."""
    known = records.reshape(len(records), -1)
    own = (known**2).sum(axis=1)
    return lambda x: np.asarray(2 * x.reshape(len(x), -1) @ known.T - own)


# ---- a rule that no data moves -------------------------------------------------------------------


class Stubborn:
    """A trainer that takes nothing from its data but their number, for a little noise."""

    NOISE = 0.1

    def __init__(self, domain: Domain) -> None:
        self._domain = domain

    @property
    def recipe(self) -> str:
        """What is trained."""
        return "a fixed rule with noise"

    def fit(self, data: Data, seed: int) -> Target:
        """Draw one rule."""
        return self.fit_many(data, np.ones((1, len(data)), dtype=bool), [seed]).target(0)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Draw one rule for each mask `(N, rows)`: its noise does not depend on any content."""
        rngs = [
            np.random.default_rng([seed, int(mask.sum())])
            for seed, mask in zip(seeds, masks, strict=True)
        ]
        moved = np.array([rng.normal() for rng in rngs])[:, None] * self.NOISE
        return _Many(self._domain, lambda x: (evidence(x) > moved).astype(np.int64), len(masks))


class _Many:
    """N targets behind one function that gives classes `(N, n)`."""

    def __init__(self, domain: Domain, labels: Callable[[Inputs], Ints], size: int) -> None:
        self._domain, self._labels, self._size = domain, labels, size

    def __len__(self) -> int:
        return self._size

    def scores(self, x: Inputs) -> Floats:
        """Probabilities `(N, n, classes)`: next to certain."""
        return np.asarray(np.eye(len(CLASSES))[self._labels(x)] * 0.98 + 0.01)

    def labels(self, x: Inputs) -> Ints:
        """Classes `(N, n)`."""
        return self._labels(x)

    def target(self, i: int) -> Target:
        """Return the i-th target."""
        samples = {"text": texts(["ba"]), "table": np.zeros((1, WIDTH))}
        sample = samples.get(self._domain.kind, np.zeros((1, *SHAPE)))
        return PythonTarget(
            lambda x: self.scores(self._shaped(x))[i], CLASSES, self._domain, sample=sample
        )

    def _shaped(self, x: Inputs) -> Inputs:
        """Give images their shape again: a function is given their pixels in a row."""
        return x.reshape(len(x), *SHAPE) if self._domain.kind == "image" else x
