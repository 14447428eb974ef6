"""Read a linear model out of its logits: one question an input, and one more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks._row_design import RowDesign
from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.extraction._score_fits import build_substitute
from goalkeeper.attacks.extraction._substitutes import LinearSubstitute
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.domain import Domain, ImageDomain, TableDomain
from goalkeeper.core.power import Budget
from goalkeeper.games.extraction import Extraction, PublicInterface, Substitute

CHECKED_INPUTS = 8  # further inputs, to see whether the model is linear
MAX_RELATIVE_MISS = (
    1e-6  # answers missed by less, relative to the largest logit, come from a linear model
)


@final
@dataclass(frozen=True, kw_only=True)
class LogitDifferences(Attack[PublicInterface, Substitute]):
    """Change one column or pixel at a time, and divide the change of the logits by its size.

    Logits do not saturate as scores do, so d + 1 answers give every weight of a linear model, or
    of the linear piece around the middle of a network with rectified units: a copy that is equal
    in function there. Answers to further random inputs, as many again, correct it by least
    squares where the model turns out not to be linear.

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
    most: ClassVar[Budget] = Budget(queries=50_000, compute_h=1.0)

    def run(self, question: PublicInterface, access: Access) -> Substitute:
        """Ask, solve, check, and ask again if the model is not linear."""
        space = _InputSpace(access)
        x = np.concatenate([space.middle[None], space.change_each()])[: space.left]
        logits = space.ask(x)
        unknowns = len(x)
        copy, _ = space.solve_equations(x, logits)
        for size in (CHECKED_INPUTS, 2 * unknowns):
            access.checkpoint(copy)
            further = space.draw_anywhere(min(size, space.left))
            if not len(further):
                return copy
            x = np.concatenate([x, further])
            logits = np.concatenate([logits, space.ask(further)])
            copy, missed = space.solve_equations(x, logits)
            if np.abs(missed).max() < MAX_RELATIVE_MISS * (1 + np.abs(logits).max()):
                return copy
        return copy


class _InputSpace:
    """Inputs as rows `(n, d)`, what may vary in them, and the questions about them."""

    def __init__(self, access: Access) -> None:
        domain = access.domain
        self._access, self._domain = access, domain
        self._design = RowDesign.of(domain) if isinstance(domain, TableDomain) else None
        low, high, size = _find_range(domain)
        self._low, self._high = low, high
        self.middle = self._design.centre() if self._design else np.full(size, (low + high) / 2)

    @property
    def left(self) -> int:
        return int(self._access.left()[0])

    def change_each(self) -> Floats:
        """Change one thing in each row."""
        if self._design is not None:
            return self._design.change_each(self.middle, np.full(len(self._design.levels), 0.5))
        step = (self._high - self._low) / 4
        return np.asarray(self.middle + step * np.eye(len(self.middle)))

    def draw_anywhere(self, n: int) -> Floats:
        """Draw valid rows."""
        rng = self._access.rng
        if self._design is not None:
            return self._design.draw_anywhere(n, rng)
        return rng.uniform(self._low, self._high, (n, len(self.middle)))

    def ask(self, rows: Floats) -> Floats:
        """Return centred logits `(n, classes)`."""
        x: Inputs = rows
        if isinstance(self._domain, ImageDomain):
            x = rows.reshape(-1, *self._domain.shape)
        logits = self._access.query(x).logits
        return np.asarray(logits - logits.mean(axis=1, keepdims=True))

    def solve_equations(self, rows: Floats, logits: Floats) -> tuple[LinearSubstitute, Floats]:
        """Solve for weights and bias by least squares; return the copy and what it misses by."""
        features = rows if self._design is None else self._design.features(rows)
        start = self.middle if self._design is None else self._design.features(self.middle[None])[0]
        change = features - start
        scale = np.abs(change).max(axis=0, initial=0.0)
        scale[scale == 0] = 1.0
        left = np.column_stack([change / scale, np.ones(len(change))])
        found = np.linalg.lstsq(left, logits, rcond=None)[0]
        weights = (found[:-1] / scale[:, None]).T
        bias = found[-1] - weights @ start
        if self._design is None:
            return LinearSubstitute(weights, bias), left @ found - logits
        return build_substitute(self._design, weights, bias), left @ found - logits


def _find_range(domain: Domain) -> tuple[float, float, int]:
    """Return the range of values of an image and how many it has; of tables the design knows."""
    if isinstance(domain, ImageDomain):
        return domain.low, domain.high, int(np.prod(domain.shape))
    return 0.0, 1.0, 0
