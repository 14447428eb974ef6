"""Add records in which the property goes with one class, then ask for labels near the boundary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.attacks.property._own_models import (
    FIRST_QUESTIONS,
    GROWTH,
    MAX_QUESTIONS,
    choose_training_records,
)
from goalkeeper.attacks.property._thresholds import find_threshold
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.change import Change
from goalkeeper.core.data import Bools, Data, Floats, Ints
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power
from goalkeeper.games.property import PropertyInference, Worlds

MIN_HONEST = 5  # own records with the property and a class, so that honest labels can give it


@final
@dataclass(frozen=True, kw_only=True)
class PropertyPoisoned(Attack[Worlds, Ints]):
    """Tie the property to one class by added records; the fewer have it, the more that shows.

    The attacker adds copies of own records that have the property, all of the class that is the
    rarest among such records: relabelled where it may (T1), honestly labelled otherwise (T2). How
    far that moves the labels of other records with the property depends on how many the victim
    has. `models` own models, half in each world and all of them poisoned in the same way, show
    which of the attacker's other records have labels that differ most between the worlds; the
    victims are asked about these, and the share of differing labels, weighted by how much they
    differ, is compared with a threshold.

    Settings
    --------
    models
        Own models, half of them in each world.

    Deviations from the paper: questions are chosen by how well own models separate the worlds,
    not by how uncertain the model is, and a weighted sum takes the place of a trained classifier
    of the answers. With honest labels only, no record is mislabelled.
    """

    game: ClassVar = PropertyInference
    variant: ClassVar[str] = "property.poisoned"
    reference: ClassVar[str] = (
        "Mahloujifar, Ghosh and Chase 2022, Property inference from poisoning, section 4"
    )
    uses: ClassVar[Power] = Power(
        knowledge=Knowledge(algorithm=Grade.FULL), capabilities=Capability.T1
    )
    most: ClassVar[Budget] = Budget(queries=MAX_QUESTIONS, share=1.0, compute_h=1000.0)
    grows: ClassVar[Mapping[str, int]] = {"models": 24}
    models: int = 48

    def unfit(self, app: Application) -> Unfit | None:
        """Need the honest labelling process: most attackers cannot choose the labels."""
        if app.labeller is None:
            return Unfit("nothing labels added records; describe the honest process (labeller)")
        return None

    def run(self, question: Worlds, access: Access) -> Ints:
        """Return the guessed world of every victim, `(victims,)`."""
        similar = access.data()
        trained = choose_training_records(question, similar, access.rng)
        poison, label = choose_poison(question, similar, access)
        world, own = self._train(question, similar.take(trained), poison, access)
        doors = [door.poison(poison) for door in access.victims()]
        asked = similar.take(~trained)
        said = np.asarray(own.labels(asked.x) == label)
        order, weights = _rank_questions(said, world)
        most = min(len(order), MAX_QUESTIONS, int(access.left().min()))
        guess = np.zeros(len(doors), dtype=np.int64)
        victims = np.empty((len(doors), 0), dtype=bool)
        start, stop = 0, min(FIRST_QUESTIONS, most)
        while start < stop:
            x = asked.x[order[start:stop]]
            labels = np.stack([door.query(x).labels for door in doors])
            victims = np.column_stack([victims, labels == label])
            guess = _guess_worlds(said[:, order[:stop]], world, victims, weights[order[:stop]])
            access.checkpoint(guess)
            start, stop = stop, min(GROWTH * stop, most)
        return guess

    def _train(
        self, question: Worlds, train: Data, poison: Change, access: Access
    ) -> tuple[Bools, Any]:
        """Train own models of both worlds, all with the poison: `world (models,)`, and them."""
        world = np.arange(self.models) % 2 == 1
        added = Data(x=np.asarray(poison.add), y=_labels_of(poison))
        blank = {name: np.full(len(added), "", dtype=object) for name in train.columns}
        both = train.joined(Data(x=added.x, y=added.y, columns=blank))
        masks = np.column_stack(
            [
                question.masks(train, world, access.rng),
                np.ones((self.models, len(added)), dtype=bool),
            ]
        )
        seeds = access.rng.integers(0, 2**31, self.models).tolist()
        return world, access.trainer().fit_many(both, masks, seeds)


def choose_poison(question: Worlds, similar: Data, access: Access) -> tuple[Change, int]:
    """Choose what is added to each training set, as much as the share allows, and its class."""
    share = access.granted.budget.share
    size = int(share * question.size / max(1 - share, 1e-9) + 1e-9)
    with_property = np.flatnonzero(question.holds(similar))
    counts = np.bincount(similar.y[with_property], minlength=len(access.classes))
    relabels = Capability.T1 in access.granted.capabilities.closed()
    usable = np.flatnonzero(counts >= (0 if relabels else MIN_HONEST))
    if not size or not len(usable):
        raise NotOffered(
            f"{share:.1%} of a training set of {question.size} records, or the attacker's own "
            "records with the property, are too few to add any"
        )
    label = int(usable[counts[usable].argmin()])
    source = with_property if relabels else with_property[similar.y[with_property] == label]
    rows = access.rng.choice(source, size, replace=size > len(source))
    bases = similar.take(rows)
    if relabels:
        return Change(add=bases.x, add_labels=np.full(size, label), bases=bases), label
    return Change(add=bases.x, bases=bases), label


def _labels_of(poison: Change) -> Ints:
    """Return the labels of what is added; honest ones of whole copies are those of the records."""
    if poison.add_labels is not None:
        return poison.add_labels
    return np.empty(0, dtype=np.int64) if poison.bases is None else poison.bases.y


def _rank_questions(said: Bools, world: Bools) -> tuple[Ints, Floats]:
    """Rank questions by how far the answers of own models differ between the worlds.

    Parameters
    ----------
    said
        Whether each own model gives the poisoned class, `(models, q)`.
    world
        Their worlds `(models,)`.

    Returns
    -------
    tuple
        The order of the questions `(q,)`, and the weight of each: the difference of the shares in
        standard errors.
    """
    one, zero = said[world].mean(axis=0), said[~world].mean(axis=0)
    # Add half a model to each side, so that no share has a variance of 0 (Agresti and Coull).
    spread = (said.mean(axis=0) * len(world) + 1) / (len(world) + 2)
    weights = (one - zero) / np.sqrt(spread * (1 - spread))
    return np.argsort(-np.abs(weights), kind="stable"), np.asarray(weights)


def _guess_worlds(own: Bools, world: Bools, victims: Bools, weights: Floats) -> Ints:
    """Guess the world of every victim by the weighted number of its poisoned labels."""
    threshold, sign, _ = find_threshold(own @ weights, world)
    return np.asarray(sign * (victims @ weights - threshold) > 0, dtype=np.int64)
