"""Decision trees read out threshold by threshold, along the columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks._row_design import RowDesign
from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.extraction._contest import Contest
from goalkeeper.attacks.extraction._learning import AnsweredInputs
from goalkeeper.attacks.extraction._substitutes import ConstantSubstitute
from goalkeeper.attacks.extraction._tree_copy import ColumnFrame, TreeSubstitute
from goalkeeper.attacks.extraction._tree_rounds import Rounds
from goalkeeper.attacks.extraction._tree_search import LINE, BudgetExhausted, TreeSearch
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import DataError, NotApplicable
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.extraction import Extraction, PublicInterface, Substitute

TEST_SHARE = 0.0025  # of the budget, spent on each of: the first rows, and the same a step further
FIRST_ROWS = (4, 32)  # at least, at most
LINES = 5  # straight ways on which an ensemble is distinguished from a tree
# Median over the ways of changes in 48 steps: 0 to 3 for trees of 7 to 480 leaves on four data
# sets, 14 to 56 for forests and boosting on the same.
MOST_CHANGES = 8
CHECKED_ROWS, MAX_CHECKED_ROWS = 64, 2048  # rows of one check
# Answers in a row that must agree before a copy counts as whole: by then it errs, with a confidence
# of 95 %, on fewer than 3 of so many (rule of three).
VERIFIED = 6000
FEW_ERRORS = 16  # errors in a check below which the next one is larger
GIVES_IN = 0.3  # share of the budget after which a copy must err on ...
# ... fewer than so many of its checks for the search to go on, unless its boxes hold.
# Labels of a tree of 303 leaves have their copies err on 10 to 16 % by then.
HOPELESS = 0.2
# Rows that copies are judged on where there are no own data: a share of the budget, and the most.
JUDGED_SHARE, MOST_JUDGED = 0.02, 400
DEFAULT_RANGE = 1e6  # range of a column that has no bounds and of which there is no data

Rng = np.random.Generator


@final
@dataclass(frozen=True, kw_only=True)
class TreePaths(Attack[PublicInterface, Substitute]):
    """Find every threshold of a decision tree between two rows that get unlike answers.

    From a row of each answer it walks along every column both ways to where the answer changes:
    a box, which is a leaf where no others have the same answer. A copy, a tree that splits where
    it cuts the fewest boxes, is checked on rows like the attacker's own, on rows near each of its
    leaves and on rows anywhere. Where it errs, a box is added, and its leaf holds two rows with
    unlike answers: on the way from one to the other, halving finds the column that changes the
    answer, and halving along the column the threshold. Leaves with equal scores, such as pure
    ones, hide nothing from this. It ends when thousands of rows in a row agreed, but for rows
    nearer to a threshold than it is located, or when the budget is spent; then other copies
    compete on answers held back. Where boxes are contradicted, as by leaves with equal scores, a
    copy by impurity is kept if it errs less on rows that it has not seen.

    It leaves at once where answers change with every tiny step, or at nearly every step of
    longer ways: the model is then no decision tree.

    Settings
    --------
    tolerance
        How exactly a threshold is located, as a share of its column's range.

    Deviations from the paper: it walks from leaf to leaf and distinguishes them by their scores;
    here walks halve among the thresholds that are known, and what the copy gets wrong is followed
    up, too, which needs no unique scores. Its top-down variant, which needs answers to incomplete
    inputs, is left out.
    """

    game: ClassVar[type[Extraction]] = Extraction
    variant: ClassVar[str] = "extraction.path_finding"
    reference: ClassVar[str] = (
        "Tramer, Zhang, Juels, Reiter, Ristenpart: Stealing Machine Learning Models via Prediction "
        "APIs (USENIX Security 2016), section 4.2 and algorithm 1"
    )
    domains: ClassVar[frozenset[str]] = frozenset({"table"})
    uses: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.FULL, algorithm=Grade.FULL))
    most: ClassVar[Budget] = Budget(queries=100_000, share=0.0, compute_h=1.0)
    version: ClassVar[int] = 5
    tolerance: float = 1e-7

    def run(self, question: PublicInterface, access: Access) -> Substitute:
        """Hand in a copy each time that the number of its thresholds has doubled, and the last."""
        copy: Substitute = ConstantSubstitute(0)
        for copy in self._find_substitutes(access):
            access.checkpoint(copy)
        return copy

    def _find_substitutes(self, access: Access) -> Iterator[Substitute]:
        if not isinstance(access.domain, TableDomain):
            raise DataError(
                f"this attack needs rows of a table, the inputs are {access.domain.kind}s"
            )
        search = TreeSearch(access, ColumnFrame.of(access.domain, DEFAULT_RANGE), self.tolerance)
        spared = _require_tree(search, access, access.domain)
        contest = Contest.of(access, spared)
        starts = _Rows(access, access.domain, None if contest.rest is None else contest.rest.x)
        contest.judge_on(starts.draw(int(min(MOST_JUDGED, JUDGED_SHARE * search.left))))
        rounds, whole = Rounds(search), None
        try:
            for copy in _improve(rounds, starts):
                whole = copy if copy.verified >= VERIFIED else None
                yield copy
        except BudgetExhausted:
            pass
        last: Substitute | None = whole or rounds.build()
        if last is None:
            last = ConstantSubstitute(0)
        if whole is None:
            for other in rounds.copies:
                contest.challenge(other)
            asked = AnsweredInputs(search.rows, search.answers, None) if len(search.rows) else None
            learnt = contest.conclude(last, asked)
            # Once more: where two agree equally, the tree stays if its boxes hold.
            last = contest.challenge(last) if rounds.exact else learnt
        yield last


def _require_tree(search: TreeSearch, access: Access, domain: TableDomain) -> int:
    """Ask a few rows; raise NotApplicable where the model cannot be a decision tree.

    Returns how many of the attacker's own inputs were asked, from the first on.
    """
    size = int(np.clip(TEST_SHARE * search.left, *FIRST_ROWS))
    if search.left < 2 * size:
        return 0
    partial = access.granted.knowledge.data >= Grade.PARTIAL
    own = np.asarray(access.data().x, dtype=np.float64)[: size // 2] if partial else None
    starts = _Rows(access, domain, own)
    first = starts.draw(size)
    if not search.is_stepped(first, search.ask(first)):
        raise NotApplicable("answers are not piecewise constant, so the model is no decision tree")
    whole = first[~np.isnan(first).any(axis=1)]
    if search.left >= 100 * LINES * LINE and len(whole) >= 2 * LINES:
        # Own rows with own rows: between corners, an ensemble is often sure of one class.
        changes = [search.count_changes(whole[i], whole[i + LINES]) for i in range(LINES)]
        if np.median(changes) > MOST_CHANGES:
            raise NotApplicable(
                f"answers change {np.median(changes):.0f} times in {LINE} steps between two rows, "
                "so the model is no single decision tree"
            )
    return 0 if own is None else len(own)


def _improve(rounds: Rounds, starts: _Rows) -> Iterator[TreeSubstitute]:
    """Check and mend until thousands of answers in a row agreed, or the copy stays poor."""
    search = rounds.search
    size, agreed, shown, late = CHECKED_ROWS, 0, 1, (1 - GIVES_IN) * search.left
    while search.left:
        copy = rounds.build()
        if search.thresholds >= 2 * shown and copy is not None:
            shown = search.thresholds
            yield copy
        rows = starts.draw_checks(min(size, search.left), search, copy)
        before = len(search.rows)
        ids = search.ask(rows)
        same, wrong = np.zeros(len(rows), dtype=bool), np.arange(len(rows))
        if copy is not None:
            same = copy.ids(rows) == ids
            # Beside a threshold, nearer than it is located, a copy may err: that is no error to
            # mend, and no agreement either.
            wrong = np.flatnonzero(~same & search.is_sure(rows))
            rounds.judge(rows, ids)
        agreed = 0 if len(wrong) else agreed + int(same.sum())
        if agreed >= VERIFIED and copy is not None:
            yield replace(copy, verified=agreed)
            break
        if len(wrong) < FEW_ERRORS:
            size = min(2 * size, MAX_CHECKED_ROWS)
        if search.left < late and len(wrong) > HOPELESS * len(rows) and not rounds.exact:
            break
        rounds.follow(copy, before + wrong)


class _Rows:
    """Rows to ask: the attacker's own, if any, crossings of rows, and rows anywhere."""

    def __init__(self, access: Access, domain: TableDomain, own: Inputs | None) -> None:
        self._rng, self._design = access.rng, RowDesign.of(domain)
        rows = np.zeros((0, len(domain.columns)))
        if own is not None:
            rows = np.asarray(own, dtype=np.float64)
        self._all = rows[self._rng.permutation(len(rows))]
        self._fresh = self._all

    def draw(self, n: int) -> Floats:
        """Draw n rows `(n, d)`, half of them the attacker's own as long as there are any."""
        own = self._fresh[: (n + 1) // 2]
        self._fresh = self._fresh[len(own) :]
        return np.concatenate([own, self._design.draw_mixed(n - len(own), self._rng)])

    def draw_checks(self, n: int, search: TreeSearch, copy: TreeSubstitute | None) -> Floats:
        """Draw n rows: own ones and crossings of them, rows near each leaf, and rows anywhere."""
        rng = self._rng
        if copy is None or n < 4:
            return self.draw(n)
        own = self._fresh[: n // 3]
        self._fresh = self._fresh[len(own) :]
        crossed = np.zeros((0, self._all.shape[1]))
        if len(self._all) > 1 and len(own) < n // 3:
            one, two = self._all[rng.integers(0, len(self._all), (2, n // 3 - len(own)))]
            crossed = self._cross(one, two, search)
        near = self._near_leaves(n // 3, search, copy)
        rest = n - len(own) - len(crossed) - len(near)
        return np.concatenate([own, crossed, near, self._design.draw_mixed(rest, rng)])

    def _near_leaves(self, n: int, search: TreeSearch, copy: TreeSubstitute) -> Floats:
        """Change some columns of rows that lie in leaves drawn with equal chances."""
        rng = self._rng
        places = search.places(copy)
        order = rng.permutation(len(places))
        _, first = np.unique(places[order], return_index=True)
        inside = search.rows[order[rng.choice(first, n)]]
        others = self._design.draw_mixed(n, rng)
        if len(self._all):
            real = rng.random(n) < 0.5
            others[real] = self._all[rng.integers(0, len(self._all), int(real.sum()))]
        return self._cross(inside, others, search)

    def _cross(self, one: Floats, two: Floats, search: TreeSearch) -> Floats:
        """Take some columns, few or many, of the second rows."""
        share = self._rng.choice([0.05, 0.2, 0.5], (len(one), 1))
        blocks = search.frame.blocks
        swap = self._rng.random((len(one), len(blocks))) < share
        rows = one.copy()
        for k, block in enumerate(blocks):
            columns = list(block)
            rows[:, columns] = np.where(swap[:, [k]], two[:, columns], rows[:, columns])
        return rows
