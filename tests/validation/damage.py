"""Rows on damage by training: what is there is found, and what is not there is not claimed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri
from scipy.stats import binom

from goalkeeper.games.tallies import bounds
from tests.validation.coverage import RARE, Retrainings
from tests.validation.rows import Finding, Row

ALPHA = 0.05  # of the bound that a rating uses
ITEMS, HARM = 530, 5.0  # items, and the damage in multiples of the tolerance, which is one point
NOISES = {"little": (0.1, 0.5), "moderate": (0.15, 0.5), "of single answers": (0.1, 1.0)}


@dataclass(frozen=True)
class Exceeding:
    """Count how often the lower bound says that the tolerance is exceeded, by so much damage."""

    retrainings: Retrainings
    harm: float

    def __call__(self, simulations: int, rng: np.random.Generator) -> Finding:
        """Simulate; a damage of just the tolerance may seldom be called one beyond it."""
        shift = self.retrainings.whole * float(ndtri(0.03 + self.harm / 100) - ndtri(0.03))
        drawn = replace(self.retrainings, shift=shift)
        found = sum(bounds(drawn.count(rng), ALPHA).low > 1 for _ in range(simulations))
        if self.harm > 1:
            passed = found >= binom.ppf(RARE, simulations, 0.9)
        else:
            passed = found <= binom.isf(RARE, simulations, ALPHA)
        return Finding(
            measured=f"{found / simulations:.1%}", cases=simulations, passed=bool(passed)
        )


def _row(kind: str, noise: tuple[float, float], number: int, harm: float) -> Row:
    claim = "found in at least 90 %" if harm > 1 else "called more in at most 5 %"
    return Row(
        section="Damage by training",
        name=f"damage of {harm:g} tolerances, {ITEMS} items, {number} retrainings, noise {kind}",
        claim=claim,
        measure=Exceeding(Retrainings(ITEMS, 0.0, *noise, number=number), harm),
        full=2000,
        short=20 if (number, kind) == (5, "moderate") else 0,
        about=("src/goalkeeper/stats", "src/goalkeeper/games/tallies.py"),
    )


CASES = [(kind, noise, 5) for kind, noise in NOISES.items()] + [("much", (0.2, 0.5), 8)]
ROWS = tuple(_row(*case, harm) for case in CASES for harm in (HARM, 1.0))
