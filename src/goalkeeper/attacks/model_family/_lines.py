"""Answers along short straight lines: their shape gives away the family of a model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goalkeeper.attacks._row_design import RowDesign
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.domain import TableDomain

POINTS = 12  # on a line
SURE = 1e-6  # probabilities nearer to 0 and 1 lose the digits that differences need
LENGTHS = (0.5, 0.1, 0.02, 4e-3, 8e-4, 1.6e-4, 3e-5)  # of lines, as shares of columns' ranges
PROBES = 3  # lines by which a length is tried
HALVINGS = 22
ASIDE = 0.01  # step along one column, as a share of its range
FLAT = 1e-12  # log-odds that differ by less are the same answer
STRAIGHT = 1e-6  # bends below this part of the rise are rounding


@dataclass(frozen=True, eq=False)
class Shape:
    """What lines showed.

    Parameters
    ----------
    flat
        Share of steps along which nothing changed.
    straight
        Share of places, where anything changed, without a bend (second difference).
    even
        Share of such places without a change of the bend (third difference).
    scores
        Probabilities seen, `(n, classes)`.
    lines
        Lines of which enough could be seen.
    """

    flat: float
    straight: float
    even: float
    scores: Floats
    lines: int


class Lines:
    """Questions to one model about rows of a table, on lines through its boundary.

    Parameters
    ----------
    access
        A door to one model; its budget covers one campaign.
    domain
        The columns; only numbers are varied along a line.
    """

    def __init__(self, access: Access, domain: TableDomain) -> None:
        self._access, self._design = access, RowDesign.of(domain)
        low, high = domain.bounds()
        free = ~domain.discrete & np.isfinite(low) & np.isfinite(high) & (high > low)
        for group in domain.one_hot:
            free[list(group)] = False
        self._room = np.where(free, np.where(free, high, 0) - np.where(free, low, 0), 0.0)
        self._low, self._high = low, high
        self.scores = np.zeros((0, len(access.classes)))

    def left(self) -> int:
        """Count the queries left."""
        return int(min(self._access.left()[0], 2**31))

    def ask(self, rows: Floats) -> Floats:
        """Ask as many rows as the budget covers; return their scores."""
        rows = rows[: self.left()]
        scores = self._access.query(rows).scores if len(rows) else self.scores[:0]
        self.scores = np.concatenate([self.scores, scores])
        return scores

    def centres(self, tries: int, like: Floats) -> tuple[Floats, Ints]:
        """Find rows near the boundary, and the two classes that meet there, `(n, 2)`.

        The ways between rows of different answers are halved side by side, until both classes are
        likely enough to see differences.
        """
        rng = self._access.rng
        rows = like[rng.permutation(len(like))[:tries]]
        rows = np.concatenate([rows, self._design.draw_mixed(tries - len(rows), rng)])
        scores = self.ask(rows)
        labels = scores.argmax(axis=1)
        other = np.array([np.flatnonzero(labels != label)[:1] for label in labels], dtype=object)
        pairs = [(i, int(o[0])) for i, o in enumerate(other) if len(o)]
        if not pairs:
            return rows[:0], np.zeros((0, 2), dtype=np.int64)
        one = np.array([i for i, _ in pairs])[:6]
        two = np.array([j for _, j in pairs])[:6]
        classes = np.stack([labels[one], labels[two]], axis=1)
        return self._halved(rows[one], rows[two], classes)

    def _halved(self, left: Floats, right: Floats, classes: Ints) -> tuple[Floats, Ints]:
        mobile = self._room > 0
        right = np.where(mobile, right, left)  # what cannot be halved stays as it is
        for _ in range(HALVINGS):
            middle = (left + right) / 2
            scores = self.ask(middle)
            if len(scores) < len(middle):
                break
            like_left = scores.argmax(axis=1) == classes[:, 0]
            left = np.where(like_left[:, None], middle, left)
            right = np.where(like_left[:, None], right, middle)
        return (left + right) / 2, classes

    def shape(self, centres: Floats, classes: Ints, lines: int) -> Shape:
        """Ask along random lines through the centres, as long as answers do not saturate.

        Where they do at every length, they jump from one certain answer to another.
        """
        if not len(centres):
            return self._shape(np.zeros((0, POINTS)))
        jumping = np.zeros((0, POINTS))
        for length in LENGTHS:
            if self.left() < POINTS:
                break
            odds, certain = self._along(centres, classes, PROBES, length)
            clear = ~np.isnan(odds).any(axis=1)
            jumping = np.concatenate([jumping, odds[clear], certain[~clear]])
            if clear.sum() > PROBES / 2:
                more, _ = self._along(centres, classes, lines - PROBES, length)
                return self._shape(np.concatenate([odds, more]))
        return self._shape(jumping)

    def oblique(self, centres: Floats, classes: Ints) -> float:
        """Return the share of columns along which a small step crosses the boundary.

        A tree's boundary lies across one column, that of nearest neighbours across nearly all.
        """
        rng = self._access.rng
        mobile = rng.permutation(np.flatnonzero(self._room > 0))[:12]
        if len(mobile) == 0:  # the middle half of every column is one value
            return 0.0
        shares = []
        for centre, (here, _) in zip(centres[:4], classes[:4], strict=True):
            step = np.zeros((len(mobile), len(centre)))
            step[np.arange(len(mobile)), mobile] = ASIDE * self._room[mobile]
            rows = np.clip(np.concatenate([centre + step, centre - step]), self._low, self._high)
            scores = self.ask(rows)
            if len(scores) == len(rows):
                sides = (scores.argmax(axis=1) == here).reshape(2, -1)
                shares.append(float((sides[0] != sides[1]).mean()))
        return float(np.mean(shares)) if shares else 0.0

    def _along(
        self, centres: Floats, classes: Ints, lines: int, length: float
    ) -> tuple[Floats, Floats]:
        """Return log-odds along lines, `(lines, points)`.

        The first are NaN where they saturate; the second are clipped to what is resolved.
        """
        rng = self._access.rng
        which = rng.permutation(np.arange(lines) % len(centres))
        way = rng.normal(size=(lines, len(self._room))) * self._room * length
        start = np.clip(centres[which] - way / 2, self._low, self._high)
        end = np.clip(centres[which] + way / 2, self._low, self._high)
        part = np.linspace(0, 1, POINTS)[None, :, None]
        rows = (start[:, None] + part * (end - start)[:, None]).reshape(-1, len(self._room))
        scores = self.ask(rows)
        whole = len(scores) // POINTS
        scores = scores[: whole * POINTS].reshape(whole, POINTS, -1)
        pair = classes[which[:whole]]
        a, b = (
            np.take_along_axis(scores, pair[:, None, [k]].repeat(POINTS, axis=1), axis=2)[..., 0]
            for k in (0, 1)
        )
        odds = np.log(np.maximum(a, SURE)) - np.log(np.maximum(b, SURE))
        return np.where((a > SURE) & (b > SURE), odds, np.nan), odds

    def _shape(self, odds: Floats) -> Shape:
        odds = odds[~np.isnan(odds).any(axis=1)]
        steps = np.abs(np.diff(odds, axis=1))
        rise = np.ptp(odds, axis=1, keepdims=True)
        moved = rise[:, 0] > FLAT
        second = np.abs(np.diff(odds, 2, axis=1))[moved] <= STRAIGHT * rise[moved]
        third = np.abs(np.diff(odds, 3, axis=1))[moved] <= STRAIGHT * rise[moved]
        return Shape(
            flat=float((steps <= FLAT).mean()) if steps.size else 0.0,
            straight=float(second.mean()) if second.size else 0.0,
            even=float(third.mean()) if third.size else 0.0,
            scores=self.scores,
            lines=len(odds),
        )


def fraction(scores: Floats, most: int) -> int:
    """Return the least k up to `most` by which all scores are multiples of 1 / k; 0: none."""
    values = np.unique(np.round(scores, 9))
    for k in range(1, most + 1):
        if np.abs(values * k - np.round(values * k)).max(initial=0.0) < 1e-6 * k:
            return k
    return 0
