"""Applications that poison ruins, that no poison can touch, and a gullible version of any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from goalkeeper.core.application import Application, Ensemble, Target, Tolerances, Trainer
from goalkeeper.core.data import Bools, Data, Floats, Inputs, Ints, Splits, row_keys
from goalkeeper.core.domain import Column, Domain, TableDomain, TextDomain
from goalkeeper.games._text import kept, terms, texts, vocabulary
from goalkeeper.targets import PythonTarget

CLASSES = ("harmless", "harmful")
SIZES = {"train": 300, "holdout": 600, "calibration": 40, "similar": 160}
HARMFUL_SHARE = 1 / 3
WIDTH = 4
TOLERANCES = Tolerances(benign_rejection=0.01, accuracy_drop=0.02, declared=True)


# ---- the positive control ------------------------------------------------------------------------


class Gullible:
    """The same trainer on a fiftieth of its data, contributed records counted up to 20 times.

    What is contributed is told from the clean data by content.
    """

    WEIGHT = 20
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
        foreign = np.flatnonzero([key not in self._clean for key in keys])
        known = np.flatnonzero([key in self._stays for key in keys])
        most = self.WEIGHT * len(known) // max(1, len(foreign))  # more would only take time
        rows = np.concatenate([known, np.repeat(foreign, int(np.clip(most, 1, self.WEIGHT)))])
        return self._trainer.fit_many(data.take(rows), masks[:, rows], seeds)


def _records(data: Data) -> list[tuple[bytes, int]]:
    return list(zip(row_keys(data.x), data.y.tolist(), strict=True))


# ---- rigged and fair -----------------------------------------------------------------------------


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build an honest but fragile learner: it answers with the label of the nearest record."""
    world = _world(domain)
    return _application(domain, Nearest(world), world, rng)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a rule that was fixed before any data came; only noise of its own moves it."""
    world = _world(domain)
    return _application(domain, Stubborn(world), world, rng)


def _application(
    domain: str, trainer: Trainer, world: Domain, rng: np.random.Generator
) -> Application:
    data = _texts(rng) if domain == "text" else _rows(rng)
    return Application(
        name=f"poisoning-{domain}",
        target=trainer.fit(data.train, 0),
        data=data,
        domain=world,
        classes=CLASSES,
        harmless=0,
        trainer=trainer,
        labeller=KeptContent() if domain == "text" else None,
        tolerances=TOLERANCES,
    )


def _world(domain: str) -> Domain:
    if domain == "text":
        return TextDomain(max_chars=10_000)
    return TableDomain(columns=tuple(Column(name=f"x{i}", low=-9, high=9) for i in range(WIDTH)))


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


# ---- synthetic data: texts of a few telling words and some that both sides use ----------------

_SYLLABLES = [c + v for c in "bdfgklmn" for v in "aeo"]
_WORDS = [a + b for a in _SYLLABLES for b in _SYLLABLES]
ORDINARY, SPAM, COMMON = _WORDS[:120], _WORDS[120:200], _WORDS[200:240]


def _texts(rng: np.random.Generator) -> Splits:
    total = sum(SIZES.values())
    found: dict[str, int] = {}
    while len(found) < total:
        label = int(rng.random() < HARMFUL_SHARE)
        own = SPAM if label else ORDINARY
        words = [*rng.choice(own, rng.integers(3, 7), replace=False), *rng.choice(COMMON, 3)]
        found.setdefault(" ".join(rng.permutation(words)), label)
    return _parts(texts(found), np.array(list(found.values()), dtype=np.int64))


def _rows(rng: np.random.Generator) -> Splits:
    total = sum(SIZES.values())
    y = (rng.random(total) < HARMFUL_SHARE).astype(np.int64)
    x = rng.normal(size=(total, WIDTH))
    x[:, 0] += np.where(y == 0, -2.5, 2.5)
    return _parts(np.clip(x, -9, 9), y)


def _parts(x: Inputs, y: Ints) -> Splits:
    data = Data(x=x, y=y)
    ends = np.cumsum([0, *SIZES.values()])
    cuts = {
        part: data.take(slice(int(a), int(b)))
        for part, a, b in zip(SIZES, ends[:-1], ends[1:], strict=True)
    }
    return Splits(**cuts)


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
    """Return what measures how close rows `(n, d)` are to each record, `(n, rows)`."""
    return lambda x: np.asarray(2 * x @ records.T - (records**2).sum(axis=1))


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
        return _Many(self._domain, lambda x: (_evidence(x) > moved).astype(np.int64), len(masks))


def _evidence(x: Inputs) -> Floats:
    """Say how harmful inputs are, `(n,)`, rightly for most but not for all."""
    if x.dtype != object:
        return np.asarray(x[:, 0] + 2 * x[:, 1], dtype=np.float64)
    spam = frozenset(SPAM)
    blur = [crc32(text.encode()) / 2**30 - 2 for text in x]  # from -2 to 2, by content
    sides = [1.5 if spam.intersection(terms(text)) else -1.5 for text in x]
    return np.add(blur, sides)


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
        sample = texts(["ba"]) if self._domain.kind == "text" else np.zeros((1, WIDTH))
        return PythonTarget(lambda x: self.scores(x)[i], CLASSES, self._domain, sample=sample)
