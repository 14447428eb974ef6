"""Rows of tables under attack: one conversation with the target about each row."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.evasion._driver import EvasionAttack, Proposal, Seen, State, leads
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.power import View
from goalkeeper.games.evasion import Cells, Moves, Question


@dataclass(frozen=True, eq=False, slots=True)
class Told:
    """What was answered about the rows asked: which reached the aim `(q,)`, and their leads.

    `lead` `(q,)` is how far the best wanted answer is ahead in log scores; nan if not seen.
    """

    reached: Bools
    lead: Floats


Talk = Generator[Floats, Told, None]  # yields rows (q, d) to ask
Found = Generator[Floats, Told, tuple[Floats, bool]]
Ask = Callable[[Floats, Bools], Told]  # rows (q, d), and which answers are wanted (classes,)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Case:
    """One row `(d,)` to attack, its limits, and its own randomness."""

    row: Floats
    wanted: Bools
    limits: Cells
    moves: Moves
    rng: np.random.Generator

    @classmethod
    def of(cls, row: Inputs, wanted: Bools, limits: Cells, rng: np.random.Generator) -> Case:
        """List the changes of a row once."""
        values = np.asarray(row, dtype=np.float64)
        moves = limits.moves(values)
        return cls(row=values, wanted=wanted, limits=limits, moves=moves, rng=rng)


@dataclass(frozen=True, eq=False, kw_only=True)
class Talks(State):
    """The conversation about each row `(a,)`, and the rows it wants asked next `(a,)`."""

    talks: Inputs
    pending: Inputs
    wanted: Bools
    columns: int
    scored: bool


@dataclass(frozen=True, kw_only=True)
class CellAttack(EvasionAttack[Talks]):
    """An attack that changes entries. Subclasses are final and say how to talk about one row."""

    domains = frozenset({"table"})
    refines: ClassVar[bool] = True

    @abstractmethod
    def talks(self, question: Question, access: Access) -> Callable[[Case], Talk]:
        """Learn what holds for all rows, and return how to talk about one."""

    @final
    def start(self, question: Question, streams: Inputs, access: Access) -> Talks:
        """Open a conversation about each row."""
        limits = question.limits
        if not isinstance(limits, Cells):
            raise TypeError(f"entries are changed in rows only, the limits are {limits!r}")
        talk_about = self.talks(question, access)
        talks = np.empty(len(question.x), dtype=object)
        pending = np.empty(len(question.x), dtype=object)
        for i, (row, rng) in enumerate(zip(question.x, streams, strict=True)):
            wanted = question.aim.wanted[i]
            talks[i] = talk_about(Case.of(row, wanted, limits, rng))
            pending[i] = next(talks[i], None)
        return Talks(
            done=_silent(pending),
            talks=talks,
            pending=pending,
            wanted=question.aim.wanted,
            columns=question.x.shape[1],
            scored=access.granted.view >= View.SCORES,
        )

    @final
    def propose(self, state: Talks) -> Proposal:
        """Put the rows of all conversations into one array, short ones filled up."""
        width = max(len(rows) for rows in state.pending)
        x = np.zeros((len(state.pending), width, state.columns))
        wanted = np.zeros(x.shape[:2], dtype=bool)
        for i, rows in enumerate(state.pending):
            x[i, : len(rows)] = rows
            wanted[i, : len(rows)] = True
        return Proposal(x, wanted)

    @final
    def update(self, state: Talks, seen: Seen) -> Talks:
        """Tell each conversation what its rows reached, and take its next ones."""
        lead = np.full(seen.asked.shape, np.nan)
        if state.scored:
            lead = leads(seen.scores(), state.wanted)
        pending = state.pending.copy()
        for i, talk in enumerate(state.talks):
            size = len(pending[i])
            pending[i] = _told(talk, Told(seen.reached[i, :size], lead[i, :size]))
        return replace(state, done=_silent(pending), pending=pending)


def changes(case: Case, base: Floats, free: Bools, inner: int = 0) -> tuple[Floats, Ints]:
    """List the rows that change one more entry of `base`.

    Parameters
    ----------
    case
        The row under attack.
    base
        The row `(d,)` as changed so far.
    free
        Which entries `(parts,)` may be changed next.
    inner
        Random values between the ends of its range that a number also takes.

    Returns
    -------
    (m, d), (m,)
        Rows, and the entry of each.
    """
    moves = case.moves
    chosen = np.flatnonzero(free[moves.entry])
    rows, which = moves.applied(base, chosen), moves.entry[chosen]
    if not inner:
        return rows, which
    low, high = case.limits.box(case.row[None])
    columns = case.limits.domain.columns
    more, of = [], []
    for k in np.flatnonzero(free):
        (first, *rest) = case.limits.parts[k]
        if columns[first].kind == "number" and not rest:
            for value in case.rng.uniform(low[0, first], high[0, first], inner):
                row = base.copy()
                row[first] = value
                more.append(row)
                of.append(k)
    rows = np.concatenate([rows, np.array(more).reshape(len(more), len(base))])
    return rows, np.concatenate([which, np.array(of, dtype=np.int64)])


def greedy(case: Case, first: int = -1, inner: int = 0) -> Found:
    """Change one entry after the other, each time the one that brings the aim nearest.

    Parameters
    ----------
    case
        The row under attack.
    first
        The entry that is changed first whatever it brings; -1 for the best.
    inner
        Random values of numbers beside the ends of their ranges.

    Returns
    -------
    (d,), bool
        The row that reached the aim, or as far as it came; and which of the two it is.
    """
    base, free = case.row.copy(), np.ones(len(case.limits.parts), dtype=bool)
    for _ in range(case.limits.entries):
        now = free & (np.arange(len(free)) == first) if free.all() and first >= 0 else free
        rows, which = changes(case, base, now, inner)
        if not len(rows):
            break
        told = yield rows
        best = int(np.argmax(np.where(told.reached, np.inf, told.lead)))
        base, free[which[best]] = rows[best], False
        if told.reached[best]:
            return base, True
    return base, False


def without(case: Case, row: Floats) -> Found:
    """Take back changes of a row that reaches the aim, in random order, as long as it does.

    Blocks of changes are taken back first, half as many each time.
    """
    parts = [list(part) for part in case.limits.parts]
    changed = [part for part in parts if (row[part] != case.row[part]).any()]
    changed = [changed[i] for i in case.rng.permutation(len(changed))]
    block = max(1, len(changed) // 2)
    while block and len(changed) > 1:
        start = 0
        while start < len(changed):
            fewer = row.copy()
            for part in changed[start : start + block]:
                fewer[part] = case.row[part]
            told = yield fewer[None]
            if told.reached[0]:
                row, changed = fewer, [*changed[:start], *changed[start + block :]]
            else:
                start += block
        block //= 2
    return row, True


def led(talk_about: Callable[[Case], Talk], ask: Ask, question: Question, seed: int = 0) -> Floats:
    """Hold the conversation about each row to its end, without any framework or budget.

    Returns
    -------
    (n, d)
        The smallest changes that are allowed and reach the aim; rows without one as they were.
    """
    limits = question.limits
    out = np.array(question.x, dtype=np.float64)
    if not isinstance(limits, Cells):
        raise TypeError(f"entries are changed in rows only, the limits are {limits!r}")
    for i, row in enumerate(np.asarray(question.x, dtype=np.float64)):
        rng, wanted = np.random.default_rng([seed, i]), question.aim.wanted[i]
        talk = talk_about(Case.of(row, wanted, limits, rng))
        rows, least = next(talk, None), np.inf
        while rows is not None:
            told = ask(rows, wanted)
            before = np.repeat(row[None], len(rows), axis=0)
            sizes = np.where(limits.allows(before, rows), limits.size(before, rows), np.inf)
            sizes[~told.reached] = np.inf
            if sizes.min() < least:
                least, out[i] = sizes.min(), rows[sizes.argmin()]
            rows = _told(talk, told)
    return out


def _told(talk: Talk, told: Told) -> Floats | None:
    try:
        return talk.send(told)
    except StopIteration:
        return None


def _silent(pending: Inputs) -> Bools:
    return np.array([rows is None or len(rows) == 0 for rows in pending], dtype=bool)
