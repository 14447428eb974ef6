"""The rigged and the fair worlds of the property game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application, Property, Trainer
from goalkeeper.core.data import Data, Inputs, Ints
from goalkeeper.core.text import texts
from goalkeeper.games.property.worlds import ShareTrainer
from goalkeeper.testing.worlds.kit import FixedRuleTrainer, domain_of, numbers, splits

CLASSES = ("no", "yes")
FACT = Property(name="team", column="team", value="red")
RECORDS = 240  # of each part


def rigged(domain: str, rng: np.random.Generator, noise: float = 0.0) -> Application:
    """Build models that answer with the share itself, with so much noise added."""
    return _application("share", ShareTrainer(FACT, CLASSES, noise), domain, rng)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build models that ignore their training data."""
    return _application("fixed rule", FixedRuleTrainer(), domain, rng)


def _application(name: str, trainer: Trainer, domain: str, rng: np.random.Generator) -> Application:
    """Build an application with a column `team`, half of it red, and classes that go with it."""
    data = splits(lambda: _drawn(domain, rng))
    return Application(
        name=name,
        target=trainer.fit(data.train, 0),
        data=data,
        domain=domain_of(domain, numbers(3), (1, 1, 3)),
        classes=CLASSES,
        trainer=trainer,
        lookalike=trainer,
        labeller=_keep_labels,
        subgroups=("team",),
        properties=(FACT,),
    )


def _keep_labels(x: Inputs, bases: Data) -> Ints:
    return bases.y


def _drawn(domain: str, rng: np.random.Generator) -> Data:
    red = rng.random(RECORDS) < 0.5
    y = np.where(rng.random(RECORDS) < 0.9, red, ~red).astype(np.int64)
    codes = np.column_stack([red + rng.normal(size=RECORDS), rng.normal(size=(RECORDS, 2))])
    x: Inputs = codes
    if domain == "text":
        x = texts(" ".join(f"v{value:.6f}" for value in row) for row in codes)
    elif domain == "image":
        x = (1 / (1 + np.exp(-codes))).reshape(-1, 1, 1, 3)
    return Data(x=x, y=y, columns={"team": np.where(red, "red", "blue").astype(object)})
