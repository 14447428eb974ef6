"""A substitute trained on the attacker's own inputs and the scores that the target gives them."""

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
class SubstituteFromScores(Attack[PublicInterface, Substitute]):
    """Query similar inputs of the attacker's own, and train a substitute on the scores.

    The substitute learns the logarithms of the scores, which say far more than labels: how far
    each input lies from the boundary. Models that learn from labels compete with it, and the one
    that agrees more with answers set aside is handed in.

    Own inputs are asked first, then, while the budget lasts, blends of them, half of which lie
    where copies disagree or are unsure. Some own inputs are held back, and inputs near them asked:
    of several families of models and their vote, the one that agrees most with the answers to
    these is handed in, if it does so clearly more than the best copy of one's own data that needs
    no question. Who knows the recipe, or its family, trains it too.
    Boosting is not among the families where an input has more than 500 numbers, for its time.

    Deviations from the papers: they train networks on the cross-entropy to the scores; here least
    squares on log-scores, which for a linear target is exact in the limit.

    Settings
    --------
    inputs
        One's own inputs asked, at most.
    blended
        Inputs blended from two of the attacker's own, asked as a multiple of these.
    """

    game: ClassVar[type[Extraction]] = Extraction
    variant: ClassVar[str] = "extraction.with_scores"
    reference: ClassVar[str] = (
        "Orekondy, Schiele, Fritz: Knockoff Nets (CVPR 2019), random strategy; "
        "Jagielski, Carlini, Berthelot, Kurakin, Papernot: High Accuracy and High Fidelity "
        "Extraction of Neural Networks (USENIX Security 2020)"
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
