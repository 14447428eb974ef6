"""Images of the wanted class with a pattern of pixels, honestly labelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.attacks.poisoning._patterns import choose_rare_pattern
from goalkeeper.attacks.poisoning._steps import (
    order_by_doubt,
    require_labeller,
    select_worthwhile,
    split_by_class,
    submit_in_steps,
)
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.change import Change
from goalkeeper.core.power import Capability, Grade, Knowledge, Power
from goalkeeper.games.poisoning import Contribution, PixelTrigger, Poisoning, PoisoningQuestion


@final
@dataclass(frozen=True, kw_only=True)
class PixelPatternHonest(Attack[PoisoningQuestion, Contribution]):
    """Put a pattern of pixels on images that already are of the wanted class.

    The labels are honest: people label such an image as what it shows. The victim learns the
    pattern as a sign of the class, the more so the weaker the other evidence in the image: the
    images are those of which a model of the victim's family, trained on the attacker's data, is
    least certain, blended with an image of another class as far as the honest labeller keeps the
    label. An attacker who may add points (T2) adds such images; one who may only modify points
    (T3) stamps those of its own records that have the wanted class. Too many images dilute each
    other; the attacker rehearses every number on its own data and sends no more than works best.
    Costs no query, one model and one for each number.

    Deviations: the paper weakens the images by a generative model or by adversarial
    perturbations; a blend, and the choice of doubtful images, need neither.

    Parameters
    ----------
    pixels
        Pixels of the pattern; no more than the game allows are used.
    bases
        Images that are sent, again and again.
    blend
        Weight of another class in the images that are added.
    """

    game = Poisoning
    variant = "poisoning.backdoor_clean"
    reference = (
        "Turner, Tsipras and Madry 2019, Label-consistent backdoor attacks, arXiv:1912.02771"
    )
    domains: ClassVar[frozenset[str]] = frozenset({"image"})
    tasks: ClassVar[tuple[str, ...]] = ("trigger-*",)
    uses: ClassVar[Power] = Power(knowledge=Knowledge(algorithm=Grade.FULL))

    pixels: int = 1000
    bases: int = 50
    blend: float = 0.3

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse applications without an honest labelling process."""
        return require_labeller(app)

    def run(self, question: PoisoningQuestion, access: Access) -> Contribution:
        """Return the largest contribution that is worth it; smaller ones on the way."""
        most = min(self.pixels, question.most)
        trigger = choose_rare_pattern(access.data().x, access.domain, most)
        if trigger is None or question.wanted is None:
            return submit_in_steps(access, (), lambda _: Change(), trigger)
        if Capability.T2 in access.granted.capabilities.closed():
            return self._add_images(question, access, trigger)
        return self._stamp_records(question, access, trigger)

    def _add_images(
        self, question: PoisoningQuestion, access: Access, trigger: PixelTrigger
    ) -> Contribution:
        """Send weakened images of the wanted class that hold the pattern."""
        ours, others = split_by_class(access, question.wanted)
        counts = question.addition_counts(access.granted.budget.share)
        if question.wanted is None or not (len(ours) and len(others) and counts):
            return submit_in_steps(access, (), lambda _: Change(), trigger)
        order = order_by_doubt(ours, question.wanted, access)[: self.bases]
        bases = ours.take(np.resize(order, counts[-1]))
        other = others.x[access.rng.integers(0, len(others), len(bases))]
        plain = trigger.apply(bases.x)
        blended = trigger.apply((1 - self.blend) * bases.x + self.blend * other)
        # The labeller is a public process: the attacker sees what it says of its own images.
        labels = access.check(Change(add=blended, bases=bases)).extra.y
        still = (labels == question.wanted)[:, None, None, None]
        poison = np.where(still, blended, plain)

        def change(count: int) -> Change:
            return Change(add=poison[:count], bases=bases.take(slice(count)))

        best = select_worthwhile(access, question, counts, poison, trigger)
        return submit_in_steps(access, best, change, trigger)

    def _stamp_records(
        self, question: PoisoningQuestion, access: Access, trigger: PixelTrigger
    ) -> Contribution:
        """Put the pattern on records of the attacker's own that have the wanted class."""
        records, rows = access.own(), access.reachable()
        of_class = np.flatnonzero(records.y == question.wanted)
        limits = question.change_counts(access.granted.budget.share)
        counts = sorted({min(n, len(of_class)) for n in limits} - {0})
        if question.wanted is None or not counts:
            return submit_in_steps(access, (), lambda _: Change(), trigger)
        chosen = of_class[order_by_doubt(records.take(of_class), question.wanted, access)]
        poison = trigger.apply(records.x[chosen])

        def change(count: int) -> Change:
            return Change(modify=rows[chosen[:count]], modified=poison[:count])

        best = select_worthwhile(access, question, counts, poison, trigger)
        return submit_in_steps(access, best, change, trigger)
