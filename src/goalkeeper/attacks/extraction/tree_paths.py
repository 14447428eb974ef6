"""Decision trees read out leaf by leaf, along the columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.extraction._boxes import Frame
from goalkeeper.attacks.extraction._copies import Constant
from goalkeeper.attacks.extraction._equations import Design
from goalkeeper.attacks.extraction._learning import Answered, learnt
from goalkeeper.attacks.extraction._paths import BudgetGone, Paths
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import DataError
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.extraction import Extraction, Original, Substitute

FIRST = 16  # rows asked before the kind of the model is looked at
WIDE = 1e6  # range of a column that has no bounds and of which there is no data
CHECKED, MOST_CHECKED = 64, 2048  # rows of one check
CLOSE = 0.9  # agreement from which on boxes are mended one by one
LEARNT = 1000  # rows asked before anything is learnt of a model that is no tree


Rng = np.random.Generator


@final
@dataclass(frozen=True, kw_only=True)
class TreePaths(Attack[Original, Substitute]):
    """Follow the columns from leaf to leaf: every change of the scores is a threshold of the tree.

    A leaf is told by its scores. From a point in it the way to both ends of every column is
    halved until each threshold on it is located; the point behind each threshold lies in another
    leaf, which is looked around in turn. Leaves that give the same scores hide one another: rows
    drawn at random check the copy, and where it errs, or knows of no leaf, the search goes on from
    there, as long as the budget lasts; a model learnt from what was asked competes. If answers
    change with every step, the model is no tree, and a substitute is learnt from what was asked.

    Settings
    --------
    tolerance
        How exactly a threshold is located, as a share of its column's range.
    checks
        Rounds of checking, at most, each of which must find something for the next to follow.

    Deviations from the paper: all paths are halved side by side, which gives the same questions in
    far fewer calls; its top-down variant, which needs answers to incomplete inputs, is left out.
    The paper has no remedy for leaves of equal scores; the checks are ours.
    """

    game: ClassVar[type[Extraction]] = Extraction
    variant: ClassVar[str] = "extraction.path_finding"
    reference: ClassVar[str] = (
        "Tramer, Zhang, Juels, Reiter, Ristenpart: Stealing Machine Learning Models via Prediction "
        "APIs (USENIX Security 2016), section 4.2 and algorithm 1"
    )
    domains: ClassVar[frozenset[str]] = frozenset({"table"})
    uses: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.PARTIAL))
    most: ClassVar[Budget] = Budget(queries=100_000, share=0.0, compute_h=1.0)
    tolerance: float = 1e-5
    checks: int = 30

    def run(self, question: Original, access: Access) -> Substitute:
        """Hand in a substitute after the first search, and after each check."""
        copy: Substitute = Constant(0)
        for copy in self._found(access):
            access.checkpoint(copy)
        return copy

    def _found(self, access: Access) -> Iterator[Substitute]:
        if not isinstance(access.domain, TableDomain):
            raise DataError(f"paths run along columns, the inputs are {access.domain.kind}s")
        starts = _Starts(access, access.domain)
        paths = Paths(access, Frame.of(access.domain, WIDE), self.tolerance)
        first = starts.draw(min(FIRST, paths.left // 2))
        if not len(first):
            return
        if not paths.stepped(first, paths.ask(first)):
            yield from _learnt(access, paths, starts)
            return
        try:
            paths.explore(first[:1])
            yield _copy(paths)
            yield from self._checked(paths, starts, access.rng)
        except BudgetGone:  # the last copy handed in stands, unless there is none yet
            if not access.checkpoints:
                yield _copy(paths)

    def _checked(self, paths: Paths, starts: _Starts, rng: Rng) -> Iterator[Substitute]:
        """Ask about rows drawn at random; look around those that the copy gets wrong.

        Where leaves hide one another so that boxes stay wrong, a model learnt from all that was
        asked competes, and more rows are drawn each time.
        """
        size = CHECKED
        for _ in range(self.checks):
            boxes = paths.boxes()
            rows = starts.draw(min(size, paths.left))
            if boxes is None or not len(rows):
                return
            before = len(paths.rows)
            paths.ask(rows)
            said = paths.answers[before:]
            right = boxes.predict(rows) == said
            wrong = ~right | ~boxes.holds(rows)
            if not wrong.any():
                return
            if right.mean() >= CLOSE:
                paths.explore(rows[wrong])
                yield _copy(paths)
                continue
            size *= 2
            if size > MOST_CHECKED:
                return
            known = Answered(paths.rows[:before], paths.answers[:before], None)
            other = learnt(known, paths.frame.domain, rng)
            if (other.predict(rows) == said).sum() > right.sum():
                yield other
            else:
                paths.explore(rows[wrong])
                yield _copy(paths)


class _Starts:
    """Rows to start from: one's own where there are any, and rows anywhere in the bounds."""

    def __init__(self, access: Access, domain: TableDomain) -> None:
        self._rng, self._design = access.rng, Design.of(domain)
        own = np.zeros((0, len(domain.columns)))
        if access.granted.knowledge.data >= Grade.PARTIAL:
            own = np.asarray(access.data().x, dtype=np.float64)
        self._own = own[self._rng.permutation(len(own))]

    def draw(self, n: int) -> Floats:
        """Draw n rows `(n, d)`, half of them one's own as long as there are any."""
        mine = self._own[: n // 2]
        self._own = self._own[len(mine) :]
        return np.concatenate([mine, self._design.all_over(n - len(mine), self._rng)])


def _copy(paths: Paths) -> Substitute:
    boxes = paths.boxes()
    if boxes is None:
        counts = np.bincount(paths.answers, minlength=1)
        return Constant(int(counts.argmax()))
    return boxes


def _learnt(access: Access, paths: Paths, starts: _Starts) -> Iterator[Substitute]:
    """Learn from rows anywhere, asked in rounds of doubling size."""
    size = LEARNT
    while paths.left:
        rows = starts.draw(min(size, paths.left))
        paths.ask(rows)
        yield learnt(Answered(paths.rows, paths.answers, None), paths.frame.domain, access.rng)
        size = len(paths.rows)
