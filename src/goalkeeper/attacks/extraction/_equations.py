"""Equations for linear models on tables: which valid rows to ask, and what solves them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from goalkeeper.attacks._row_design import RowDesign, expand_levels
from goalkeeper.attacks.extraction._asked_rows import Equations
from goalkeeper.attacks.extraction._refining import Refinement, draw_near
from goalkeeper.attacks.extraction._score_fits import (
    Degree,
    RowFeatures,
    ScoreFit,
    fit_scores,
)
from goalkeeper.attacks.extraction._substitutes import LinearSubstitute
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import DataError
from goalkeeper.games.extraction import Substitute

DEGREES: tuple[Degree, ...] = ("linear", "squares")  # that d more rows can tell
HALVINGS = 40
CHECKED_ROWS = 8  # further rows, to see whether the copy answers them as the model does
MIN_USEFUL = 4  # of them, at least, must show two classes: 0 and 1 say nothing of how far
TOLERANCE = 1e-5  # relative; what a copy of answers in double precision may miss


def solve_equations(access: Access, patience: int) -> Iterator[Substitute]:
    """Ask d + 1 rows and solve; check; and ask more where the copy does not answer as the model.

    Of d more rows the squares of the columns are learnt (Gaussian naive Bayes). What else there
    may be is left to the refinement, and to a contest with the copy that own data give.

    Parameters
    ----------
    access
        Where the questions go.
    patience
        Rows asked an unknown, at most, before giving in.
    """
    domain = access.domain
    if not isinstance(domain, TableDomain):
        raise DataError(f"this attack needs rows of a table, the inputs are {domain.kind}s")
    asked = Equations(access, RowDesign.of(domain))
    base = _find_base(asked, access.rng)
    shares = _change_one_by_one(asked, base)
    copy = asked.solve(base)
    yield copy
    if not asked.left:
        return
    if not asked.rounded:
        if _fits(asked, copy, access.rng):
            return
        rows = asked.design.change_each(base, shares / 2)
        asked.ask(rows[(rows != base).any(axis=1) & domain.valid(rows)])
        for degree in DEGREES:
            features = RowFeatures.of(asked.design, asked.rows, degree)
            fit = fit_scores(features, asked.rows, asked.answers, "softmax")
            if asked.left and _fits(asked, fit, access.rng):
                yield fit.simplified(asked.design)
                return
    refinement = Refinement(access, asked, patience)
    yield from refinement.run(copy)


def _find_base(asked: Equations, rng: np.random.Generator) -> Floats:
    """Find a row whose scores are clear: the middle, else others, else towards the boundary."""
    design = asked.design
    asked.ask(design.centre()[None])
    for _ in range(4):
        if asked.is_clear().any() or asked.left < 16:
            break
        asked.ask(design.draw_anywhere(16, rng))
    other = np.flatnonzero(asked.labels != asked.labels[:1])
    if not asked.is_clear().any() and len(other):
        _bisect(asked, asked.rows[0], asked.rows[other[0]])
    return np.asarray(asked.rows[asked.answers.error.max(axis=1).argmin()])


def _bisect(asked: Equations, one: Floats, two: Floats) -> None:
    """Halve the way between two rows of different classes until the scores are clear."""
    label = asked.labels[0]
    for _ in range(HALVINGS):
        middle = asked.design.domain.project((one + two)[None] / 2)
        labels = asked.ask(middle)
        if not len(labels) or asked.is_clear()[-1]:
            return
        one, two = (middle[0], two) if labels[0] == label else (one, middle[0])


def _change_one_by_one(asked: Equations, base: Floats) -> Floats:
    """Change one thing at a time, and less where the scores saturate; return by how much."""
    shares = np.full(len(asked.design.levels), 0.5)
    open_ = np.arange(len(shares))
    for _ in range(HALVINGS):
        rows = asked.design.change_each(base, shares)[open_]
        fresh = (rows != base).any(axis=1)
        before = len(asked.rows)
        labels = asked.ask(rows[fresh])
        if len(labels) < fresh.sum() or not len(labels):
            break
        open_ = open_[fresh][~asked.is_clear()[before:]]
        movable = [
            np.isnan(asked.design.levels[j][1])
            and not asked.design.domain.discrete[asked.design.levels[j][0]]
            for j in open_
        ]
        open_ = open_[np.array(movable, dtype=bool)]
        if not len(open_):
            break
        shares[open_] /= 4
    return shares


def _fits(asked: Equations, copy: LinearSubstitute | ScoreFit, rng: np.random.Generator) -> bool:
    """Check on further rows near the boundary that the copy gives the same scores and labels."""
    before = len(asked.rows)
    rows = draw_near(asked.design, copy, min(CHECKED_ROWS, asked.left), rng, asked.rows)
    labels = asked.ask(rows)
    answers = asked.answers.take(slice(before, None))
    if not (copy.predict(asked.rows[before:]) == labels).all():
        return False
    if isinstance(copy, LinearSubstitute):
        given = asked.rows[before:]
        levels = copy.levels
        logs = (expand_levels(given, levels) if levels else given) @ copy.weights.T + copy.bias
    else:
        logs = copy.log_scores(asked.rows[before:])
    enough = answers.useful.sum() >= min(MIN_USEFUL, len(labels))
    return bool(enough and answers.compare(logs, TOLERANCE).max(initial=0.0) <= 1)
