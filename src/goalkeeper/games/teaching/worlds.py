"""Applications that believe every teacher, and applications that no teacher reaches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from zlib import crc32

import numpy as np

from goalkeeper.core.application import Application, Ensemble, Feedback, Target, Trainer
from goalkeeper.core.data import PARTS, Bools, Data, Inputs, Ints, Splits
from goalkeeper.core.domain import Domain, ImageDomain
from goalkeeper.games.poisoning import worlds as poisoning

ROUNDS = 4
EDGE = 9.0  # columns of the small tables lie in [-9, 9]
SHAPE = (1, 2, 2)


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a learner that believes the nearest record; nothing is reviewed, watched or kept."""
    base = poisoning.rigged("text" if domain == "text" else "table", rng)
    loop = Feedback(share=0.05, rounds=ROUNDS)
    return _imaged(replace(base, feedback=loop), poisoning.Nearest, domain)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a rule that feedback moves by noise alone, and of which every version is kept."""
    base = poisoning.fair("text" if domain == "text" else "table", rng)
    loop = Feedback(share=0.05, rounds=ROUNDS, snapshots=ROUNDS)
    base = replace(base, feedback=loop, trainer=Wavering(base.domain))
    return _imaged(base, Wavering, domain)


class Wavering:
    """A fixed rule with noise that every set of records draws anew, whatever they say."""

    def __init__(self, domain: Domain) -> None:
        self._rule = poisoning.Stubborn(domain)

    @property
    def recipe(self) -> str:
        """What is trained."""
        return "a fixed rule with noise of its own for each set of records"

    def fit(self, data: Data, seed: int) -> Target:
        """Draw one rule."""
        return self.fit_many(data, np.ones((1, len(data)), dtype=bool), [seed]).target(0)

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
    rows = _OnRows(trainer(app.domain))
    world = ImageDomain(shape=SHAPE, quantum=1e-9)
    target = rows.fit(splits.train, 0)
    return replace(app, data=splits, domain=world, trainer=rows, target=target)


def _pixels(x: Inputs) -> Inputs:
    """Turn rows `(n, 4)` in [-9, 9] into images `(n, 1, 2, 2)` in [0, 1]."""
    return np.asarray((x + EDGE) / (2 * EDGE)).reshape(len(x), *SHAPE)


def _rows(data: Data) -> Data:
    return Data(x=_row(data.x), y=data.y)


def _row(x: Inputs) -> Inputs:
    return np.asarray(x.reshape(len(x), -1) * (2 * EDGE) - EDGE)


class _OnRows:
    """A trainer of tables that is given images."""

    def __init__(self, inner: Trainer) -> None:
        self._inner = inner

    @property
    def recipe(self) -> str:
        return f"{self._inner.recipe}, on pixels"

    def fit(self, data: Data, seed: int) -> Target:
        return self.fit_many(data, np.ones((1, len(data)), dtype=bool), [seed]).target(0)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        return _OfRows(self._inner.fit_many(_rows(data), masks, seeds))


class _OfRows:
    """Targets of tables that are asked about images."""

    def __init__(self, inner: Ensemble) -> None:
        self._inner = inner

    def __len__(self) -> int:
        return len(self._inner)

    def scores(self, x: Inputs) -> np.ndarray:
        return self._inner.scores(_row(x))

    def labels(self, x: Inputs) -> Ints:
        return self._inner.labels(_row(x))

    def target(self, i: int) -> Target:
        from goalkeeper.targets import PythonTarget

        world = ImageDomain(shape=SHAPE, quantum=1e-9)
        sample = np.zeros((1, *SHAPE))
        return PythonTarget(lambda x: self.scores(x)[i], poisoning.CLASSES, world, sample=sample)
