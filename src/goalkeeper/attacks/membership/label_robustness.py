"""Distinguish members by labels alone: how well their class survives small changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.membership._signal import all_alike
from goalkeeper.core.access import Access
from goalkeeper.core.data import Data, Floats, Inputs
from goalkeeper.core.domain import Domain, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.power import Budget
from goalkeeper.games.membership import Membership


@final
@dataclass(frozen=True, kw_only=True)
class LabelRobustness(Attack[Data, Floats]):
    """Query each record and randomly changed versions of it; members keep their class.

    A misclassified record scores 0, any other 1 plus the share of its changed versions that are
    classified correctly: the distance to the boundary, estimated without ever seeing a score.
    Texts lose words, numbers get noise (a share of their range in the table at hand), categories
    are redrawn.

    Settings
    --------
    versions
        Changed versions asked at most; the curve goes in doublings.
    strength
        Share of the words lost and of the categories redrawn, and noise in standard deviations.

    Deviations from the paper: its attack on tables redraws binary features and its attack on
    images moves and turns them; the threshold is the game's, not a shadow model's.
    """

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.label_only"
    reference: ClassVar[str] = (
        "Choquette-Choo, Tramer, Carlini, Papernot 2021, Label-only membership inference attacks, "
        "ICML, section 4"
    )
    most: ClassVar[Budget] = Budget(queries=33)
    versions: int = 32
    strength: float = 0.3

    def run(self, question: Data, access: Access) -> Floats:
        """Return the score of each record, `(n,)`; a better one after each doubling."""
        n = len(question)
        every = np.arange(n)
        labels = access.query(question.x, every).labels
        right, one_class = labels == question.y, all_alike(labels)
        score = right.astype(np.float64)
        kept, asked = np.zeros(n), 0
        deviation = _measure_spread(question.x, access.domain)
        most = int(min(self.versions, access.left().min(initial=self.versions)))
        while asked < most:
            access.checkpoint(score)
            for _ in range(min(max(1, asked), most - asked)):
                x = perturb_records(
                    question.x, access.domain, self.strength * deviation, access.rng
                )
                there = access.query(x, every).labels
                one_class = one_class and all_alike(np.append(labels[:1], there))
                kept += there == question.y
                asked += 1
            score = np.zeros(n) if one_class else right * (1 + kept / asked)
        return np.asarray(score)


def _measure_spread(x: Inputs, domain: Domain) -> Floats:
    """Return the standard deviation of each number `(d,)`; 1 for words and categories."""
    if isinstance(domain, TextDomain):
        return np.ones(1)
    rows = np.asarray(x, dtype=np.float64).reshape(len(x), -1)
    rows = domain.filled(rows) if isinstance(domain, TableDomain) else rows
    deviation = rows.std(axis=0)
    if isinstance(domain, TableDomain):
        coded = np.array([c.kind == "category" for c in domain.columns])
        coded[[column for group in domain.one_hot for column in group]] = True
        deviation = np.where(coded, 1.0, deviation)
    return np.asarray(deviation)


def perturb_records(
    x: Inputs, domain: Domain, strength: Floats, rng: np.random.Generator
) -> Inputs:
    """Change each input `(n, ...)` at random; `strength` is that of each column, or of words."""
    if isinstance(domain, TextDomain):
        out = np.empty(len(x), dtype=object)
        out[:] = [_drop_words(text, float(strength[0]), rng) for text in x]
        return out
    rows = np.asarray(x, dtype=np.float64).reshape(len(x), -1)
    noisy = rows + strength * rng.standard_normal(rows.shape)
    if isinstance(domain, ImageDomain):
        return np.clip(noisy, domain.low, domain.high).reshape(np.shape(x))
    for j, column in enumerate(domain.columns):
        if column.kind == "category":
            redrawn = rng.random(len(rows)) < strength[j]
            noisy[:, j] = np.where(
                redrawn, rng.integers(len(column.categories), size=len(rows)), rows[:, j]
            )
    for group in domain.one_hot:
        block = list(group)
        redrawn = rng.random(len(rows)) < strength[block[0]]
        drawn = np.eye(len(block))[rng.integers(len(block), size=len(rows))]
        noisy[:, block] = np.where(redrawn[:, None], drawn, rows[:, block])
    return domain.project(noisy)


def _drop_words(text: str, share: float, rng: np.random.Generator) -> str:
    words = text.split()
    kept = rng.random(len(words)) >= share
    return " ".join(word for word, keep in zip(words, kept, strict=True) if keep)
