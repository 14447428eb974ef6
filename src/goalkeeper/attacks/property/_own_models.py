"""Models of both worlds that the attacker trains itself, and the questions put to all models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.access import Access
from goalkeeper.core.application import Ensemble
from goalkeeper.core.data import Bools, Data, Floats
from goalkeeper.games.property import TRAINED, Worlds

FIRST_QUESTIONS = 4  # questions in the first round; each further round multiplies them by GROWTH
GROWTH = 4
MAX_QUESTIONS = 256  # questions to one model


@dataclass(frozen=True, eq=False, slots=True)
class ProbedModels:
    """Scores of the same questions: own models of each world, and victims.

    `attackers` is `(models, q, classes)`, `world` `(models,)`, `victims` `(victims, q, classes)`;
    `records` are the q questions.
    """

    attackers: Floats
    world: Bools
    victims: Floats
    records: Data


@dataclass(frozen=True, eq=False, slots=True)
class WorldModels:
    """Own models of each world `(models,)`, and questions: records that none was trained on."""

    ensemble: Ensemble
    world: Bools
    questions: Data


def train_own_models(question: Worlds, access: Access, models: int) -> WorldModels:
    """Train own models, half of them in each world: the same for every attack that asks for them.

    Half of the questions have the property, as far as there are that many.
    """
    rng, similar = access.shared_rng(), access.data()
    trained = choose_training_records(question, similar, rng)
    train = similar.take(trained)
    questions = _alternate(question, similar.take(~trained), rng)
    world = np.arange(models) % 2 == 1
    masks = question.masks(train, world, rng)
    seeds = rng.integers(0, 2**31, models).tolist()
    return WorldModels(access.trainer().fit_shared(train, masks, seeds), world, questions)


def probe_models(question: Worlds, access: Access, models: int) -> Iterator[ProbedModels]:
    """Train own models, then ask all models more and more questions.

    Questions are records that no own model was trained on, as they stand to the victims.
    """
    own = train_own_models(question, access, models)
    ensemble, world, questions = own.ensemble, own.world, own.questions
    doors = access.victims()
    most = min(len(questions), MAX_QUESTIONS, int(access.left().min()))
    start, stop = 0, min(FIRST_QUESTIONS, most)
    attackers: list[Floats] = []
    victims: list[Floats] = []
    while start < stop:
        x = questions.x[start:stop]
        attackers.append(ensemble.scores(x))
        victims.append(np.stack([door.query(x).scores for door in doors]))
        yield ProbedModels(
            attackers=np.concatenate(attackers, axis=1),
            world=world,
            victims=np.concatenate(victims, axis=1),
            records=questions.take(slice(0, stop)),
        )
        start, stop = stop, min(GROWTH * stop, most)


def choose_training_records(question: Worlds, similar: Data, rng: np.random.Generator) -> Bools:
    """Choose what own models are trained on `(rows,)`: the same share with and without."""
    has_property = question.holds(similar)
    chosen = np.zeros(len(similar), dtype=bool)
    for side in (np.flatnonzero(has_property), np.flatnonzero(~has_property)):
        kept = int(np.ceil(TRAINED * len(side)))
        chosen[rng.choice(side, kept, replace=False)] = True
    return chosen


def _alternate(question: Worlds, records: Data, rng: np.random.Generator) -> Data:
    """Alternate records with and without the property, each in random order; then the rest."""
    has_property = question.holds(records)
    sides = [
        rng.permutation(np.flatnonzero(has_property)),
        rng.permutation(np.flatnonzero(~has_property)),
    ]
    place = np.concatenate([np.arange(len(side)) for side in sides])
    return records.take(np.concatenate(sides)[np.argsort(place, kind="stable")])
