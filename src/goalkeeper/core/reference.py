"""Reference models: trained on random halves of a pool of records, the same for every attack.

Their subsets and seeds come from a stream that is the run's own and belongs to no attack, so that
every attack that asks with the same recipe and the same pool gets the same models. Nothing that
deals a question or marks an answer draws from this stream: what attacks share with one another,
none of them shares with its marking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from goalkeeper.core.application import Ensemble, Target, Trainer
from goalkeeper.core.data import Bools, Data, Floats, Ints
from goalkeeper.core.readonly import private_copy

FIRST_CHUNK = 4  # reference models that are trained together at first; each doubling is a chunk
FIRST_STAGE = 16  # models after which an attack hands in its first answer
BYTES_PER_SCORE, BLOCK_COPIES = 8, 3  # float64; the models' own work, the scores, what is kept
MODELS, DRAWS, POOL = 0, 1, 2  # parts of the stream: reference models, what attacks draw, pool


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TrainingSets:
    """What N models are trained on: the rows of `data` in each of `masks` `(N, rows)`; N seeds."""

    data: Data
    masks: Bools
    seeds: Sequence[int]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LargerQuestion:
    """The question of which another one is a part: its `records`, and which `rows` are asked.

    `withheld` are the training rows `(rows,)` that are its secret.
    """

    records: Data
    rows: Ints
    withheld: Bools | None


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class SharedAnswers:
    """What m reference models say of n candidates, and which of them saw which candidate.

    Parameters
    ----------
    confidences
        Of each model and candidate, `(m, n, 2)`: the probability of its class, and of all others
        together. The second is a sum of its own, since 1 less the first would lose digits.
    member
        Whether the model was trained on the candidate, `(m, n)`.
    """

    confidences: Floats
    member: Bools


class Trainings(Protocol):
    """Makes the trainings that several attacks want, or finds what was kept of them."""

    def trained(self, trainer: Trainer, sets: TrainingSets) -> Ensemble:
        """Return the models of these training sets."""
        ...

    def confidences(
        self, trainer: Trainer, chunks: Sequence[TrainingSets], asked: int
    ) -> list[Floats]:
        """Return what the models of each chunk say of the first `asked` rows, `(N, asked, 2)`."""
        ...

    def alone(self, trainer: Trainer, data: Data, seed: int) -> Target:
        """Return the one model of this recipe, these records and this seed."""
        ...


@dataclass(frozen=True, slots=True)
class EachTime:
    """Trains whenever it is asked; `classes` and `memory` bound a block of scores in bytes."""

    classes: int
    memory: int

    def trained(self, trainer: Trainer, sets: TrainingSets) -> Ensemble:
        """Train the models of these training sets."""
        return trainer.fit_many(sets.data, sets.masks, sets.seeds)

    def confidences(
        self, trainer: Trainer, chunks: Sequence[TrainingSets], asked: int
    ) -> list[Floats]:
        """Train the models, and ask them about the first rows."""
        return [self.ask(trainer, sets, asked) for sets in chunks]

    def alone(self, trainer: Trainer, data: Data, seed: int) -> Target:
        """Train the model."""
        return trainer.fit(data, seed)

    def ask(self, trainer: Trainer, sets: TrainingSets, asked: int) -> Floats:
        """Train models, and ask them about the first rows, a block of rows at a time."""
        ensemble = self.trained(trainer, sets)
        row = BLOCK_COPIES * BYTES_PER_SCORE * len(ensemble) * self.classes
        size, data = max(1, self.memory // row), sets.data
        blocks = [slice(i, min(i + size, asked)) for i in range(0, max(asked, 1), size)]
        found = [_reduce(ensemble.scores(data.x[rows]), data.y[rows]) for rows in blocks]
        return np.concatenate(found, axis=1)


def _reduce(scores: Floats, y: Ints) -> Floats:
    """Keep of scores `(N, r, classes)` those of the class `y` `(r,)`, and the sum of the others."""
    rows = np.arange(len(y))
    out = np.empty((len(scores), len(y), 2), dtype=scores.dtype)
    for of_model, model in zip(out, scores, strict=True):  # one at a time stays in the cache
        others = model.copy()
        others[rows, y] = 0.0
        of_model[:, 0], of_model[:, 1] = model[rows, y], others.sum(axis=1)
    return out


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ReferencePool:
    """What reference models of an attack run are trained on: resembling the target's training set.

    Training records that the attacker knows are in every model, as they are in the target. Other
    data of the attacker's fill up the pool, until half of it is as large as the target's training
    set: a model of more records memorises each of them less.

    Parameters
    ----------
    trainer
        The recipe that the attacker knows.
    trainings
        What trains, or finds what is kept.
    asked
        The records of the question: each is in half of the models.
    own
        The attacker's own.
    size
        Number of the target's training records.
    trained
        Whether the attacker's own are of these.
    rows
        Which of these the attack asks about, in its order; None for all.
    stream
        Seeds that no attack and no game draws from.
    count
        Called with the number of further models that an attack was given.
    """

    trainer: Trainer
    trainings: Trainings
    asked: Data
    own: Data
    size: int
    trained: bool
    stream: np.random.SeedSequence
    count: Callable[[int], None]
    rows: Ints | None = None

    def grow(self, models: int) -> Iterator[SharedAnswers]:
        """Give so many models in growing stages; each has the models of the one before."""
        stages, total, done = plan_stages(models), 0, 0
        chunks = list(plan_chunks(sum(stages)))
        said: list[Floats] = []
        member: list[Bools] = []
        records, asked = self.records(), len(self.asked)
        for size in stages:
            total += size
            wanted = [(i, n) for i, n, before in chunks if done <= before < total]
            sets = [self._draw(records, number, models) for number, models in wanted]
            said += self.trainings.confidences(self.trainer, sets, asked)
            member += [each.masks[:, :asked] for each in sets]
            done = sum(map(len, member))
            self.count(size)
            yield self._show(np.concatenate(said), np.concatenate(member), total)

    def records(self) -> Data:
        """Return the pool: the records of the question, then those of the attacker's that fit."""
        room = max(0, 2 * self.size - len(self.asked))
        if self.trained or room >= len(self.own):
            return self.asked.joined(self.own)
        rng = np.random.default_rng(derive(self.stream, POOL))
        chosen = np.sort(rng.choice(len(self.own), room, replace=False))
        return self.asked.joined(self.own.take(chosen))

    def _draw(self, records: Data, number: int, models: int) -> TrainingSets:
        rng = np.random.default_rng(derive(self.stream, MODELS, number))
        drawn = len(self.asked) if self.trained else len(records)
        masks = np.ones((models, len(records)), dtype=bool)
        masks[:, :drawn] = draw_balanced_masks(models, drawn, rng)
        seeds = rng.integers(0, 2**31, models).tolist()
        return TrainingSets(data=records, masks=masks, seeds=seeds)

    def _show(self, said: Floats, member: Bools, models: int) -> SharedAnswers:
        rows = slice(None) if self.rows is None else self.rows
        shown = SharedAnswers(confidences=said[:models, rows], member=member[:models, rows])
        return private_copy(shown)


