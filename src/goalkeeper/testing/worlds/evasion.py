"""The rigged and the fair worlds of the evasion game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.evasion.word_filters import stamped_application, weak_application
from goalkeeper.games.evasion.worlds import distant_images, distant_rows, weak_images, weak_rows

RIGGED = {"text": weak_application, "image": weak_images, "table": weak_rows}
FAIR = {"text": stamped_application, "image": distant_images, "table": distant_rows}


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build an application that small changes flip, a few chosen ones or many together."""
    return RIGGED[domain](rng)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build an application that decides by what no allowed change moves."""
    return FAIR[domain](rng)
