"""What the exhaustion game asks, and what an attack hands in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from goalkeeper.core.data import Inputs


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class SizeLimits:
    """The question: how many inputs, and how large each may be.

    Parameters
    ----------
    inputs
        Inputs of each kind to be handed in, one a campaign.
    size
        Characters of a text, at most; other inputs have the shape of the domain.
    examples
        A few ordinary inputs `(m, ...)`.
    """

    inputs: int
    size: int
    examples: Inputs


@dataclass(frozen=True, eq=False, slots=True)
class InputKind:
    """Inputs `(inputs, ...)` made in one way, one for each campaign."""

    name: str
    x: Inputs


Population = Sequence[InputKind]