def derive(stream: np.random.SeedSequence, *key: int) -> np.random.SeedSequence:
    """Return the part of a stream by this key; unlike `spawn`, the same however often asked."""
    return np.random.SeedSequence(stream.entropy, spawn_key=(*stream.spawn_key, *key))


def plan_chunks(models: int) -> Iterator[tuple[int, int, int]]:
    """List the chunks of models that are trained together (4, 4, 8, 16, ...).

    Gives the number of each, its size, and how many models are before it. The cuts are the same
    however many models are asked for, so that few are always the first of many: some models that
    are trained together differ in their last digits from those trained in other company.
    """
    number = done = 0
    while done < models:
        size = max(FIRST_CHUNK, done)
        yield number, size, done
        number, done = number + 1, done + size


def plan_stages(models: int) -> list[int]:
    """Cut the number of models into growing stages (16, 16, 32, ...) of even size."""
    models = max(4, models - models % 2)
    sizes = [min(FIRST_STAGE, models)]
    while sum(sizes) < models:
        sizes.append(min(sum(sizes), models - sum(sizes)))
    return sizes


def draw_balanced_masks(models: int, records: int, rng: np.random.Generator) -> Bools:
    """Draw masks `(models, records)` in which every record is in exactly half of the models.

    Model 2i + 1 is trained on what model 2i is not, so that both can be left out together.
    """
    ranks = rng.random((models // 2, records)).argsort(axis=1)
    first = ranks < records // 2
    return np.asarray(np.stack([first, ~first], axis=1).reshape(-1, records))
