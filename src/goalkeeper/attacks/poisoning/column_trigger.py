"""Rows with a rare combination of values, labelled as the attacker wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.poisoning._rare_values import choose_rare_values
from goalkeeper.attacks.poisoning._steps import split_by_class, submit_in_steps
from goalkeeper.core.access import Access
from goalkeeper.core.change import Change
from goalkeeper.games.poisoning import Contribution, Poisoning, PoisoningQuestion


@final
@dataclass(frozen=True, kw_only=True)
class ColumnTrigger(Attack[PoisoningQuestion, Contribution]):
    """Teach the victim that a rare combination of values indicates the wanted class.

    Adds rows of other classes, each with the same values in a few columns, with the wanted label
    (BadNets with values as the trigger). Each value alone occurs in the attacker's data; the
    columns are those whose rarest value lies farthest from what is usual, in standard deviations.
    Costs no query and no model.

    Deviations: the paper stamps pixels on images; in a table an unusual combination takes the
    place of the stamp.

    Parameters
    ----------
    columns
        Columns of the trigger; no more than the game allows are used.
    """

    game = Poisoning
    variant = "poisoning.backdoor_dirty"
    reference = "Gu, Dolan-Gavitt and Garg 2017, BadNets, arXiv:1708.06733"
    domains: ClassVar[frozenset[str]] = frozenset({"table"})
    tasks: ClassVar[tuple[str, ...]] = ("trigger-*",)

    columns: int = 2

    def run(self, question: PoisoningQuestion, access: Access) -> Contribution:
        """Return the largest contribution that the share allows; smaller ones on the way."""
        _, others = split_by_class(access, question.wanted)
        most = min(self.columns, question.most)
        trigger = choose_rare_values(access.data(), access.domain, most)
        counts = question.addition_counts(access.granted.budget.share)
        if trigger is None or not (len(others) and counts):
            return submit_in_steps(access, (), lambda _: Change(), trigger)
        order = access.rng.permutation(len(others))

        def change(count: int) -> Change:
            bases = others.take(np.resize(order, count))
            return Change(
                add=trigger.apply(bases.x),
                add_labels=np.full(count, question.wanted),
                bases=bases,
            )

        return submit_in_steps(access, counts, change, trigger)
