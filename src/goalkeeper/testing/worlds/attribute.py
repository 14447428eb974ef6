"""The rigged and the fair worlds of the attribute game."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Data
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.games.attribute.columns import describe_attribute
from goalkeeper.games.attribute.revealing import AttributeRevealingTarget
from goalkeeper.testing.worlds.kit import FixedRuleTarget, numbers, splits

RECORDS = 250  # of each part
BLOOD = Column(name="blood", kind="category", categories=("A", "B", "O"))


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a target that recognises the hidden value of its records."""
    app = fair(domain, rng)
    attribute = describe_attribute(app, "blood")
    if attribute is None:
        raise LookupError("the small world has no column blood")
    target = AttributeRevealingTarget(app.target, app.data.train, attribute)
    return replace(app, name="attribute revealed", target=target)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a target that ignores its records, whose classes and hidden column nothing explains."""
    return Application(
        name="fixed rule",
        target=FixedRuleTarget(),
        data=splits(lambda: _drawn(rng)),
        domain=TableDomain(columns=(*numbers(3), BLOOD)),
        classes=("no", "yes"),
        sensitive=("blood",),
    )


def _drawn(rng: np.random.Generator) -> Data:
    rows = np.column_stack([rng.normal(size=(RECORDS, 3)), rng.integers(0, 3, RECORDS)])
    return Data(x=rows, y=rng.integers(0, 2, RECORDS))
