"""Typical harmless records, relabelled as harmful."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.poisoning._steps import in_steps
from goalkeeper.core.access import Access
from goalkeeper.core.change import Change
from goalkeeper.core.data import Data, Floats, Inputs, Ints
from goalkeeper.core.power import Grade, Knowledge, Power
from goalkeeper.games._text import terms
from goalkeeper.games.poisoning import Aim, Contribution, Poisoning


@final
@dataclass(frozen=True, kw_only=True)
class LabelFlips(Attack[Aim, Contribution]):
    """Relabel the reachable harmless records that are farthest from every harmful one.

    The attacker draws a line between the class means of the data it has (words of a text count
    once; columns of a table are standardised) and flips its own records farthest on the harmless
    side, to the most frequent other class. Without a harmless class it flips the most frequent
    class. Knowing all of the training data, it chooses among all rows. Costs no query, no model.

    Deviations: the paper searches the flips by training the victim's own support vector machine;
    this attacker knows no algorithm, and uses the paper's baseline "farthest first", with class
    means in place of the hyperplane.
    """

    game = Poisoning
    variant = "poisoning.label_flip"
    reference = (
        "Xiao, Xiao and Eckert 2012, Adversarial label flips attack on support vector machines, "
        "ECAI (farthest-first flips)"
    )
    domains: ClassVar[frozenset[str]] = frozenset({"text", "table"})
    tasks: ClassVar[tuple[str, ...]] = ("harmless-declined", "accuracy-drop")
    uses: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.FULL))

    def play(self, question: Aim, access: Access) -> Contribution:
        """Return as many flips as the share allows; fewer on the way."""
        rows, own, known = access.reachable(), access.own(), access.data()
        counted = np.bincount(known.y, minlength=len(access.classes))
        aim = int(np.argmax(counted)) if access.harmless is None else access.harmless
        counted[aim] = -1
        other = int(np.argmax(counted))
        ours = np.flatnonzero(own.y == aim)
        far = _sidedness(own.x[ours], known, aim)
        flips: Ints = rows[ours[np.argsort(-far, kind="stable")]]
        counts = sorted({min(n, len(flips)) for n in question.touches(_share(access))} - {0})

        def change(count: int) -> Change:
            return Change(relabel=flips[:count], relabelled=np.full(count, other))

        return in_steps(access, counts, change)


def _share(access: Access) -> float:
    return access.granted.budget.share


def _sidedness(x: Inputs, known: Data, aim: int) -> Floats:
    """Measure how far inputs `(n, ...)` lie on the side of class `aim`, `(n,)`."""
    ours = known.y == aim
    if x.dtype == object:
        weights = _word_weights(known.x[ours], known.x[~ours])
        return np.array([sum(weights.get(w, 0.0) for w in set(terms(t))) for t in x])
    flat = np.asarray(known.x, dtype=np.float64).reshape(len(known), -1)
    scale = np.maximum(flat.std(axis=0), 1e-12)
    if ours.all() or not ours.any():
        return np.zeros(len(x))
    line = (flat[ours].mean(axis=0) - flat[~ours].mean(axis=0)) / scale
    rows = np.asarray(x, dtype=np.float64).reshape(len(x), -1) / scale
    return np.asarray(rows @ line, dtype=np.float64)


def _word_weights(ours: Inputs, others: Inputs) -> dict[str, float]:
    """Share of our texts that hold a word, less the share of the others."""
    weights: dict[str, float] = {}
    for side, sign in ((ours, 1.0), (others, -1.0)):
        holding = Counter(word for text in side for word in set(terms(text)))
        for word, count in holding.items():
            weights[word] = weights.get(word, 0.0) + sign * count / len(side)
    return weights
