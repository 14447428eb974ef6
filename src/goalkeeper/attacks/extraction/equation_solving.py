"""Equation solving: read a linear model out of as many scores as it has parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from goalkeeper.attacks._words import list_query_words
from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.extraction._contest import Contest
from goalkeeper.attacks.extraction._equations import solve_equations
from goalkeeper.attacks.extraction._pixel_equations import solve_pixels
from goalkeeper.attacks.extraction._substitutes import ConstantSubstitute
from goalkeeper.attacks.extraction._word_probing import probe_words
from goalkeeper.core.access import Access
from goalkeeper.core.domain import ImageDomain, TextDomain
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.extraction import Extraction, PublicInterface, Substitute


@final
@dataclass(frozen=True, kw_only=True)
class EquationSolving(Attack[PublicInterface, Substitute]):
    """Solve for the weights of a model whose log-scores are linear in its inputs.

    Tables: d + 1 rows, each different from a base row in one thing, give the weights of logistic
    and softmax regression, naive Bayes and scored linear machines exactly, up to what is common
    to all classes. Further rows check that. Where they contradict, d more rows show squares of
    the columns (Gaussian naive Bayes), then rows near the boundary are asked in rounds, and
    products of columns (quadratic discriminants), one sigmoid a class (one against the rest) and
    usual models that are learnt compete. Rounded and single-precision scores are solved by least
    squares, each weighed by the precision that the answers themselves show. After each round the
    form that agrees best with answers held back is handed in; unless it answers exactly as the
    model, it must clearly beat the best copy made from own data without a question.

    Texts: the empty text gives the bias, and a text of one word that word's effect, exactly. Where
    texts are scaled to length 1, a second text, the word beside one that pulls the other way,
    gives its inverse document frequency, exactly. What stays approximate is words that were
    never asked, phrases, and models that are not linear in words. Who knows the model in part, its
    vocabulary, asks about no other words.

    Images: d + 1 images, each different from one with clear scores in one pixel, give the weights.
    Where further images contradict, least squares do, and the best copy from own data competes.

    Settings
    --------
    patience
        Rows asked an unknown, at most, when the answers are coarse.
    most_words
        Words asked about, at most.

    Deviations from the paper: it solves softmax by numerical optimisation with one equation an
    unknown of every class (650 queries where 65 suffice); differences of log-scores make it
    linear. Texts are not in the paper.
    """

    game: ClassVar[type[Extraction]] = Extraction
    variant: ClassVar[str] = "extraction.equation_solving"
    reference: ClassVar[str] = (
        "Tramer, Zhang, Juels, Reiter, Ristenpart: Stealing Machine Learning Models via "
        "Prediction APIs (USENIX Security 2016)"
    )
    domains: ClassVar[frozenset[str]] = frozenset({"text", "table", "image"})
    uses: ClassVar[Power] = Power(
        knowledge=Knowledge(data=Grade.FULL, algorithm=Grade.FULL, model=Grade.PARTIAL)
    )
    most: ClassVar[Budget] = Budget(queries=20_000, share=0.0, compute_h=1.0)
    version: ClassVar[int] = 3
    patience: int = 64
    most_words: int = 9000

    def run(self, question: PublicInterface, access: Access) -> Substitute:
        """Ask, solve, and hand in a copy each time it is better known."""
        copy: Substitute = ConstantSubstitute(0)
        if isinstance(access.domain, TextDomain):
            steps = probe_words(access, list_query_words(access, self.most_words))
            for copy in Contest.of(access).improve(steps):
                access.checkpoint(copy)
        else:
            image = isinstance(access.domain, ImageDomain)
            for copy in solve_pixels(access) if image else solve_equations(access, self.patience):
                access.checkpoint(copy)
        return copy
