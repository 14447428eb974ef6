"""A system that believes whatever arrives, and one that notices everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from goalkeeper.core.application import Application, Wiring
from goalkeeper.games.chosen_inputs.game import ERRING
from goalkeeper.games.shared.output_data import Reader, application
from goalkeeper.games.shared.reacting import react_by_certainty
from goalkeeper.games.shared.simple_targets import CLASSES
from goalkeeper.games.shared.system import NONE, NUMBERED

REACTIONS = {CLASSES[0]: "inbox", CLASSES[1]: "spam folder"}


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build an erring model whose answers travel bare to a system that believes them all."""
    app = application("erring model", domain, Reader(careless=ERRING, key=rng.bytes(8)), rng)
    wiring = Wiring(missing="delete", channel=NONE, adapter=react_by_certainty)
    return replace(app, wiring=wiring)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a model without errors whose answers nobody can change, repeat or hold unnoticed.

    Whatever is noticed is treated as harmless, so that no harmless input is ever declined.
    """
    app = application("signed answers", domain, Reader(), rng)
    wiring = Wiring(reactions=REACTIONS, missing="inbox", channel=NUMBERED, adapter=_react_by_class)
    return replace(app, wiring=wiring)


def _react_by_class(label: str, scores: Mapping[str, float] | None) -> str:
    return REACTIONS[label]
