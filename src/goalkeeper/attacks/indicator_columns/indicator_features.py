"""The columns that matter, from labels: which of them move a row across the boundary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks._row_design import RowDesign
from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import DataError
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.indicator_columns import ColumnIndicators, Ranking, RankingAim

HALVINGS = 3  # nearer to the boundary any column turns the label, however little it matters
TRIES = 40  # rows asked to find both sides of the boundary


@final
@dataclass(frozen=True, kw_only=True)
class IndicatorFeatures(Attack[RankingAim, Ranking]):
    """Near the boundary, change the value of one column, and see whether the label flips.

    The way between rows of unlike labels is halved a few times, so that it ends near the boundary,
    but not on it; there, one column at a time takes the value of another row. The more a column
    matters, the more often that turns the label. Values come from one's own rows where there
    are any, else from anywhere in the bounds.

    Settings
    --------
    points
        Rows near the boundary, at most.

    Deviations: the papers perturb inputs to explain single answers; here one stands where labels
    say most, and counts.
    """

    game: ClassVar[type[ColumnIndicators]] = ColumnIndicators
    variant: ClassVar[str] = "internals.indicators"
    reference: ClassVar[str] = (
        "Lowd, Meek: Adversarial Learning (KDD 2005), for the search at the boundary; Breiman: "
        "Random Forests (Machine Learning 45, 2001), for importance by permutation"
    )
    domains: ClassVar[frozenset[str]] = frozenset({"table"})
    tasks: ClassVar[tuple[str, ...]] = ("indicator-features",)
    uses: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.PARTIAL))
    most: ClassVar[Budget] = Budget(queries=20_000, share=0.0, compute_h=1.0)
    points: int = 200

    def run(self, question: RankingAim, access: Access) -> Ranking:
        """Hand in the ranking after every few points of the boundary."""
        domain = access.domain
        if not isinstance(domain, TableDomain):
            raise DataError(f"this attack needs rows of a table, the inputs are {domain.kind}s")
        names = [column.name for column in domain.columns]
        turned = np.zeros(len(names))
        order = access.rng.permutation(len(names))
        ranking: Ranking = [names[i] for i in order]
        rows = _rows(access, domain, TRIES)
        labels = access.query(rows).labels if len(rows) else np.zeros(0, dtype=np.int64)
        step = 1
        done = 0
        while done < self.points and len(np.unique(labels)) > 1:
            cost = step * (HALVINGS + len(names))
            if cost > int(min(access.left()[0], 2**31)):
                if step == 1:
                    break
                step = 1
                continue
            turned += _turns(access, domain, rows, labels, step)
            done += step
            ranking = [names[i] for i in order[np.argsort(-turned[order], kind="stable")]]
            access.checkpoint(ranking)
            step = min(2 * step, 32)
        return ranking


def _rows(access: Access, domain: TableDomain, n: int) -> Floats:
    """Return up to n valid rows, as many as the budget covers; one's own where there are any."""
    n = min(n, int(min(access.left()[0], 2**31)))
    if access.granted.knowledge.data >= Grade.PARTIAL:
        known = np.asarray(access.data().x, dtype=np.float64)
        return known[access.rng.permutation(len(known))[:n]]
    return RowDesign.of(domain).draw_mixed(n, access.rng)


def _turns(
    access: Access, domain: TableDomain, rows: Floats, labels: np.ndarray, points: int
) -> Floats:
    """Count, for each column `(d,)`, at how many points of the boundary it turns the label."""
    rng = access.rng
    one = rng.integers(0, len(rows), points)
    two = np.array([rng.choice(np.flatnonzero(labels != labels[i])) for i in one])
    left, right = rows[one].copy(), rows[two].copy()
    for _ in range(HALVINGS):
        middle = domain.project((left + right) / 2)
        same = (access.query(middle).labels == labels[one])[:, None]
        left, right = np.where(same, middle, left), np.where(same, right, middle)
    width = rows.shape[1]
    # Either side of the boundary serves: half of the points are on each.
    here = np.where((np.arange(points) % 2 == 0)[:, None], left, right)
    before = np.where(np.arange(points) % 2 == 0, labels[one], -1)
    changed = np.repeat(here, width, axis=0)
    place = np.tile(np.arange(width), points)
    other = rows[rng.integers(0, len(rows), len(changed)), place]
    changed[np.arange(len(changed)), place] = other
    valid = domain.valid(changed)
    changed = np.where(valid[:, None], changed, np.repeat(here, width, axis=0))
    given = access.query(changed).labels.reshape(points, width)
    was = before[:, None]
    turned = np.where(was >= 0, given != was, given == labels[one][:, None])
    return np.asarray(turned.sum(axis=0), dtype=np.float64)
