"""The rigged and the fair worlds of the poisoning game: every record counts, or none does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from goalkeeper.core.application import Application, Ensemble, Labeller, Tolerances, Trainer
from goalkeeper.core.data import Bools, Data, Floats, Inputs, Ints, Splits
from goalkeeper.core.domain import Domain
from goalkeeper.core.text import kept, terms, vocabulary
from goalkeeper.testing.worlds.kit import CLASSES, BatchTrainer, RuleEnsemble
from goalkeeper.testing.worlds.niches import blobs, evidence, niches, world

TOLERANCES = Tolerances(benign_rejection=0.01, accuracy_drop=0.02, declared=True)


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build an honest but fragile learner on few records, of which each decides a niche."""
    return _application(NearestRecordTrainer(world(domain)), world(domain), niches(domain, rng))


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a rule that was fixed before any data came; only noise of its own moves it."""
    return _application(NoisyRuleTrainer(world(domain)), world(domain), blobs(domain, rng))


def fragile(domain: str, rng: np.random.Generator) -> Application:
    """Build the learner of the rigged world on ordinary data."""
    return _application(NearestRecordTrainer(world(domain)), world(domain), blobs(domain, rng))


def _application(trainer: Trainer, domain: Domain, data: Splits) -> Application:
    labellers: dict[str, Labeller] = {
        "text": ContentLabeller(),
        "table": EntryLabeller(),
        "image": PixelLabeller(),
    }
    return Application(
        name=f"poisoning-{domain.kind}",
        target=trainer.fit(data.train, 0),
        data=data,
        domain=domain,
        classes=CLASSES,
        harmless=0,
        trainer=trainer,
        labeller=labellers[domain.kind],
        tolerances=TOLERANCES,
    )


@dataclass(frozen=True)
class ContentLabeller:
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


class EntryLabeller:
    """An honest labeller of rows: one keeps its class while half of its entries change, at most."""

    def __call__(self, x: Inputs, bases: Data) -> Ints:
        """Label rows `(m, d)`, each derived from the record of `bases` in its place."""
        same = (x != bases.x).sum(axis=1) <= x.shape[1] / 2
        return np.where(same, bases.y, 1 - bases.y)


class PixelLabeller:
    """An honest labeller of images: one keeps its class while a tenth of its pixels change."""

    SHARE = 0.1

    def __call__(self, x: Inputs, bases: Data) -> Ints:
        """Label images `(m, c, h, w)`, each derived from the record of `bases` in its place."""
        changed = (x != bases.x).any(axis=1).reshape(len(x), -1)
        same = changed.sum(axis=1) <= np.ceil(self.SHARE * changed.shape[1])
        return np.where(same, bases.y, 1 - bases.y)


# ---- the nearest record: honest, and at the mercy of every single one ---------------------------


class NearestRecordTrainer(BatchTrainer):
    """A trainer whose targets answer with the label of the nearest training record.

    Near are rows of a small distance, and texts that share many words, however long they are.
    """

    def __init__(self, domain: Domain) -> None:
        self._domain = domain

    @property
    def recipe(self) -> str:
        """What is trained."""
        return "label of the nearest record"

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Remember the records of each mask `(N, rows)`."""
        near = _shared_words(data.x) if self._domain.kind == "text" else _closeness(data.x)

        def labels(x: Inputs) -> Ints:
            closeness = near(x)
            nearest = [np.where(mask, closeness, -np.inf).argmax(axis=1) for mask in masks]
            return np.asarray(data.y[np.stack(nearest)])

        return RuleEnsemble(self._domain, labels, len(masks))


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
    rows = records.reshape(len(records), -1)
    squares = (rows**2).sum(axis=1)
    return lambda x: np.asarray(2 * x.reshape(len(x), -1) @ rows.T - squares)


# ---- a rule that no data moves -------------------------------------------------------------------


class NoisyRuleTrainer(BatchTrainer):
    """A trainer that takes nothing from its data but their number, for a little noise."""

    NOISE = 0.1

    def __init__(self, domain: Domain) -> None:
        self._domain = domain

    @property
    def recipe(self) -> str:
        """What is trained."""
        return "a fixed rule with noise"

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Draw one rule for each mask `(N, rows)`: its noise does not depend on any content."""
        rngs = [
            np.random.default_rng([seed, int(mask.sum())])
            for seed, mask in zip(seeds, masks, strict=True)
        ]
        moved = np.array([rng.normal() for rng in rngs])[:, None] * self.NOISE
        return RuleEnsemble(
            self._domain, lambda x: (evidence(x) > moved).astype(np.int64), len(masks)
        )
