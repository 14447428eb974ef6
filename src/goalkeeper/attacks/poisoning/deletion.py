"""Delete the training records that hold the boundary of the harmless class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.poisoning._sides import measure_class_lean
from goalkeeper.attacks.poisoning._steps import choose_class, spare_some, submit_in_steps
from goalkeeper.core.access import Access
from goalkeeper.core.change import Change
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import Grade, Knowledge, Power
from goalkeeper.games.poisoning import Contribution, Poisoning, PoisoningQuestion


@final
@dataclass(frozen=True, kw_only=True)
class Deletion(Attack[PoisoningQuestion, Contribution]):
    """Withdraw the reachable harmless records that lie closest to the harmful ones.

    They hold the boundary where it is: without them, harmless inputs that look like them fall to
    the other side. The attacker draws a line between the class means of the data it has and
    deletes its own harmless records on the harmful side of it first. Without a harmless class it
    deletes records of the class that is most frequent among them. Knowing all of the training data,
    it chooses among all rows. Costs no query and no model.

    Deviations: the paper removes the points whose leverage a model of the victim shows to be
    largest; this attacker knows no algorithm, and takes closeness to the other class for it.

    Parameters
    ----------
    spared
        Share of the class that stays where all of it is in reach.
    """

    game = Poisoning
    variant = "poisoning.delete_points"
    reference = (
        "Mei and Zhu 2015, Using machine teaching to identify optimal training-set attacks on "
        "machine learners, AAAI (changes of the training set); closest-first in its place"
    )
    tasks: ClassVar[tuple[str, ...]] = ("harmless-declined", "accuracy-drop")
    uses: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.FULL))
    version: ClassVar[int] = 2

    spared: float = 0.1

    def run(self, question: PoisoningQuestion, access: Access) -> Contribution:
        """Return as many deletions as the share allows; fewer on the way."""
        rows, records, data = access.reachable(), access.own(), access.data()
        # Without a harmless class the most frequent one is that of the records in reach: among the
        # few of a small share, none may be of the class that is most frequent elsewhere.
        label = choose_class(question, access, records)
        ours = np.flatnonzero(records.y == label)
        if len(rows) and not len(ours):
            raise NotOffered(
                f"none of the {len(rows):,} training records that this attacker may delete is of "
                f"the class {access.classes[label]}"
            )
        near = measure_class_lean(records.x[ours], data, label)
        order = ours[np.argsort(near, kind="stable")]
        gone = rows[spare_some(order, records, question, self.spared)]
        limits = question.change_counts(access.granted.budget.share)
        counts = sorted({min(n, len(gone)) for n in limits} - {0})
        return submit_in_steps(access, counts, lambda count: Change(delete=gone[:count]))
