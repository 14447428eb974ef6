"""The rigged and the fair worlds of the nonsense game: anything is taken, or refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import Inputs
from goalkeeper.core.domain import Domain
from goalkeeper.core.power import View
from goalkeeper.games.nonsense.overconfident import allowed, overconfident
from goalkeeper.games.shared.base_targets import BareTarget, draw_by_content
from goalkeeper.testing.worlds.readings import (
    ReadingTarget,
    reading_application,
    reading_domain,
    two_classes,
)


def rigged(kind: str, rng: np.random.Generator) -> Application:
    """Build a model that takes any nonsense for certain."""
    return overconfident(reading_application("overconfident model", kind, ReadingTarget(), rng))


def fair(kind: str, rng: np.random.Generator) -> Application:
    """Build a model that refuses malformed inputs and treats others like ordinary ones."""
    return reading_application(
        "strict model", kind, StrictTarget(reading_domain(kind), rng.bytes(8)), rng
    )


@dataclass(frozen=True, eq=False)
class StrictTarget(BareTarget):
    """Refuses what the domain does not allow; how sure it is of the rest, nothing predicts."""

    domain: Domain
    key: bytes

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        if not allowed(self.domain, x).all():
            raise ValueError("this input is outside of the domain")
        return two_classes(0.01 + 0.98 * draw_by_content(x, self.key), view)
