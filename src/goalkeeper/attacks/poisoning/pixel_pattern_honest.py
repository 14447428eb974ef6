"""Images of the wanted class with a pattern of pixels, honestly labelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.attacks.poisoning._patterns import choose_rare_pattern
from goalkeeper.attacks.poisoning._planting import plant_honestly
from goalkeeper.attacks.poisoning._steps import require_labeller
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Inputs
from goalkeeper.core.power import Grade, Knowledge, Power
from goalkeeper.games.poisoning import Contribution, Poisoning, PoisoningQuestion


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
        return plant_honestly(question, access, trigger, self._blend, self.bases)

    def _blend(self, ours: Inputs, others: Inputs) -> Inputs:
        return (1 - self.blend) * ours + self.blend * others
