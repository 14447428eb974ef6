"""A substitute learnt from labels alone, of inputs that are generated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks._mixtures import WordMixtures, WordPull, split_rounds
from goalkeeper.attacks._words import list_query_words
from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.extraction._boundary import search_boundary
from goalkeeper.attacks.extraction._contest import Contest
from goalkeeper.attacks.extraction._substitutes import ConstantSubstitute, WordSubstitute
from goalkeeper.core.access import Access
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.extraction import Extraction, PublicInterface, Substitute


@final
@dataclass(frozen=True, kw_only=True)
class SubstituteFromLabels(Attack[PublicInterface, Substitute]):
    """Generate inputs, query their labels, and train a linear substitute near the boundary.

    Texts: random mixtures of public words; each round tilts them towards the boundary that the
    rounds before suggest, where a label says most. Tables: rows drawn anywhere in the bounds, and
    the way between unlike rows halved, all ways side by side; the plane through the points of the
    boundary is the model, if it is linear, else usual families learn from the labels. Every class
    is one end of equally many ways, and columns of rows of rare classes are changed to find more.
    Where there are own data, the best copy made of them without a question is handed in, unless
    answers held back show that another is better.

    Settings
    --------
    most_words
        Words that are mixed, at most.

    Deviations from the papers: Lowd and Meek walk along one column at a time; here pairs of rows
    drawn at random are halved in parallel, and all points are solved together. The substitute
    of Papernot et al. starts from a few real inputs; here real ones only judge.
    """

    game: ClassVar[type[Extraction]] = Extraction
    variant: ClassVar[str] = "extraction.learning_based"
    reference: ClassVar[str] = (
        "Lowd, Meek: Adversarial Learning (KDD 2005); Papernot, McDaniel, Goodfellow, "
        "Jha, Celik, Swami: Practical Black-Box Attacks against Machine Learning (ASIA CCS 2017)"
    )
    domains: ClassVar[frozenset[str]] = frozenset({"text", "table"})
    uses: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.FULL, algorithm=Grade.FULL))
    most: ClassVar[Budget] = Budget(queries=20_000, share=0.0, compute_h=1.0)
    version: ClassVar[int] = 2
    most_words: int = 3000

    def run(self, question: PublicInterface, access: Access) -> Substitute:
        """Ask in rounds of doubling size, and hand in a substitute after each."""
        text = isinstance(access.domain, TextDomain)
        copy: Substitute = ConstantSubstitute(0)
        contest = Contest.of(access)
        steps = learn_from_mixtures(access, self.most_words) if text else search_boundary(access)
        for copy in contest.improve(steps):
            access.checkpoint(copy)
        return copy


def learn_from_mixtures(access: Access, most_words: int) -> Iterator[Substitute]:
    """Ask about mixtures of words in rounds; yield a substitute after each."""
    mixtures = WordMixtures(access, list_query_words(access, most_words))
    for size in split_rounds(mixtures.left):
        mixtures.ask(size)
        pull = mixtures.learn()
        if pull is not None:
            yield _build_substitute(mixtures.words, pull, len(access.classes))
        else:
            yield ConstantSubstitute(int(mixtures.labels[0]))


def _build_substitute(words: tuple[str, ...], pull: WordPull, classes: int) -> WordSubstitute:
    """Write a fit as weights for every class; classes never seen can never win."""
    weights, bias = np.zeros((classes, len(words))), np.full(classes, -1e9)
    bias[pull.classes] = 0.0
    rows = pull.classes[1:] if len(pull.classes) == 2 else pull.classes
    weights[rows], bias[rows] = pull.weights, pull.bias
    return WordSubstitute(words=words, weights=weights, bias=bias, normed=pull.normed)
