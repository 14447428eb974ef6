"""Changes of the training data, and the check that they stay inside what was granted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from goalkeeper.core.application import Labeller
from goalkeeper.core.data import Bools, Data, Inputs, Ints, row_keys
from goalkeeper.core.errors import ChangeRefused
from goalkeeper.core.power import MEANING, Capability, Power

__all__ = [
    "Change",
]


def _none() -> Ints:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Change:
    """What a poisoning attacker does to the training data. Rows are indices into it.

    Parameters
    ----------
    add
        Inputs to add, or None.
    add_labels
        Their labels `(m,)` (needs T1), or None: the honest labelling process labels them (T2).
    bases
        The record each added input was derived from; the honest labeller starts from it.
    delete
        Rows to remove (T2).
    modify, modified
        Rows to overwrite, and their new inputs (T3). They are modified after they were labelled,
        and keep their labels.
    relabel, relabelled
        Rows to relabel, and their new labels (T4).
    """

    add: Inputs | None = None
    add_labels: Ints | None = None
    bases: Data | None = None
    delete: Ints = field(default_factory=_none)
    modify: Ints = field(default_factory=_none)
    modified: Inputs | None = None
    relabel: Ints = field(default_factory=_none)
    relabelled: Ints = field(default_factory=_none)

    @property
    def added(self) -> int:
        """Number of inputs added."""
        return 0 if self.add is None else len(self.add)

    @property
    def rows(self) -> Ints:
        """Existing rows touched, each once."""
        return np.unique(np.concatenate([self.delete, self.modify, self.relabel]))

    @property
    def trusted(self) -> Data | None:
        """The records on whose labels the honest labels of what is added rest, if any do."""
        return self.bases if self.added and self.add_labels is None else None

    def cells(self) -> Capability:
        """Name the cells of the source's table which this change needs."""
        cells = Capability.NOTHING
        if self.added:
            cells |= Capability.T2 if self.add_labels is None else Capability.T1
        if len(self.delete):
            cells |= Capability.T2
        if len(self.modify):
            cells |= Capability.T3
        if len(self.relabel):
            cells |= Capability.T4
        return cells

    def share(self, rows: int) -> float:
        """Share of the changed training data of `rows` records that the attacker wrote."""
        total = rows + self.added
        return (self.added + len(self.rows)) / total if total else 0.0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Poisoned:
    """A checked change: rows of the clean data to leave out `(rows,)`, and records to add."""

    removed: Bools
    extra: Data
    share: float


def checked(
    change: Change, train: Data, granted: Power, reachable: Ints, labeller: Labeller | None
) -> Poisoned:
    """Check a change against the granted cells, rows and share, and have it honestly labelled.

    Raises
    ------
    ChangeRefused
        It needs a cell that was not granted, touches rows out of reach, exceeds the share,
        or asks for honest labels where the application has no honest labeller.
    """
    missing = change.cells() & ~granted.capabilities.closed()
    if missing:
        wanted = "; ".join(f"{name} ({MEANING[name]})" for name in missing.names())
        raise ChangeRefused(f"the change needs {wanted}, which this attacker was not granted")
    outside = np.setdiff1d(change.rows, reachable)
    if len(outside):
        raise ChangeRefused(
            f"row {outside[0]} of the training data is out of this attacker's reach; "
            "change only rows that access.reachable() returns"
        )
    share = change.share(len(train))
    if share > granted.budget.share + 1e-12:
        raise ChangeRefused(
            f"the change makes up {share:.2%} of the training data, the attacker controls at "
            f"most {granted.budget.share:.2%}"
        )
    removed = np.zeros(len(train), dtype=bool)
    removed[change.rows] = True
    accounts = granted.budget.identities
    return Poisoned(removed=removed, extra=_extra(change, train, labeller, accounts), share=share)


def genuine(bases: Data, available: Iterable[Data]) -> None:
    """Refuse bases that the attacker made up: an honest label rests on a real record's label.

    `known` is what the attacker can have: similar data, and the training records in reach.

    Raises
    ------
    ChangeRefused
        A base is none of these records, or has another label there.
    """
    real = {record for part in available for record in _records(part)}
    for i, record in enumerate(_records(bases)):
        if record not in real:
            raise ChangeRefused(
                f"base {i} is not a record of the attacker's data, or has another label there; "
                "start from records of access.data() or access.own()"
            )


def _records(data: Data) -> Iterator[tuple[bytes, int]]:
    return zip(row_keys(data.x), data.y.tolist(), strict=True)


def _extra(change: Change, train: Data, labeller: Labeller | None, accounts: int) -> Data:
    """Build the records that come in.

    What is known beside the input of an added one is empty, or the account that it came from.
    """
    parts = [train.take(slice(0, 0))]
    if change.add is not None:
        y = change.add_labels if change.add_labels is not None else _honest(change, labeller)
        sources = [f"account {i % accounts + 1}" if accounts > 1 else "" for i in range(len(y))]
        unknown = {name: np.array(sources, dtype=object) for name in train.columns}
        parts.append(Data(x=np.asarray(change.add, dtype=train.x.dtype), y=y, columns=unknown))
    kept = np.setdiff1d(np.union1d(change.modify, change.relabel), change.delete)
    if len(kept):
        x, y = train.x.copy(), train.y.copy()
        if change.modified is not None:
            x[change.modify] = change.modified
        y[change.relabel] = change.relabelled
        parts.append(Data(x=x[kept], y=y[kept], columns=train.take(kept).columns))
    out = parts[0]
    for part in parts[1:]:
        out = out.joined(part)
    return out


def _honest(change: Change, labeller: Labeller | None) -> Ints:
    if labeller is None:
        raise ChangeRefused(
            "added points without labels need the application's honest labelling process, and "
            "it has none; describe one (labeller) or grant T1"
        )
    if change.add is None or change.bases is None or len(change.bases) != len(change.add):
        raise ChangeRefused(
            "each added point needs the record it was derived from (bases), so that it can be "
            "labelled honestly"
        )
    return labeller(change.add, change.bases)
