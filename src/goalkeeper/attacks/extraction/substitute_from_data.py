"""A substitute trained on the attacker's own inputs and the labels that the target gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.extraction._own_data import learn_from_own_data
from goalkeeper.attacks.extraction._substitutes import ConstantSubstitute
from goalkeeper.core.access import Access
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.extraction import Extraction, PublicInterface, Substitute


@final
@dataclass(frozen=True, kw_only=True)
class SubstituteFromData(Attack[PublicInterface, Substitute]):
    """Query similar inputs of the attacker's own, and train a substitute on the labels.

    The answers of the target replace the true classes. Of a linear model and one of another family
    the one that agrees more with answers set aside is handed in.

    Own inputs are asked first, then, while the budget lasts, blends of them, half of which lie
    where copies disagree or are unsure. Some own inputs are held back, and inputs near them asked:
    of several families of models and their vote, the one that agrees most with the answers to
    these is handed in, if it does so clearly more than the best copy of one's own data that needs
    no question. Who knows the recipe, or its family, trains it too.
    Boosting is not among the families where an input has more than 500 numbers, for its time.

    Deviations from the papers: they augment along the substitute's gradient, or take inputs of
    another domain; here halves of two texts, or columns of two rows, make a new input.

    Settings
    --------
    inputs
        One's own inputs asked, at most.
    blended
        Inputs blended from two of the attacker's own, asked as a multiple of these.
    """

    game: ClassVar[type[Extraction]] = Extraction
    variant: ClassVar[str] = "extraction.learning_based"
    reference: ClassVar[str] = (
        "Papernot, McDaniel, Goodfellow, Jha, Celik, Swami: Practical Black-Box Attacks against "
        "Machine Learning (ASIA CCS 2017); Correia-Silva et al.: Copycat CNN "
        "(IJCNN 2018)"
    )
    domains: ClassVar[frozenset[str]] = frozenset({"text", "table", "image"})
    asks: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.PARTIAL))
    uses: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.FULL, algorithm=Grade.FULL))
    most: ClassVar[Budget] = Budget(queries=20_000, share=0.0, compute_h=1.0)
    rehearsal: ClassVar[float] = 2000.0
    version: ClassVar[int] = 4
    inputs: int = 5000
    blended: float = 50.0

    def run(self, question: PublicInterface, access: Access) -> Substitute:
        """Ask, train, and hand in a substitute after each round."""
        copy: Substitute = ConstantSubstitute(0)
        for copy in learn_from_own_data(access, self.inputs, self.blended):
            access.checkpoint(copy)
        return copy
