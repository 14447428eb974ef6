"""The rigged and the fair worlds of the internals game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.internals import columns, victims
from goalkeeper.games.internals.toys import plain
from goalkeeper.games.shared.simple_targets import HashedTarget
from goalkeeper.testing.worlds import extraction


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a linear target of random weights; victims are plain models of each family."""
    if domain == "text":
        return extraction.rigged("text", rng)
    app = columns.wide(rng, hashed=False)
    return victims.peopled(app, plain(app))


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a target, and victims, in which nothing has an effect of its own."""
    app = extraction.fair("text", rng) if domain == "text" else columns.wide(rng, hashed=True)
    return victims.peopled(app, lambda task, option, own: HashedTarget(own.bytes(16)))
