"""A system that believes whatever arrives, and one that notices everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from goalkeeper.core.application import Application, Wiring
from goalkeeper.games.shared.reacting import react_by_certainty
from goalkeeper.games.shared.system import NONE, NUMBERED
from goalkeeper.testing.worlds.kit import CLASSES
from goalkeeper.testing.worlds.readings import ReadingTarget, reading_application

ERRING = 0.3  # share of inputs that a rigged model misclassifies
REACTIONS = {CLASSES[0]: "inbox", CLASSES[1]: "spam folder"}


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build an erring model whose answers travel bare to a system that believes them all."""
    app = reading_application(
        "erring model", domain, ReadingTarget(careless=ERRING, key=rng.bytes(8)), rng
    )
    wiring = Wiring(missing="delete", channel=NONE, adapter=react_by_certainty)
    return replace(app, wiring=wiring)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a model without errors whose answers nobody can change, repeat or hold unnoticed.

    Whatever is noticed is treated as harmless, so that no harmless input is ever declined.
    """
    app = reading_application("signed answers", domain, ReadingTarget(), rng)
    wiring = Wiring(reactions=REACTIONS, missing="inbox", channel=NUMBERED, adapter=_react_by_class)
    return replace(app, wiring=wiring)


def _react_by_class(label: str, scores: Mapping[str, float] | None) -> str:
    return REACTIONS[label]
