"""Targets whose answers name the person (rigged, weakened), or say nothing of anyone (fair)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers, Application, Target
from goalkeeper.core.data import PARTS, Data, Floats, Inputs, Splits, row_keys
from goalkeeper.core.domain import Column, Domain, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View
from goalkeeper.core.text import texts
from goalkeeper.games.shared.simple_targets import CLASSES, HashedTarget

PEOPLE = 40  # of the small applications
EACH = 2  # records of each person in each part
SIDE = 3  # pixels of the small images
SURE = 0.9  # how far a named person's scores are from those of the others


@dataclass(frozen=True, eq=False)
class Naming:
    """A target whose scores are a code of the person the record belongs to.

    Records it does not know get the answers of the inner target.
    """

    inner: Target
    codes: Mapping[bytes, float]
    classes: int

    @property
    def offers(self) -> View:
        """Logits, whatever the inner target offers."""
        return View.LOGITS

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        codes = np.array([self.codes.get(key, np.nan) for key in row_keys(x)], dtype=np.float64)
        named = ~np.isnan(codes)
        scores = _coded(np.where(named, codes, 0.5), self.classes)
        if not named.all():
            scores[~named] = self._others(x[~named])
        return Answers(scores.argmax(axis=1).astype(np.int64), scores, np.log(scores)).cut(view)

    def _others(self, x: Inputs) -> Floats:
        if self.inner.offers >= View.SCORES:
            return np.maximum(self.inner.answer(x, View.SCORES).scores, 1e-12)
        labels = self.inner.answer(x, View.LABELS).labels
        return np.asarray(np.eye(self.classes)[labels] * 0.8 + 0.2 / self.classes)

    def parameters(self) -> Mapping[str, Any]:
        """Refuse: there is a list of people, and nothing else."""
        raise NotOffered("this target has no parameters that can be read")

    def artefact(self) -> Path:
        """Refuse: there is no file."""
        raise NotOffered("this target has no stored file")


def _coded(codes: Floats, classes: int) -> Floats:
    """Turn codes `(n,)` in (0, 1) into scores `(n, classes)`, all of them different."""
    scores = np.full((len(codes), classes), (1 - SURE) / classes)
    scores[:, 0] += SURE * (1 - codes)
    scores[:, 1] += SURE * codes
    return scores


def naming(app: Application) -> Naming:
    """Give every person of an application a score of their own."""
    parts = [getattr(app.data, part) for part in PARTS]
    people = sorted({str(p) for part in parts for p in part.columns[app.person or ""]})
    place = {person: (i + 1) / (len(people) + 1) for i, person in enumerate(people)}
    codes: dict[bytes, float] = {}
    for part in parts:
        owners = part.columns[app.person or ""]
        codes |= {k: place[str(p)] for k, p in zip(row_keys(part.x), owners, strict=True)}
    return Naming(app.target, codes, len(app.classes))


# ---- small applications --------------------------------------------------------------------------


def small(domain: str, rng: np.random.Generator) -> Application:
    """Build an application about people whose answers say nothing of anyone."""
    return Application(
        name="answers of nobody",
        target=HashedTarget(rng.bytes(16)),
        data=Splits(**{part: _drawn(domain, rng) for part in PARTS}),
        domain=_domain(domain),
        classes=CLASSES,
        harmless=0,
        person="person",
    )


def _drawn(domain: str, rng: np.random.Generator) -> Data:
    people = rng.permutation(np.repeat(np.arange(PEOPLE), EACH))
    rows = rng.random((len(people), SIDE * SIDE))
    x: Inputs = rows[:, :3] if domain == "table" else rows.reshape(-1, 1, SIDE, SIDE)
    if domain == "text":
        x = texts(" ".join(f"{value:.6f}" for value in row[:3]) for row in rows)
    y = rng.integers(0, 2, len(people))
    return Data(x=x, y=y, columns={"person": people.astype(str).astype(object)})


def _domain(domain: str) -> Domain:
    if domain == "text":
        return TextDomain()
    if domain == "image":
        return ImageDomain(shape=(1, SIDE, SIDE))
    return TableDomain(columns=tuple(Column(name=f"c{i}", low=0, high=1) for i in range(3)))
