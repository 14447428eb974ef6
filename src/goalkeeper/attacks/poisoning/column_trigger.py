"""Rows with a rare combination of values, labelled as the attacker wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.poisoning._steps import split_by_class, submit_in_steps
from goalkeeper.core.access import Access
from goalkeeper.core.change import Change
from goalkeeper.core.data import Data, Floats
from goalkeeper.core.domain import Domain, TableDomain
from goalkeeper.games.poisoning import Contribution, Poisoning, PoisoningQuestion, ValueTrigger


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
        trigger = _choose_rare_values(access.data(), access.domain, most)
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


def _choose_rare_values(data: Data, domain: Domain, most: int) -> ValueTrigger | None:
    """Choose columns and their rarest values; None if no column is free to choose."""
    if not isinstance(domain, TableDomain) or len(data) == 0:
        return None
    grouped = {column for group in domain.one_hot for column in group}
    free = [int(c) for c in np.flatnonzero(domain.mutable) if int(c) not in grouped]
    found = [(*_find_rarest(np.asarray(data.x[:, c], dtype=np.float64)), c) for c in free]
    chosen = sorted(found, key=lambda each: (-each[0], each[2]))[:most]
    if not chosen or chosen[0][0] <= 0:
        return None
    return ValueTrigger(tuple(c for _, _, c in chosen), tuple(value for _, value, _ in chosen))


def _find_rarest(values: Floats) -> tuple[float, float]:
    """Return how many standard deviations the most distant value lies off, and the value."""
    values = values[~np.isnan(values)]
    if not len(values):
        return 0.0, 0.0
    spread = float(values.std())
    off = np.abs(values - values.mean())
    most = int(off.argmax())
    return (float(off[most]) / spread if spread > 0 else 0.0), float(values[most])
