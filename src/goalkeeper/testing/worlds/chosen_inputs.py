"""The rigged and the fair worlds of the chosen_inputs game: errors with a pattern, and without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.chosen_inputs.erring import let_err
from goalkeeper.testing.worlds import _wired, kit
from goalkeeper.testing.worlds.readings import ReadingTarget, draw_readings

INPUTS = 800  # of each part: enough to learn from, and to choose among


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build an application whose model errs on inputs that have a feature in common."""
    return let_err(replace(fair(domain, rng), target=ReadingTarget()), rng)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build an application whose model errs often, on inputs that have nothing in common."""
    data = kit.splits(lambda: draw_readings(domain, rng, INPUTS))
    return replace(_wired.rigged(domain, rng), data=data)
