"""Read a linear model out of its logits: one question an input, and one more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.extraction._contest import Contest
from goalkeeper.attacks.extraction._equations import solve_equations
from goalkeeper.attacks.extraction._substitutes import ConstantSubstitute, LinearSubstitute
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats
from goalkeeper.core.domain import ImageDomain, TableDomain
from goalkeeper.core.errors import DataError
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.extraction import Extraction, PublicInterface, Substitute

PATIENCE = 64  # rows of a table asked an unknown, at most
CHECKED_INPUTS = 8  # further inputs, to see whether the model is linear
MAX_RELATIVE_MISS = (
    1e-6  # answers missed by less, relative to the largest logit, come from a linear model
)


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


def solve_pixels(access: Access) -> Iterator[Substitute]:
    """Yield copies of a model of images, the better the more answers they rest on."""
    space = _InputSpace(access)
    x = np.concatenate([space.middle[None], space.change_each()])[: space.left]
    logits = space.ask(x)
    unknowns = len(x)
    copy, _ = space.solve_equations(x, logits)
    yield copy
    contest: Contest | None = None
    for size in (CHECKED_INPUTS, 2 * unknowns):
        further = space.draw_anywhere(min(size, space.left))
        if not len(further):
            return
        x = np.concatenate([x, further])
        logits = np.concatenate([logits, space.ask(further)])
        copy, missed = space.solve_equations(x, logits)
        if np.abs(missed).max() < MAX_RELATIVE_MISS * (1 + np.abs(logits).max()):
            yield copy
            return
        contest = contest or Contest.of(access)
        yield contest.challenge(copy)


class _InputSpace:
    """Images as rows `(n, d)`, what may vary in them, and the questions about them."""

    def __init__(self, access: Access) -> None:
        domain = access.domain
        if not isinstance(domain, ImageDomain):
            raise DataError(f"this attack needs images or rows, the inputs are {domain.kind}s")
        self._access, self._domain = access, domain
        size = int(np.prod(domain.shape))
        self.middle = np.full(size, (domain.low + domain.high) / 2)

    @property
    def left(self) -> int:
        return int(self._access.left()[0])

    def change_each(self) -> Floats:
        """Change one pixel in each row."""
        step = (self._domain.high - self._domain.low) / 4
        return np.asarray(self.middle + step * np.eye(len(self.middle)))

    def draw_anywhere(self, n: int) -> Floats:
        """Draw valid rows."""
        size = (n, len(self.middle))
        return self._access.rng.uniform(self._domain.low, self._domain.high, size)

    def ask(self, rows: Floats) -> Floats:
        """Return centred logits `(n, classes)`."""
        logits = self._access.query(rows.reshape(-1, *self._domain.shape)).logits
        return np.asarray(logits - logits.mean(axis=1, keepdims=True))

    def solve_equations(self, rows: Floats, logits: Floats) -> tuple[LinearSubstitute, Floats]:
        """Solve for weights and bias by least squares; return the copy and what it misses by."""
        left = np.column_stack([rows - self.middle, np.ones(len(rows))])
        found = np.linalg.lstsq(left, logits, rcond=None)[0]
        weights = found[:-1].T
        copy = LinearSubstitute(weights, found[-1] - weights @ self.middle)
        return copy, left @ found - logits
