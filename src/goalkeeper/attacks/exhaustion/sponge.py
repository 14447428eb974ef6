"""Sponges: inputs that take a model far longer than others, found by timing its answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.exhaustion._growth import EXPONENTIAL, Grown, Prober, Shape, climb
from goalkeeper.attacks.exhaustion._number_shapes import RowShapes, list_images
from goalkeeper.attacks.exhaustion._text_shapes import (
    MARKS,
    USUAL,
    Pumped,
    list_pumped,
    list_texts,
    mark_ends,
)
from goalkeeper.core.access import Access
from goalkeeper.core.data import Inputs
from goalkeeper.core.domain import ImageDomain, TableDomain, TextDomain
from goalkeeper.core.power import Budget
from goalkeeper.core.text import texts
from goalkeeper.games.exhaustion import Exhaustion, InputKind, Population, SizeLimits

ENOUGH = 3  # shapes that take as long as an answer may, and end the search
SLOW = 5.0  # times an ordinary answer: far more than noise
KEPT = 2  # kinds that are handed in after each stage: the slowest so far


@final
@dataclass(frozen=True, kw_only=True)
class Sponge(Attack[SizeLimits, Population]):
    """Let inputs of many kinds grow as long as they get slower, and keep the slowest.

    Texts: different and unknown words, very long and nearly equal words, numbers, nested brackets
    and tags, signs of other scripts; and pieces again and again, behind usual beginnings, that
    make a regular expression go back and forth. Variants of the slowest are tried last. Rows: each
    column from usual to extreme values, each category and missing values, then many at once.
    Images: ever more unusual pixels.

    Every input begins small. The next is asked only where the last ones let expect that it is
    answered soon, so that no answer takes for ever; a factor is shown by inputs that take 0.05 s
    (or 20 times an ordinary one), although larger ones may take far longer.

    Deviations from the source: there, a genetic algorithm recombines inputs by how long each took
    and how much energy; here known shapes grow, and only the slowest is varied. Energy is not
    measured.

    Parameters
    ----------
    seconds
        What all answers of the search may take together; without limit where the target counts
        its operations.
    variants
        Variants of the slowest repeated piece that are tried.
    """

    game: ClassVar[type[Exhaustion]] = Exhaustion
    variant: ClassVar[str] = "exhaustion.sponge"
    reference: ClassVar[str] = (
        "Shumailov, Zhao, Bates, Papernot, Mullins, Anderson: Sponge Examples: Energy-Latency "
        "Attacks on Neural Networks (IEEE EuroS&P 2021, arXiv 2006.03463)"
    )
    most: ClassVar[Budget] = Budget(queries=2_500, share=0.0, compute_h=1.0)
    version: ClassVar[int] = 3

    seconds: float = 20.0
    variants: int = 12

    def run(self, question: SizeLimits, access: Access) -> Population:
        """Search stage by stage, and hand in the slowest kinds after each."""
        if isinstance(access.domain, TextDomain):
            return _TextSearch(self, question, access).run()
        return _NumberSearch(self, question, access).run()


class _Search:
    """What all searches have in common: the shapes so far, and the kinds handed in."""

    def __init__(self, attack: Sponge, question: SizeLimits, access: Access) -> None:
        self.attack, self.question, self.access = attack, question, access
        self.prober = Prober(access, self.wrap, attack.seconds)
        self.found: list[Grown] = []
        self.population: list[InputKind] = []

    def wrap(self, value: Any) -> Inputs:
        """Return one value as inputs `(1, ...)`."""
        return np.asarray(value)[None]

    def make(self, grown: Grown) -> Inputs:
        """Return as many inputs of a shape as are asked for."""
        values = [
            grown.shape.make(grown.size, self.access.rng) for _ in range(self.question.inputs)
        ]
        return np.stack(values)

    def stage(self, shapes: Iterable[Shape]) -> None:
        """Let shapes grow, and hand in the slowest of all so far."""
        for shape in shapes:
            if self.done:
                break
            grown = climb(shape, self.prober)
            if grown is not None:
                self.found.append(grown)
        self.found.sort(key=self.rank)
        names = {kind.name for kind in self.population}
        for grown in self.found[:KEPT]:
            if grown.shape.name not in names:
                self.population.append(InputKind(grown.shape.name, self.make(grown)))
        self.access.checkpoint(tuple(self.population))

    def rank(self, grown: Grown) -> float:
        """Return what to sort by: the slowest first, for what an input of its size may take."""
        return -grown.cost

    @property
    def done(self) -> bool:
        """Whether nothing more may be asked, or several shapes are as slow as may be asked."""
        slow = sum(one.cost >= self.prober.cap / 2 for one in self.found)
        return slow >= ENOUGH or not self.prober.open


class _TextSearch(_Search):
    def __init__(self, attack: Sponge, question: SizeLimits, access: Access) -> None:
        super().__init__(attack, question, access)
        self.room = max(question.size - MARKS, 0)

    def wrap(self, value: Any) -> Inputs:
        return texts(mark_ends([value], self.room, self.access.rng))

    def make(self, grown: Grown) -> Inputs:
        rng = self.access.rng
        values = [grown.shape.make(grown.size, rng) for _ in range(self.question.inputs)]
        return texts(mark_ends(values, self.room, rng))

    def rank(self, grown: Grown) -> float:
        size = len(grown.shape.make(grown.size, self.access.rng))
        return -grown.cost / max(self.prober.base + self.prober.reading * size, 1e-12)

    def run(self) -> Population:
        self.prober.begin(self.question.examples)
        pumped = {one.shape(self.room).name: one for one in list_pumped()}
        shapes = [one.shape(self.room) for one in pumped.values()]
        self.stage(shapes[:USUAL])
        # Where costs grow exponentially, another long text might never be answered.
        if not self.explosive:
            self.stage(list_texts(self.room, self.question.examples))
        self.stage(shapes[USUAL:])
        best = next((g for g in self.found if g.shape.name in pumped), None)
        if best is not None:
            self.stage(self._variants(pumped[best.shape.name]))
        return tuple(self.population)

    @property
    def explosive(self) -> bool:
        """Whether a short text was found that takes far longer than ordinary ones."""
        far = SLOW * self.prober.base
        return any(g.size <= EXPONENTIAL and g.cost > far for g in self.found)

    def _variants(self, of: Pumped) -> Iterable[Shape]:
        tried = {of}
        for _ in range(self.attack.variants):
            variant = of.mutate(self.access.rng)
            if variant not in tried:
                tried.add(variant)
                yield variant.shape(self.room)


class _NumberSearch(_Search):
    def run(self) -> Population:
        self.prober.begin(self.question.examples)
        domain, examples = self.access.domain, self.question.examples
        if isinstance(domain, TableDomain):
            rows = RowShapes(domain, examples, self.access.rng)
            self.stage(rows.single())
            self.stage(rows.whole(list(self.found), self.prober.base))
        elif isinstance(domain, ImageDomain):
            self.stage(list_images(domain, examples))
        return tuple(self.population)
