"""The rigged and the fair worlds of the membership game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application, Trainer
from goalkeeper.core.data import PARTS, Data, Inputs, Splits
from goalkeeper.games.membership.memorising import MemorisingTrainer
from goalkeeper.testing.worlds.kit import FixedRuleTrainer, domain_of, numbers

RECORDS = 260  # of each part
MANY = (
    40  # classes: non-members are seldom answered correctly, so that labels alone identify members
)


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a target that has memorised its records."""
    trainer = MemorisingTrainer(FixedRuleTrainer(MANY))
    return _application("memorised records", trainer, domain, _splits(domain, rng, MANY), MANY)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a target that ignores its records."""
    return _application("fixed rule", FixedRuleTrainer(), domain, _splits(domain, rng, 2), 2)


def _application(
    name: str, trainer: Trainer, domain: str, data: Splits, classes: int
) -> Application:
    return Application(
        name=name,
        target=trainer.fit(data.train, 0),
        data=data,
        domain=domain_of(domain, numbers(4), (1, 2, 2)),
        classes=tuple(f"class {i}" for i in range(classes)),
        harmless=0,
        trainer=trainer,
        lookalike=trainer,
    )


def _splits(domain: str, rng: np.random.Generator, classes: int) -> Splits:
    """Draw random records whose classes nothing explains."""
    return Splits(**{part: _drawn(domain, rng, classes) for part in PARTS})


def _drawn(domain: str, rng: np.random.Generator, classes: int) -> Data:
    codes = rng.normal(size=(RECORDS, 4))
    x: Inputs = codes
    if domain == "text":
        x = np.array(["mail " + " ".join(f"{v:.6f}" for v in c) for c in codes], object)
    if domain == "image":
        x = (codes.clip(-4, 4).reshape(RECORDS, 1, 2, 2) + 4) / 8
    return Data(x=x, y=rng.integers(0, classes, RECORDS))
