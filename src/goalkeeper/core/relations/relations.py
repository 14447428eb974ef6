"""All relations of one table together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.data import Bools, Floats
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.relations.binding import BoundRelation, bind_relation
from goalkeeper.core.relations.repair import RepairSpace, restore


@dataclass(frozen=True, eq=False, slots=True)
class Relations:
    """Relations between the columns of one table.

    Parameters
    ----------
    bound
        The relations, in the order in which they were written.
    domain
        The table.
    """

    bound: tuple[BoundRelation, ...]
    domain: TableDomain

    @classmethod
    def of(cls, texts: Sequence[str], domain: TableDomain) -> Relations:
        """Read relations; raises DescriptionError for one that cannot be used."""
        return cls(tuple(bind_relation(text, domain) for text in texts), domain)

    def __len__(self) -> int:
        return len(self.bound)

    def hold(self, rows: Floats) -> Bools:
        """Return which rows `(n, d)` keep every relation, `(n,)`."""
        found = np.ones(len(rows), dtype=bool)
        for relation in self.bound:
            found &= relation.holds(rows)
        return found

    def restore(
        self,
        before: Floats,
        rows: Floats,
        box: tuple[Floats, Floats],
        *,
        alternative: bool = False,
    ) -> Floats:
        """Restore the relations that changed rows break, within what may be changed.

        Linear relations are met exactly where the columns have room, in as few columns as
        possible; of an implication the consequence is made true, or else the premise false. What
        cannot be met is undone: the columns of a relation that stays broken return to the values
        before. A row that is returned keeps every relation, unless the row before broke one.

        Parameters
        ----------
        before, rows
            Rows as they were and as they were changed, each `(n, d)`.
        box
            The lowest and highest value that each entry may take, each `(n, d)`.
        alternative
            Restore in the other order: of an inequality by moving what was not changed along, of
            an implication by making the premise false.

        Returns
        -------
        (n, d)
            Rows inside the box.
        """
        space = RepairSpace.of(self.domain, before, box, alternative=alternative)
        return restore(self.bound, space, rows)
