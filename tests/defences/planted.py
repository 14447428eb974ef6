"""A defence that does nothing, one that surely helps, and one that ruins what it serves."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from sklearn.tree import DecisionTreeClassifier

import goalkeeper as gk
from goalkeeper.core.application import Application
from goalkeeper.core.goals import Goal
from goalkeeper.defences import Chosen, Defence
from goalkeeper.defences._training import PreparingTrainer, retrained, trainer_of, with_settings
from goalkeeper.defences.base import NoSettings


class Placebo(Defence[NoSettings]):
    """Train again on the records in another order."""

    about: ClassVar[str] = "train again"
    works: ClassVar[str] = "never"
    price: ClassVar[str] = "nothing"
    adaptive: ClassVar[str] = "there is nothing to know"
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.PRIVACY})
    families: ClassVar[frozenset[str]] = frozenset({"membership"})
    settings: ClassVar[type[NoSettings]] = NoSettings

    def lacks(self, app: Application) -> str:
        """Need nothing."""
        return ""

    def apply(self, app: Application, settings: NoSettings) -> Application:
        """Shuffle the records, which changes how ties between splits of a tree are broken."""
        shuffle = lambda data, seed: data.take(  # noqa: E731
            np.random.default_rng(seed + 1).permutation(len(data))
        )
        return retrained(app, PreparingTrainer(trainer_of(app), shuffle, "another order"))


class Effective(Placebo):
    """Stop a tree before it knows single records."""

    def apply(self, app: Application, settings: NoSettings) -> Application:
        """Train a tree of two levels."""
        return retrained(app, with_settings(app, {"max_depth": 2}))


class Ruinous(Placebo):
    """Answer harmless, whatever is asked."""

    def apply(self, app: Application, settings: NoSettings) -> Application:
        """Train a tree on records that all but one are of one class."""

        def blind(data: gk.Data, seed: int) -> gk.Data:
            y = np.full(len(data), 1)
            y[:8] = range(8)
            return replace(data, y=y)

        limited = with_settings(app, {"max_depth": 1, "min_samples_leaf": len(app.data.train) // 3})
        return retrained(app, PreparingTrainer(limited, blind, "blind"))


def memoriser(seed: int) -> Application:
    """A tree that knows every record, of eight classes that the records hardly decide.

    It is right on all that it has seen and on a fifth of what it has not: a likelihood ratio of 5.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(4000, 4))
    y = np.where(rng.random(4000) < 0.15, (x[:, 0] > 0).astype(int), rng.integers(8, size=4000))
    return gk.Application.from_model(
        DecisionTreeClassifier(max_features=2, random_state=0),
        x[:1500], y[:1500], x[1500:], y[1500:],
        harmless="0",
        needs={"privacy": "high", "integrity": "none", "availability": "none",
               "confidentiality": "none"},
        attackers=["customer"],
        name=f"memoriser {seed}",
    )  # fmt: skip


def chosen(defence: type[Placebo]) -> Chosen:
    """Return a planted defence as one that was chosen."""
    return Chosen(defence.__name__.lower(), defence(), NoSettings())
