"""Decision trees read out leaf by leaf, along the columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks._row_design import RowDesign
from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.extraction._boxes import ColumnFrame
from goalkeeper.attacks.extraction._learning import AnsweredInputs, learn_substitute
from goalkeeper.attacks.extraction._paths import BudgetExhausted, LeafSearch
from goalkeeper.attacks.extraction._substitutes import ConstantSubstitute
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import DataError
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.extraction import Extraction, PublicInterface, Substitute

FIRST_ROWS = 16  # rows asked before the kind of the model is looked at
DEFAULT_RANGE = 1e6  # range of a column that has no bounds and of which there is no data
CHECKED_ROWS, MAX_CHECKED_ROWS = 64, 2048  # rows of one check
CLOSE_AGREEMENT = 0.9  # agreement from which on boxes are mended one by one
FIRST_LEARNT_ROWS = 1000  # rows asked before anything is learnt of a model that is no tree


Rng = np.random.Generator


@final
@dataclass(frozen=True, kw_only=True)
class TreePaths(Attack[PublicInterface, Substitute]):
    """Follow the columns from leaf to leaf: every change of the scores is a threshold of the tree.

    A leaf is recognised by its scores. From a point in it the way to both ends of every column is
    halved until each threshold on it is located; the point behind each threshold lies in another
    leaf, which is looked around in turn. Leaves that give the same scores hide one another: rows
    drawn at random check the copy, and where it errs, or knows of no leaf, the search continues
    from there, as long as the budget lasts; a model learnt from what was asked competes. If answers
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

    def run(self, question: PublicInterface, access: Access) -> Substitute:
        """Hand in a substitute after the first search, and after each check."""
        copy: Substitute = ConstantSubstitute(0)
        for copy in self._find_substitutes(access):
            access.checkpoint(copy)
        return copy

    def _find_substitutes(self, access: Access) -> Iterator[Substitute]:
        if not isinstance(access.domain, TableDomain):
            raise DataError(
                f"this attack needs rows of a table, the inputs are {access.domain.kind}s"
            )
        starts = _StartRows(access, access.domain)
        paths = LeafSearch(access, ColumnFrame.of(access.domain, DEFAULT_RANGE), self.tolerance)
        first = starts.draw(min(FIRST_ROWS, paths.left // 2))
        if not len(first):
            return
        if not paths.is_stepped(first, paths.ask(first)):
            yield from _learn_from_rows(access, paths, starts)
            return
        try:
            paths.explore(first[:1])
            yield _current_substitute(paths)
            yield from self._check_substitutes(paths, starts, access.rng)
        except BudgetExhausted:  # the last copy handed in stands, unless there is none yet
            if not access.checkpoints:
                yield _current_substitute(paths)

    def _check_substitutes(
        self, paths: LeafSearch, starts: _StartRows, rng: Rng
    ) -> Iterator[Substitute]:
        """Ask about rows drawn at random; look around those that the copy gets wrong.

        Where leaves hide one another so that boxes stay wrong, a model learnt from all that was
        asked competes, and more rows are drawn each time.
        """
        size = CHECKED_ROWS
        for _ in range(self.checks):
            boxes = paths.build_boxes()
            rows = starts.draw(min(size, paths.left))
            if boxes is None or not len(rows):
                return
            before = len(paths.rows)
            paths.ask(rows)
            labels = paths.answers[before:]
            right = boxes.predict(rows) == labels
            wrong = ~right | ~boxes.holds(rows)
            if not wrong.any():
                return
            if right.mean() >= CLOSE_AGREEMENT:
                paths.explore(rows[wrong])
                yield _current_substitute(paths)
                continue
            size *= 2
            if size > MAX_CHECKED_ROWS:
                return
            answered = AnsweredInputs(paths.rows[:before], paths.answers[:before], None)
            learnt = learn_substitute(answered, paths.frame.domain, rng)
            if (learnt.predict(rows) == labels).sum() > right.sum():
                yield learnt
            else:
                paths.explore(rows[wrong])
                yield _current_substitute(paths)


class _StartRows:
    """Rows to start from: the attacker's own, if any, and rows anywhere in the bounds."""

    def __init__(self, access: Access, domain: TableDomain) -> None:
        self._rng, self._design = access.rng, RowDesign.of(domain)
        rows = np.zeros((0, len(domain.columns)))
        if access.granted.knowledge.data >= Grade.PARTIAL:
            rows = np.asarray(access.data().x, dtype=np.float64)
        self._own = rows[self._rng.permutation(len(rows))]

    def draw(self, n: int) -> Floats:
        """Draw n rows `(n, d)`, half of them the attacker's own as long as there are any."""
        own_rows = self._own[: n // 2]
        self._own = self._own[len(own_rows) :]
        return np.concatenate([own_rows, self._design.draw_mixed(n - len(own_rows), self._rng)])


def _current_substitute(paths: LeafSearch) -> Substitute:
    boxes = paths.build_boxes()
    if boxes is None:
        counts = np.bincount(paths.answers, minlength=1)
        return ConstantSubstitute(int(counts.argmax()))
    return boxes


def _learn_from_rows(access: Access, paths: LeafSearch, starts: _StartRows) -> Iterator[Substitute]:
    """Learn from rows anywhere, asked in rounds of doubling size."""
    size = FIRST_LEARNT_ROWS
    while paths.left:
        rows = starts.draw(min(size, paths.left))
        paths.ask(rows)
        yield learn_substitute(
            AnsweredInputs(paths.rows, paths.answers, None), paths.frame.domain, access.rng
        )
        size = len(paths.rows)
