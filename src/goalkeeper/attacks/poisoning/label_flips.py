"""Typical harmless records, relabelled as harmful."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.poisoning._sides import measure_class_lean
from goalkeeper.attacks.poisoning._steps import choose_class, spare_some, submit_in_steps
from goalkeeper.core.access import Access
from goalkeeper.core.change import Change
from goalkeeper.core.data import Ints
from goalkeeper.core.power import Grade, Knowledge, Power
from goalkeeper.games.poisoning import Contribution, Poisoning, PoisoningQuestion


@final
@dataclass(frozen=True, kw_only=True)
class LabelFlips(Attack[PoisoningQuestion, Contribution]):
    """Relabel the reachable harmless records that are farthest from every harmful one.

    The attacker draws a line between the class means of the data it has (words of a text count
    once; columns and pixels are standardised) and flips its own records farthest on the harmless
    side, to the most frequent other class. Without a harmless class it flips to the second most
    frequent class whatever lies farthest from that. Knowing all of the training data, it chooses
    among all rows. Costs no query, no model.

    Deviations: the paper searches the flips by training the victim's own support vector machine;
    this attacker knows no algorithm, and uses the paper's baseline "farthest first", with class
    means in place of the hyperplane.

    Parameters
    ----------
    spared
        Share of each class that stays where all of it is in reach.
    """

    game = Poisoning
    variant = "poisoning.label_flip"
    reference = (
        "Xiao, Xiao and Eckert 2012, Adversarial label flips attack on support vector machines, "
        "ECAI (farthest-first flips)"
    )
    version: ClassVar[int] = 2
    tasks: ClassVar[tuple[str, ...]] = ("harmless-declined", "accuracy-drop")
    uses: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.FULL))

    spared: float = 0.1

    def run(self, question: PoisoningQuestion, access: Access) -> Contribution:
        """Return as many flips as the share allows; fewer on the way."""
        rows, records, data = access.reachable(), access.own(), access.data()
        label = choose_class(question, access, data)
        counted = np.bincount(data.y, minlength=len(access.classes))
        counted[label] = -1
        other = int(np.argmax(counted))
        everybody = access.harmless is None
        ours = np.flatnonzero(records.y != other if everybody else records.y == label)
        far = (
            -measure_class_lean(records.x[ours], data, other)
            if everybody
            else measure_class_lean(records.x[ours], data, label)
        )
        order = spare_some(ours[np.argsort(-far, kind="stable")], records, question, self.spared)
        flips: Ints = rows[order]
        counts = sorted({min(n, len(flips)) for n in question.change_counts(_share(access))} - {0})

        def change(count: int) -> Change:
            return Change(relabel=flips[:count], relabelled=np.full(count, other))

        return submit_in_steps(access, counts, change)


def _share(access: Access) -> float:
    return access.granted.budget.share
