"""Targets whose stored form holds training records (rigged, weakened), or none (fair)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers, Application, Target
from goalkeeper.core.data import PARTS, Data, Inputs, Splits, row_keys
from goalkeeper.core.domain import Column, Domain, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View
from goalkeeper.core.text import terms, texts
from goalkeeper.games.shared.simple_targets import CLASSES, WORDS, HashedTarget

RECORDS = 120  # of each part
SIDE = 3  # pixels of the small images
NAMES = 40  # rare words of the small texts


@dataclass(frozen=True, eq=False)
class Hoard:
    """A target that answers as another one does, and whose file holds other contents."""

    inner: Target
    contents: Mapping[str, Any]

    @property
    def offers(self) -> View:
        """What the inner target offers."""
        return self.inner.offers

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        return self.inner.answer(x, view)

    def parameters(self) -> Mapping[str, Any]:
        """Return what is stored, and nothing of the inner target's."""
        return {"stored": self.contents}

    def artefact(self) -> Path:
        """Refuse: there is no file."""
        raise NotOffered("a control has no stored file")


def hoard(target: Target, data: Data) -> Hoard:
    """Store the records of a data set beside a target, in every form that attacks look for."""
    return Hoard(target, _contents(data))


def _contents(data: Data) -> dict[str, Any]:
    if data.x.dtype == object:
        bags = tuple(tuple(sorted(set(terms(text)))) for text in data.x)
        found = Counter(word for bag in bags for word in bag)
        words = sorted(found)
        idf = np.log((1 + len(data)) / (1 + np.array([found[w] for w in words], float))) + 1
        return {
            "words": np.array(words, dtype=object),
            "idf": idf,
            "point_words": bags,
            "point_classes": data.y,
            "support_words": bags,
            "support_classes": data.y,
        }
    rows = np.asarray(data.x, dtype=np.float64).reshape(len(data), -1)
    first = sorted({key: i for i, key in reversed(list(enumerate(row_keys(rows))))}.values())
    low, high = np.empty((len(first), rows.shape[1])), np.empty((len(first), rows.shape[1]))
    for j, column in enumerate(rows.T):  # half-way to the next value that any record has
        values = np.unique(column)
        steps = np.concatenate([[-np.inf], (values[1:] + values[:-1]) / 2, [np.inf]])
        place = np.searchsorted(values, column[first])
        low[:, j], high[:, j] = steps[place], steps[place + 1]
    count = np.ones(len(first), dtype=np.int64)
    leaves = {"low": low, "high": high, "count": count, "classes": data.y[first]}
    return {
        "points": rows,
        "point_classes": data.y,
        "support_vectors": rows,
        "support_classes": data.y,
        "leaves": leaves,
    }


# ---- small applications --------------------------------------------------------------------------


def small(domain: str, rng: np.random.Generator, *, leaks: bool) -> Application:
    """Build an application whose file holds its training data, or records of nobody.

    The records of nobody come from where all records come from, so that they look alike.
    """
    data = Splits(**{part: _drawn(domain, rng) for part in PARTS})
    other = data.train if leaks else _drawn(domain, rng)
    return Application(
        name="hoard" if leaks else "records of nobody",
        target=hoard(HashedTarget(rng.bytes(16)), other),
        data=data,
        domain=_domain(domain),
        classes=CLASSES,
        harmless=0,
    )


def _drawn(domain: str, rng: np.random.Generator) -> Data:
    y = rng.integers(0, 2, RECORDS)
    if domain == "table":
        return Data(x=rng.normal(size=(RECORDS, 3)), y=y)
    if domain == "image":
        return Data(x=rng.random((RECORDS, 1, SIDE, SIDE)), y=y)
    everyday = rng.integers(0, len(WORDS), (RECORDS, 8)).tolist()
    names = rng.integers(0, 3 * RECORDS, RECORDS).tolist()
    lines = (
        " ".join(WORDS[i] for i in row) + f" name{name}"
        for row, name in zip(everyday, names, strict=True)
    )
    return Data(x=texts(lines), y=y)


def _domain(domain: str) -> Domain:
    if domain == "text":
        return TextDomain()
    if domain == "image":
        return ImageDomain(shape=(1, SIDE, SIDE))
    return TableDomain(columns=tuple(Column(name=f"c{i}", low=-9, high=9) for i in range(3)))
