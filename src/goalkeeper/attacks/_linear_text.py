"""Linear text models from their parameters: what adding one more word does to every score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.data import Bools, Floats, Ints
from goalkeeper.core.text import terms


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LinearText:
    """Scores of texts: weights `(classes, d)` on term counts, weighed and normalised, plus bias.

    Terms are the usual ones: lower-case words of two letters or more, and runs of them up to the
    longest in the vocabulary. A model that cuts texts otherwise is predicted wrongly.
    """

    weights: Floats
    bias: Floats
    terms: list[str]
    place: Mapping[str, int]
    idf: Floats
    norm: str | None
    sublinear: bool
    binary: bool

    @classmethod
    def read(cls, parameters: Mapping[str, Any]) -> LinearText:
        """Take the parameters of a target; two classes may share one row of weights."""
        weights = np.asarray(parameters["weights"], dtype=np.float64)
        bias = np.asarray(parameters["bias"], dtype=np.float64)
        if len(weights) == 1:
            weights = np.vstack([np.zeros_like(weights), weights])
            bias = np.concatenate([[0.0], bias])
        names = [str(term) for term in parameters["vocabulary"]]
        return cls(
            weights=weights,
            bias=bias,
            terms=names,
            place={term: i for i, term in enumerate(names)},
            idf=np.asarray(parameters.get("idf", np.ones(len(names))), dtype=np.float64),
            norm=parameters.get("norm"),
            sublinear=bool(parameters.get("sublinear_tf", False)),
            binary=bool(parameters.get("binary", False)),
        )

    def weigh_counts(self, counts: Floats) -> Floats:
        """Turn counts of terms into what idf multiplies."""
        if self.binary:
            return np.asarray(counts > 0, dtype=np.float64)
        if self.sublinear:
            return np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0.0)
        return counts

    def count_terms(self, text: str) -> Floats:
        """Count the terms of the vocabulary in a text, `(d,)`."""
        words, longest = terms(text), 1 + max((t.count(" ") for t in self.terms), default=0)
        runs = (
            " ".join(words[i : i + n])
            for n in range(1, longest + 1)
            for i in range(len(words) - n + 1)
        )
        found = Counter(run for run in runs if run in self.place)
        counts = np.zeros(len(self.terms))
        counts[[self.place[term] for term in found]] = list(found.values())
        return counts

    def choose_words(self, wanted: Bools, most: int) -> Ints:
        """Choose the words that speak most for the wanted classes `(classes,)`, `most` twice."""
        for_it = self.weights[wanted].max(axis=0) - self.weights[~wanted].min(axis=0)
        alone = np.array([terms(term) == [term] for term in self.terms], dtype=bool)
        rows = np.flatnonzero(alone & (for_it > 0))
        by_weight = rows[np.argsort(-for_it[rows], kind="stable")[:most]]
        weighed = for_it[rows] * self.idf[rows]
        return np.union1d(by_weight, rows[np.argsort(-weighed, kind="stable")[:most]])


class GrowingText:
    """A text that grows word by word, each time by the word that helps most."""

    def __init__(self, model: LinearText, text: str, wanted: Bools, pool: Ints) -> None:
        self.model, self.wanted, self.pool = model, wanted, pool
        counts = model.count_terms(text)
        values = model.weigh_counts(counts) * model.idf
        self.counts = counts[pool]
        self.raw: Floats = model.weights @ values
        self.mass = self._norm_mass(values)
        self.lead = float(self._lead(self.raw[:, None], np.array([self.mass]))[0])

    def grow(self) -> str:
        """Add the word that brings the wanted classes furthest ahead, and return it."""
        model = self.model
        old = model.weigh_counts(self.counts) * model.idf[self.pool]
        new = model.weigh_counts(self.counts + 1) * model.idf[self.pool]
        raw = self.raw[:, None] + model.weights[:, self.pool] * (new - old)
        power = 2 if model.norm == "l2" else 1
        mass = self.mass + np.abs(new) ** power - np.abs(old) ** power
        leads = self._lead(raw, mass)
        best = int(np.argmax(leads))
        self.raw, self.mass, self.lead = raw[:, best], float(mass[best]), float(leads[best])
        self.counts[best] += 1
        return model.terms[int(self.pool[best])]

    def _norm_mass(self, values: Floats) -> float:
        return float((values**2).sum() if self.model.norm == "l2" else np.abs(values).sum())

    def _lead(self, raw: Floats, mass: Floats) -> Floats:
        """Return how far the best wanted class is ahead of the best other, `(m,)`."""
        if self.model.norm is not None:
            raw = raw / np.maximum(np.sqrt(mass) if self.model.norm == "l2" else mass, 1e-12)
        scores = raw + self.model.bias[:, None]
        ahead = scores[self.wanted].max(axis=0) - scores[~self.wanted].max(axis=0)
        return np.asarray(ahead, dtype=np.float64)
