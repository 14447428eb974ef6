"""Overwrite stored harmful records with the content of harmless ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.poisoning._sides import measure_class_lean
from goalkeeper.attacks.poisoning._steps import choose_class, spare_some, submit_in_steps
from goalkeeper.core.access import Access
from goalkeeper.core.change import Change
from goalkeeper.core.data import Inputs
from goalkeeper.core.power import Grade, Knowledge, Power
from goalkeeper.core.text import texts
from goalkeeper.games.poisoning import Contribution, Poisoning, PoisoningQuestion


@final
@dataclass(frozen=True, kw_only=True)
class Overwriting(Attack[PoisoningQuestion, Contribution]):
    """Overwrite the attacker's own harmful training records with borderline harmless content.

    Points are modified after they were labelled, so that the records keep the label harmful, and
    the victim learns harmless content as harmful. (Content that is changed before anybody labels
    it is a new point with an honest label: attacks that add points do that.) The content is that
    of the harmless records of the attacker's data that lie closest to the harmful ones: there the
    victim is easiest to move. The fewer records are overwritten, the more harmless texts each
    holds. Without a harmless class, the most frequent class takes its place. Knowing all of the
    training data, the attacker chooses among all rows. Costs no query, no model.

    Deviations: the paper optimises small perturbations of images for one target; here the change
    of a point is not bounded, and damages every harmless input.

    Parameters
    ----------
    texts
        Harmless texts that one overwritten text holds at most, as far as they fit.
    part
        Share of the known harmless texts that is spread over the overwritten ones.
    spared
        Share of each harmful class that stays where all of it is in reach.
    """

    game = Poisoning
    variant = "poisoning.modify_points"
    reference = (
        "Huang et al. 2020, MetaPoison, arXiv:2004.00225 (poisoning by modified points under "
        "unchanged labels)"
    )
    tasks: ClassVar[tuple[str, ...]] = ("harmless-declined", "accuracy-drop")
    uses: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.FULL))

    texts: int = 5
    part: float = 0.25
    spared: float = 0.2

    def run(self, question: PoisoningQuestion, access: Access) -> Contribution:
        """Return as many modified records as the share allows; fewer on the way."""
        rows, records, data = access.reachable(), access.own(), access.data()
        label = choose_class(question, access, data)
        harmless = data.x[data.y == label]
        others = access.rng.permutation(np.flatnonzero(records.y != label))
        chosen = rows[spare_some(others, records, question, self.spared)]
        limits = question.change_counts(access.granted.budget.share)
        counts = sorted({min(n, len(chosen)) for n in limits} - {0}) if len(harmless) else []
        doubtful = harmless[np.argsort(measure_class_lean(harmless, data, label), kind="stable")]

        def change(count: int) -> Change:
            return Change(
                modify=chosen[:count], modified=self._draw_content(doubtful, count, access)
            )

        return submit_in_steps(access, counts, change)

    def _draw_content(self, doubtful: Inputs, count: int, access: Access) -> Inputs:
        """Return what is written over `count` records, the most doubtful content first."""
        if doubtful.dtype != object:
            return doubtful[np.resize(np.arange(len(doubtful)), count)]
        longest = int(getattr(access.domain, "max_chars", 0))
        each = int(np.clip(round(self.part * len(doubtful) / count), 1, self.texts))
        chosen = np.resize(np.arange(len(doubtful)), (count, each))
        return texts(" ".join(doubtful[row])[:longest] for row in chosen)
