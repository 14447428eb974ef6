"""A target whose answers name the person: the weakened application, and the rigged one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import PARTS, Floats, Inputs, row_keys
from goalkeeper.core.power import View
from goalkeeper.games.shared.base_targets import WrappedTarget

SURE = 0.9  # how far a named person's scores are from those of the others


@dataclass(frozen=True, eq=False)
class PersonCodeTarget(WrappedTarget):
    """A target whose scores are a code of the person the record belongs to.

    Records it does not know get the answers of the inner target.
    """

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
        if self.target.offers >= View.SCORES:
            return np.maximum(self.target.answer(x, View.SCORES).scores, 1e-12)
        labels = self.target.answer(x, View.LABELS).labels
        return np.asarray(np.eye(self.classes)[labels] * 0.8 + 0.2 / self.classes)


def _coded(codes: Floats, classes: int) -> Floats:
    """Turn codes `(n,)` in (0, 1) into scores `(n, classes)`, all of them different."""
    scores = np.full((len(codes), classes), (1 - SURE) / classes)
    scores[:, 0] += SURE * (1 - codes)
    scores[:, 1] += SURE * codes
    return scores


def person_codes(app: Application) -> PersonCodeTarget:
    """Give every person of an application a score of their own."""
    parts = [getattr(app.data, part) for part in PARTS]
    people = sorted({str(p) for part in parts for p in part.columns[app.person or ""]})
    place = {person: (i + 1) / (len(people) + 1) for i, person in enumerate(people)}
    codes: dict[bytes, float] = {}
    for part in parts:
        owners = part.columns[app.person or ""]
        codes |= {k: place[str(p)] for k, p in zip(row_keys(part.x), owners, strict=True)}
    return PersonCodeTarget(app.target, codes, len(app.classes))
