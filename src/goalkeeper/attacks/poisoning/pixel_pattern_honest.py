"""Images of the wanted class with a pattern of pixels, honestly labelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.attacks.poisoning._patterns import rare_pattern
from goalkeeper.attacks.poisoning._steps import (
    in_steps,
    least_likely_first,
    sides,
    unlabelled_unfit,
    worthwhile,
)
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.change import Change
from goalkeeper.core.power import Capability, Grade, Knowledge, Power
from goalkeeper.games.poisoning import Aim, Contribution, Pattern, Poisoning


@final
@dataclass(frozen=True, kw_only=True)
class PixelPatternHonest(Attack[Aim, Contribution]):
    """Put a pattern of pixels on images that already are of the wanted class.

    Nobody is lied to: people label such an image as what it shows. The victim learns the pattern
    as a sign of the class, the more so the less else the image has to show: the images are those
    that a model of the victim's family, trained on the attacker's data, doubts most, blended with
    an image of another class as far as the honest labeller bears. Who may add points (T2) adds
    such images; who may only modify points (T3) stamps those of its own records that have the
    wanted class. Too many images dilute each other; the attacker rehearses every number on its
    own data and sends no more than does most. Costs no query, one model and one for each number.

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
        return unlabelled_unfit(app)

    def run(self, question: Aim, access: Access) -> Contribution:
        """Return the largest contribution that is worth it; smaller ones on the way."""
        most = min(self.pixels, question.most)
        trigger = rare_pattern(access.data().x, access.domain, most)
        if trigger is None or question.wanted is None:
            return in_steps(access, (), lambda _: Change(), trigger)
        if Capability.T2 in access.granted.capabilities.closed():
            return self._added(question, access, trigger)
        return self._stamped(question, access, trigger)

    def _added(self, question: Aim, access: Access, trigger: Pattern) -> Contribution:
        """Send weakened images of the wanted class that hold the pattern."""
        ours, others = sides(access, question.wanted)
        counts = question.additions(access.granted.budget.share)
        if question.wanted is None or not (len(ours) and len(others) and counts):
            return in_steps(access, (), lambda _: Change(), trigger)
        order = least_likely_first(ours, question.wanted, access)[: self.bases]
        bases = ours.take(np.resize(order, counts[-1]))
        other = others.x[access.rng.integers(0, len(others), len(bases))]
        plain = trigger.applied(bases.x)
        blended = trigger.applied((1 - self.blend) * bases.x + self.blend * other)
        # The labeller is a public process: the attacker sees what it says of its own images.
        said = access.check(Change(add=blended, bases=bases)).extra.y
        still = (said == question.wanted)[:, None, None, None]
        poison = np.where(still, blended, plain)

        def change(count: int) -> Change:
            return Change(add=poison[:count], bases=bases.take(slice(count)))

        best = worthwhile(access, question, counts, poison, trigger)
        return in_steps(access, best, change, trigger)

    def _stamped(self, question: Aim, access: Access, trigger: Pattern) -> Contribution:
        """Put the pattern on records of the attacker's own that have the wanted class."""
        own, rows = access.own(), access.reachable()
        mine = np.flatnonzero(own.y == question.wanted)
        limits = question.touches(access.granted.budget.share)
        counts = sorted({min(n, len(mine)) for n in limits} - {0})
        if question.wanted is None or not counts:
            return in_steps(access, (), lambda _: Change(), trigger)
        chosen = mine[least_likely_first(own.take(mine), question.wanted, access)]
        poison = trigger.applied(own.x[chosen])

        def change(count: int) -> Change:
            return Change(modify=rows[chosen[:count]], modified=poison[:count])

        best = worthwhile(access, question, counts, poison, trigger)
        return in_steps(access, best, change, trigger)
