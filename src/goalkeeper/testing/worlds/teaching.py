"""The rigged and the fair worlds of the teaching game: every teacher is believed, or none is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from zlib import crc32

import numpy as np

from goalkeeper.core.application import Application, Ensemble, Feedback, Trainer
from goalkeeper.core.data import PARTS, Bools, Data, Inputs, Splits
from goalkeeper.core.domain import Domain, ImageDomain
from goalkeeper.testing.worlds import poisoning
from goalkeeper.testing.worlds.kit import BatchTrainer, RuleEnsemble
from goalkeeper.testing.worlds.niches import EDGE

ROUNDS = 4
IMAGES = ImageDomain(shape=(1, 2, 2), quantum=1e-9)  # the four columns of the small tables


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a learner that believes the nearest record; nothing is reviewed, watched or kept."""
    base = poisoning.fragile("text" if domain == "text" else "table", rng)
    loop = Feedback(share=0.05, rounds=ROUNDS)
    return _imaged(replace(base, feedback=loop), poisoning.NearestRecordTrainer, domain)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a rule that feedback moves by noise alone, and of which every version is kept."""
    base = poisoning.fair("text" if domain == "text" else "table", rng)
    loop = Feedback(share=0.05, rounds=ROUNDS, snapshots=ROUNDS)
    base = replace(base, feedback=loop, trainer=RedrawnNoiseTrainer(base.domain))
    return _imaged(base, RedrawnNoiseTrainer, domain)


class RedrawnNoiseTrainer(BatchTrainer):
    """A fixed rule with noise that is redrawn for every set of records, whatever they hold."""

    def __init__(self, domain: Domain) -> None:
        self._rule = poisoning.NoisyRuleTrainer(domain)

    @property
    def recipe(self) -> str:
        """What is trained."""
        return "a fixed rule with noise of its own for each set of records"

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Draw one rule for each mask `(N, rows)`; which rows, not what they say, draws it."""
        drawn = [crc32(m.tobytes(), seed) for m, seed in zip(masks, seeds, strict=True)]
        return self._rule.fit_many(data, masks, drawn)


# ---- images: the rows of the small tables, four pixels each -----------------------------------


def _imaged(app: Application, trainer: Callable[[Domain], Trainer], domain: str) -> Application:
    if domain != "image":
        return app
    parts = {part: getattr(app.data, part) for part in PARTS}
    splits = Splits(**{name: Data(x=_pixels(part.x), y=part.y) for name, part in parts.items()})
    rows = PixelsAsRowsTrainer(trainer(app.domain))
    target = rows.fit(splits.train, 0)
    return replace(app, data=splits, domain=IMAGES, trainer=rows, target=target)


def _pixels(x: Inputs) -> Inputs:
    """Turn rows `(n, 4)` in [-9, 9] into images `(n, 1, 2, 2)` in [0, 1]."""
    return np.asarray((x + EDGE) / (2 * EDGE)).reshape(len(x), *IMAGES.shape)


def _row(x: Inputs) -> Inputs:
    return np.asarray(x.reshape(len(x), -1) * (2 * EDGE) - EDGE)


class PixelsAsRowsTrainer(BatchTrainer):
    """A trainer of tables that is given images."""

    def __init__(self, inner: Trainer) -> None:
        self._inner = inner

    @property
    def recipe(self) -> str:
        """What is trained."""
        return f"{self._inner.recipe}, on pixels"

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`."""
        inner = self._inner.fit_many(Data(x=_row(data.x), y=data.y), masks, seeds)
        return RuleEnsemble(IMAGES, lambda x: inner.labels(_row(x)), len(masks))
