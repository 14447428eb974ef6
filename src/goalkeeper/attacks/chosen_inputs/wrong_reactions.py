"""Wrong reactions: ask about ordinary inputs, and send those that are misclassified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.data import Ints
from goalkeeper.core.power import Budget
from goalkeeper.games.chosen_inputs import ChosenInputs, InputPool


@final
@dataclass(frozen=True, kw_only=True)
class WrongReactions(Attack[InputPool, Ints]):
    """Query the ordinary inputs of each attempt one by one until one is misclassified.

    No input is changed: which of them trigger another reaction than they should is all that has
    to be found out.

    Deviations from the source: it names the threat that the system reacts wrongly to an output;
    searching ordinary inputs for it is ours.
    """

    game: ClassVar[type[ChosenInputs]] = ChosenInputs
    variant: ClassVar[str] = "output.reaction"
    reference: ClassVar[str] = (
        "Gilmer, Adams, Goodfellow, Andersen, Dahl: Motivating the Rules of the Game for "
        "Adversarial Example Research (arXiv 1807.06732, 2018): errors on unchanged inputs serve "
        "an attacker as well"
    )
    tasks: ClassVar[tuple[str, ...]] = ("chosen-inputs",)
    most: ClassVar[Budget] = Budget(queries=10_000, share=0.0, compute_h=1.0)

    def run(self, question: InputPool, access: Access) -> Ints:
        """Ask in rounds, one input of every open attempt each, and hand in after each."""
        chosen = question.rows(0)
        found = np.zeros(question.slots, dtype=bool)
        for place in range(question.size):
            rows = question.rows(place)[~found][: int(access.left()[0])]
            if not len(rows):
                break
            wrong = rows[access.query(question.x[rows]).labels != question.y[rows]]
            chosen[wrong // question.size] = wrong
            found[wrong // question.size] = True
            access.checkpoint(chosen)
        return chosen
