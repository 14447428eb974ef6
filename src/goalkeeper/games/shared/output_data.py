"""Small applications of every domain whose inputs say themselves how harmful they are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Answers, Application, Target
from goalkeeper.core.data import PARTS, Data, Floats, Inputs, Splits
from goalkeeper.core.domain import Column, Domain, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.power import View
from goalkeeper.core.text import texts
from goalkeeper.games.shared.base_targets import BareTarget, WrappedTarget
from goalkeeper.games.shared.simple_targets import CLASSES, WORDS

PER_PART = 400
SIDE = 5
COLUMNS = 6
Wrapped = WrappedTarget


def domain_of(kind: str) -> Domain:
    """Return the domain of the small applications."""
    if kind == "text":
        return TextDomain(max_chars=600)
    if kind == "image":
        return ImageDomain(shape=(1, SIDE, SIDE))
    numbers = [Column(name=f"c{j}", low=0.0, high=1.0) for j in range(COLUMNS)]
    return TableDomain(columns=tuple(numbers))


def draw(kind: str, rng: np.random.Generator, n: int = PER_PART) -> Data:
    """Draw inputs; class 1 where their reading is above a half."""
    said = np.round(rng.uniform(0.02, 0.98, n), 3)
    if kind == "text":
        rows = rng.integers(0, len(WORDS), (n, 14)).tolist()
        x: Inputs = texts(
            f"{' '.join(WORDS[i] for i in row)} {v:.3f}" for row, v in zip(rows, said, strict=True)
        )
    elif kind == "image":
        x = np.round(rng.uniform(0.3, 0.7, (n, 1, SIDE, SIDE)) * 255) / 255
        x[:, 0, 0, 0] = np.round(said * 255) / 255
    else:
        x = rng.uniform(0.3, 0.7, (n, COLUMNS))
        x[:, 0] = said
    return Data(x=x, y=(readings(x) > 0.5).astype(np.int64))


def readings(x: Inputs) -> Floats:
    """Read how harmful each input says it is, `(n,)`: its last word, or its first number."""
    if x.dtype == object:
        return np.array([float(text.rsplit(maxsplit=1)[-1]) for text in x])
    rows = np.asarray(x, dtype=np.float64)
    return rows.reshape(len(rows), int(np.prod(rows.shape[1:])))[:, 0]


def application(name: str, kind: str, target: Target, rng: np.random.Generator) -> Application:
    """Wrap a target of two classes as an application."""
    data = Splits(**{part: draw(kind, rng) for part in PARTS})
    return Application(
        name=name, target=target, data=data, domain=domain_of(kind), classes=CLASSES, harmless=0
    )


def drawn(x: Inputs, key: bytes) -> Floats:
    """Draw a number in [0, 1) for each input `(n,)` that only its content and a key decide."""
    rows = [str(v).encode(errors="surrogatepass") for v in x] if x.dtype == object else None
    if rows is None:
        rows = [np.ascontiguousarray(v, dtype=np.float64).tobytes() for v in x]
    digests = [hashlib.blake2b(row, key=key, digest_size=6).digest() for row in rows]
    return np.array([int.from_bytes(d, "big") for d in digests], dtype=np.float64) / 2**48


def two_classes(harmful: Floats, view: View) -> Answers:
    """Answer with the probabilities `(n,)` of class 1."""
    scores = np.stack([1 - harmful, harmful], axis=1).reshape(-1, 2)
    return Answers((harmful > 0.5).astype(np.int64), scores).cut(view)


@dataclass(frozen=True, eq=False)
class Reader(BareTarget):
    """Answers with the reading of the input; errs in a share of them where it is `careless`."""

    careless: float = 0.0
    key: bytes = b"careless"

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        harmful = readings(x)
        errs = drawn(x, self.key) < self.careless
        return two_classes(np.where(errs, 1 - harmful, harmful), view)
