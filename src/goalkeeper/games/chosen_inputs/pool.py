"""Ordinary inputs from which an attacker chooses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goalkeeper.core.data import Data, Inputs, Ints


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class InputPool:
    """The question: ordinary inputs `(slots * size, ...)`, and the class `y` each really has.

    They lie in `slots` groups of `size`, one group after the other; one of each is to be sent.
    `practice` are others of the kind, to learn from. A query about an input of a group is paid by
    the campaign of the group's number, one about the others by the campaign `slots`.
    """

    x: Inputs
    y: Ints
    slots: int
    size: int
    practice: Data

    def rows(self, place: int) -> Ints:
        """Return the rows of the input at a place in every slot, `(slots,)`."""
        return np.arange(self.slots) * self.size + place
