"""Small applications whose inputs say themselves how harmful they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Answers, Application, Target
from goalkeeper.core.data import Data, Floats, Inputs
from goalkeeper.core.domain import Domain
from goalkeeper.core.power import View
from goalkeeper.core.text import texts
from goalkeeper.games.shared.base_targets import BareTarget, draw_by_content
from goalkeeper.testing.worlds import kit

PER_PART = 400
SIDE = 5
COLUMNS = 6


def reading_domain(kind: str) -> Domain:
    """Return the domain of the small applications."""
    return kit.domain_of(kind, kit.numbers(COLUMNS, 0.0, 1.0), (1, SIDE, SIDE), max_chars=600)


def draw_readings(kind: str, rng: np.random.Generator, n: int = PER_PART) -> Data:
    """Draw inputs; class 1 where their reading is above a half."""
    readings = np.round(rng.uniform(0.02, 0.98, n), 3)
    if kind == "text":
        x = texts(f"{m} {v:.3f}" for m, v in zip(kit.messages(rng, n, 14), readings, strict=True))
    elif kind == "image":
        x = np.round(rng.uniform(0.3, 0.7, (n, 1, SIDE, SIDE)) * 255) / 255
        x[:, 0, 0, 0] = np.round(readings * 255) / 255
    else:
        x = rng.uniform(0.3, 0.7, (n, COLUMNS))
        x[:, 0] = readings
    return Data(x=x, y=(read(x) > 0.5).astype(np.int64))


def read(x: Inputs) -> Floats:
    """Read how harmful each input says it is, `(n,)`: its last word, or its first number."""
    if x.dtype == object:
        return np.array([float(text.rsplit(maxsplit=1)[-1]) for text in x])
    rows = np.asarray(x, dtype=np.float64)
    return rows.reshape(len(rows), int(np.prod(rows.shape[1:])))[:, 0]


def reading_application(
    name: str, kind: str, target: Target, rng: np.random.Generator
) -> Application:
    """Wrap a target of two classes as an application."""
    data = kit.splits(lambda: draw_readings(kind, rng))
    return kit.application(name, target, data, reading_domain(kind))


def two_classes(harmful: Floats, view: View) -> Answers:
    """Answer with the probabilities `(n,)` of class 1."""
    scores = np.stack([1 - harmful, harmful], axis=1).reshape(-1, 2)
    return Answers((harmful > 0.5).astype(np.int64), scores).cut(view)


@dataclass(frozen=True, eq=False)
class ReadingTarget(BareTarget):
    """Answers with the reading of the input; errs in a share of them where it is `careless`."""

    careless: float = 0.0
    key: bytes = b"careless"

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        harmful = read(x)
        errs = draw_by_content(x, self.key) < self.careless
        return two_classes(np.where(errs, 1 - harmful, harmful), view)
