"""Points optimised against the victim's own data, and chosen by its own recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.attacks.poisoning._points import PointCrafter
from goalkeeper.attacks.poisoning._steps import (
    choose_class,
    rehearse_damage,
    spare_some,
    submit_in_steps,
)
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.change import Change
from goalkeeper.core.data import Data
from goalkeeper.core.power import Capability, Power
from goalkeeper.games.poisoning import Contribution, Poisoning, PoisoningQuestion


@final
@dataclass(frozen=True, kw_only=True)
class BackGradient(Attack[PoisoningQuestion, Contribution]):
    """Add labelled points that follow the gradient of the damage back through the training.

    The attacker knows the training data and the recipe. All points climb together the slope of the
    error on records that the surrogate, logistic regression, did not learn; the slope through
    its training comes from the condition of its optimum, with the inverse Hessian. How strongly
    the surrogate is regularised decides where the points go: the attacker tries each of
    `strengths` at the largest number of points, trains models of the victim's own recipe on them,
    and keeps what does most harm; that may be to relabel, instead, the training records whose wrong
    label has the largest influence by the same slope. Every point is a possible input. Costs no
    query, and one model for each strength and one for relabelled records.

    Deviations: the first paper unrolls the steps of gradient descent backwards; where a Hessian can
    be inverted, as here, the condition of the optimum gives the same slope exactly, as the second
    uses it for influence. The victim itself may be no linear model: the points are made for one.

    Parameters
    ----------
    strengths
        Inverse strengths of the surrogate's penalty.
    spared
        Share of each class whose labels stay where all of them are in reach.
    """

    game = Poisoning
    variant = "poisoning.back_gradient"
    reference = (
        "Munoz-Gonzalez et al. 2017, Towards poisoning of deep learning algorithms with "
        "back-gradient optimization, AISec; Koh, Steinhardt and Liang 2018, Stronger data "
        "poisoning attacks break data sanitization defenses, arXiv:1811.00741"
    )
    tasks: ClassVar[tuple[str, ...]] = ("harmless-declined", "accuracy-drop")

    asks: ClassVar[Power] = Power(capabilities=Capability.T1)

    strengths: tuple[float, ...] = (0.01, 1.0, 100.0)
    spared: float = 0.1

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse applications without a recipe."""
        return None if app.trainer is not None else Unfit("the recipe is not described")

    def run(self, question: PoisoningQuestion, access: Access) -> Contribution:
        """Return the largest contribution that the share allows; smaller ones on the way."""
        ours = choose_class(question, access, access.data())
        crafter = PointCrafter.of(access, ours)
        counts = question.addition_counts(access.granted.budget.share)
        if crafter is None or not counts:
            return submit_in_steps(access, (), lambda _: Change())
        strength = self._choose_strength(crafter, access, counts[-1] / question.rows)
        if not strength:
            return self._relabel(crafter, question, access)

        def change(count: int) -> Change:
            points = crafter.craft(count / question.rows, access.rng, strength)
            rows = np.resize(np.arange(len(points)), count)
            return Change(add=points.x[rows], add_labels=points.y[rows])

        return submit_in_steps(access, counts, change)

    def _choose_strength(self, crafter: PointCrafter, access: Access, share: float) -> float:
        """Try every strength on models of the victim's recipe; 0: relabelled records do most."""

        def poison(known: Data, number: int) -> list[Data]:
            flips, labels = crafter.rank_flips()
            flipped = Data(x=crafter.known.x[flips], y=labels)
            made = [crafter.craft(share, access.rng, strength) for strength in self.strengths]
            return [data.take(np.resize(np.arange(len(data)), number)) for data in (flipped, *made)]

        wrong = rehearse_damage(access, share, poison)
        if wrong is None:
            return 0.0
        best = int(np.argmax(wrong))
        clearly = wrong[best] > wrong[0] + 2 * np.sqrt(wrong[0] + wrong[best])
        return self.strengths[best - 1] if clearly else 0.0

    def _relabel(
        self, crafter: PointCrafter, question: PoisoningQuestion, access: Access
    ) -> Contribution:
        """Relabel the training records whose wrong label does most harm."""
        order, labels = crafter.rank_flips()
        kept = spare_some(np.arange(len(order)), crafter.known.take(order), question, self.spared)
        rows = access.reachable()[order[kept]]
        limits = question.change_counts(access.granted.budget.share)
        counts = sorted({min(n, len(rows)) for n in limits} - {0})

        def change(count: int) -> Change:
            return Change(relabel=rows[:count], relabelled=labels[kept[:count]])

        return submit_in_steps(access, counts, change)
