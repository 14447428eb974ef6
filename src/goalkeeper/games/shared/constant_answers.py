"""Applications that always answer alike: there is nothing about the model to be found out."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Inputs
from goalkeeper.core.domain import TableDomain, TextDomain
from goalkeeper.core.evidence import Measurement
from goalkeeper.core.power import View
from goalkeeper.games.base import Unfit
from goalkeeper.games.shared.measuring import measure_count

FIRST = 30  # inputs that are asked first: hardly any model answers all of them alike
MOST = 5000  # inputs of the data
DRAWN = 500  # inputs that are not of the data: other answers may be given far from them
# With so many, other answers are given to less than 0.3 % of such inputs, with 95 % confidence.
LEAST = 1000
SAME = 1e-9  # difference between scores that arithmetic explains


def unfit_constant(app: Application) -> Unfit | None:
    """Say that nothing is to be had of an application that gave one answer to all inputs tried.

    A copy of it needs no question, and no word, column, family or setting shows in its answers.
    None where answers differ, or too few inputs are at hand to tell.
    """
    found = app.once(measure_constant)
    if found is None:
        return None
    return Unfit(
        f"nothing is to be had: the application gives the same answer to all {found.n:,} inputs "
        "that were tried, so that a copy of it needs no question",
        proven=True,
        measured=(found,),
    )


def measure_constant(app: Application) -> Measurement | None:
    """Ask inputs until two answers differ; None if they do, or if there are too few inputs.

    A service is not asked, because its answers cost time and money.
    """
    if hasattr(app.target, "service"):
        return None
    data = app.data
    own = np.concatenate([data.holdout.x, data.calibration.x, data.similar.x, data.train.x])[:MOST]
    first = _ask(app, own[:FIRST])
    if not _alike(first, first):
        return None
    size = len(own) + DRAWN
    rest = (own[FIRST:], _draw_inputs(app, own))
    if size < LEAST or not all(_alike(first, _ask(app, x)) for x in rest if len(x)):
        return None
    note = "inputs of the data and drawn ones with the same answer, and the same scores if any"
    return measure_count("answered alike", size, size, note=note)


def _ask(app: Application, x: Inputs) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return the label, and the scores where there are some, of each input `(n, 1 + classes)`."""
    view = min(View.SCORES, app.target.offers)
    answers = app.target.answer(x, view)
    labels = np.asarray(answers.labels, dtype=np.float64)[:, None]
    return labels if view < View.SCORES else np.column_stack([labels, answers.scores])


def _alike(
    first: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    answers: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> bool:
    return bool((np.abs(answers - first[0]) <= SAME).all())


def _draw_inputs(app: Application, own: Inputs) -> Inputs:
    """Draw inputs that are not of the data: words of several texts, or rows within the bounds."""
    rng, domain = np.random.default_rng(0), app.domain
    if isinstance(domain, TextDomain):
        words = np.array([word for text in own[:FIRST] for word in str(text).split()] or [""])
        drawn = [" ".join(rng.choice(words, rng.integers(0, 30))) for _ in range(DRAWN)]
        return np.array(drawn, dtype=object)
    if isinstance(domain, TableDomain):
        rows = np.stack([rng.permutation(column)[:DRAWN] for column in own.T], axis=1)
        extra = rng.choice(rows, (max(0, DRAWN - len(rows)),)) if len(rows) < DRAWN else rows[:0]
        return domain.project(np.concatenate([rows, extra]))
    low, high = float(own.min()), float(own.max())
    return rng.uniform(low, high, (DRAWN, *own.shape[1:])).astype(own.dtype)
