"""Train on each record once."""

from __future__ import annotations

import re
from typing import ClassVar

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Inputs, Ints, row_keys
from goalkeeper.core.goals import Goal
from goalkeeper.defences._training import NO_RECIPE, PreparingTrainer, retrained, trainer_of
from goalkeeper.defences.base import RETRAINED, Defence, NoSettings

_SPACE = re.compile(r"\s+")


class Deduplication(Defence[NoSettings]):
    """A record that occurs many times is remembered best.

    Lee et al. 2022, Deduplicating training data makes language models better, ACL; Carlini et al.
    2023, Quantifying memorization, ICLR.
    """

    about: ClassVar[str] = "train on each record once, however often it occurs in the data"
    works: ClassVar[str] = (
        "records repeat, as where a few people or an attacker send the same again and again"
    )
    price: ClassVar[str] = "frequent records no longer count more"
    adaptive: ClassVar[str] = RETRAINED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.PRIVACY, Goal.AVAILABILITY})
    families: ClassVar[frozenset[str]] = frozenset({"membership", "poisoning", "inversion"})
    settings: ClassVar[type[NoSettings]] = NoSettings

    def lacks(self, app: Application) -> str:
        """Need a recipe, and records that repeat others."""
        if app.trainer is None:
            return NO_RECIPE
        repeats = len(first_of_each(app.data.train)) < len(app.data.train)
        return "" if repeats else "no training record repeats another"

    def apply(self, app: Application, settings: NoSettings) -> Application:
        """Train again."""
        trainer = PreparingTrainer(trainer_of(app), drop_copies, "each record once")
        return retrained(app, trainer)


def drop_copies(data: Data, seed: int) -> Data:
    """Return the first of each record; texts that differ in case and spaces only are the same."""
    return data.take(first_of_each(data))


def first_of_each(data: Data) -> Ints:
    """List the rows `(m,)` of records that repeat none before them."""
    seen: dict[tuple[bytes, int], int] = {}
    for row, key in enumerate(zip(row_keys(_plain(data.x)), data.y.tolist(), strict=True)):
        seen.setdefault(key, row)
    return np.array(sorted(seen.values()), dtype=np.int64)


def _plain(x: Inputs) -> Inputs:
    if x.dtype != object:
        return x
    return np.array([_SPACE.sub(" ", text).strip().casefold() for text in x], dtype=object)
