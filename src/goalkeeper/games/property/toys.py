"""Small applications for the property game: models that give a share away, or nothing."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application, Property, Trainer
from goalkeeper.core.data import PARTS, Data, Inputs, Splits
from goalkeeper.core.domain import Column, Domain, TableDomain, TextDomain
from goalkeeper.core.text import texts
from goalkeeper.games.property.worlds import ShareTrainer
from goalkeeper.games.shared.members import BlindTrainer

CLASSES = ("no", "yes")
FACT = Property(name="team", column="team", value="red")
RECORDS = 240  # of each part


def toy(domain: str, rng: np.random.Generator, *, tells: bool, noise: float = 0.0) -> Application:
    """Build an application with a column `team`, half of it red, and classes that go with it."""
    data = Splits(**{part: _draw(domain, rng) for part in PARTS})
    trainer: Trainer = ShareTrainer(FACT, CLASSES, noise) if tells else BlindTrainer()
    columns = tuple(Column(name=f"c{i}") for i in range(3))
    kind: Domain = TextDomain() if domain == "text" else TableDomain(columns=columns)
    return Application(
        name="share" if tells else "blind",
        target=trainer.fit(data.train, 0),
        data=data,
        domain=kind,
        classes=CLASSES,
        trainer=trainer,
        lookalike=trainer,
        subgroups=("team",),
        properties=(FACT,),
    )


def _draw(domain: str, rng: np.random.Generator) -> Data:
    red = rng.random(RECORDS) < 0.5
    y = np.where(rng.random(RECORDS) < 0.9, red, ~red).astype(np.int64)
    codes = np.column_stack([red + rng.normal(size=RECORDS), rng.normal(size=(RECORDS, 2))])
    x: Inputs = codes
    if domain == "text":
        x = texts(" ".join(f"v{value:.6f}" for value in row) for row in codes)
    return Data(x=x, y=y, columns={"team": np.where(red, "red", "blue").astype(object)})
