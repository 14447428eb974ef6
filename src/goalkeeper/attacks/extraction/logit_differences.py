"""Read a linear model out of its logits: one question an input, and one more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.extraction._equations import solve_equations
from goalkeeper.attacks.extraction._pixel_equations import solve_pixels
from goalkeeper.attacks.extraction._substitutes import ConstantSubstitute
from goalkeeper.core.access import Access
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.extraction import Extraction, PublicInterface, Substitute

PATIENCE = 64  # rows of a table asked an unknown, at most


@final
@dataclass(frozen=True, kw_only=True)
class LogitDifferences(Attack[PublicInterface, Substitute]):
    """Change one column or pixel at a time, and divide the change of the logits by its size.

    Tables are solved as `equation_solving` does, with logits in place of log-scores: squares and
    products of columns (Gaussian naive Bayes, quadratic discriminants) are found too.

    Logits do not saturate as scores do, so d + 1 answers give every weight of a linear model, or
    of the linear piece around the middle of a network with rectified units: a copy that is equal
    in function there. Answers to further random inputs, as many again, correct it by least
    squares where the model turns out not to be linear; then the best copy made from own data
    without a question, where there are any, is handed in unless answers held back show more.

    Deviations from the paper: only the first layer's piece is followed; the search for the points
    where units switch, which gives a whole network, is not done.
    """

    game: ClassVar[type[Extraction]] = Extraction
    variant: ClassVar[str] = "extraction.functionally_equivalent"
    reference: ClassVar[str] = (
        "Jagielski, Carlini, Berthelot, Kurakin, Papernot: High Accuracy and High Fidelity "
        "Extraction of Neural Networks (USENIX Security 2020), section 4"
    )
    domains: ClassVar[frozenset[str]] = frozenset({"table", "image"})
    uses: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.FULL, algorithm=Grade.FULL))
    most: ClassVar[Budget] = Budget(queries=50_000, compute_h=1.0)
    version: ClassVar[int] = 2

    def run(self, question: PublicInterface, access: Access) -> Substitute:
        """Ask, solve, check, and ask again if the model is not linear."""
        table = isinstance(access.domain, TableDomain)
        copy: Substitute = ConstantSubstitute(0)
        for copy in solve_equations(access, PATIENCE) if table else solve_pixels(access):
            access.checkpoint(copy)
        return copy
