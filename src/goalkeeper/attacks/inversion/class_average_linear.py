"""Class averages from parameters: what linear and Gaussian models store of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Floats
from goalkeeper.core.design import Design
from goalkeeper.core.domain import TableDomain, TextDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import Budget
from goalkeeper.games.inversion import ClassAverages, Inversion, InversionQuestion, centre_and_width

POINTS = 65  # of the range of a column


@final
@dataclass(frozen=True, kw_only=True)
class ClassAverageLinear(Attack[InversionQuestion, ClassAverages]):
    """Read class averages from the parameters, without a query.

    Gaussian naive Bayes, discriminant analysis and nearest centroids store them as they are.
    Weights point from the average of all classes to that of one class where columns are
    independent and equally wide: exactly so in linear discriminant analysis of round classes
    (w = difference of averages / variance). Columns are taken to be as wide as their range, so
    that w times the squared range is the direction in the columns' own units; for words, weight
    times inverse document frequency. Where a model weighs words and other features made
    from columns, the direction of a column is the slope of what it adds over its range.
    """

    game: ClassVar[type[Inversion]] = Inversion
    variant: ClassVar[str] = "inversion.gradient_based"
    reference: ClassVar[str] = (
        "Fredrikson et al.: Model Inversion Attacks that Exploit Confidence Information (CCS "
        "2015), in closed form for linear models; Fisher 1936 for the discriminant"
    )
    most: ClassVar[Budget] = Budget(compute_h=1.0)  # no question is asked

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse models that store neither weights nor averages."""
        try:
            parameters = app.target.parameters()
        except NotOffered as error:
            return Unfit(f"the attack reads weights or averages: {error}")
        text = isinstance(app.domain, TextDomain)
        if "class_means" in parameters.get("stored", {}) and not text:
            return None
        if "weights" in parameters and ("vocabulary" in parameters or not text):
            return None
        return Unfit("the model stores neither weights nor class averages that can be read")

    def run(self, question: InversionQuestion, access: Access) -> ClassAverages:
        """Return the stored averages, or the direction that the weights give."""
        parameters = access.parameters()
        domain = access.domain
        if isinstance(domain, TextDomain):
            words = tuple(str(word) for word in parameters["vocabulary"])
            idf = np.asarray(parameters.get("idf", 1.0), dtype=np.float64)
            return ClassAverages(_class_rows(parameters["weights"]) * idf, words)
        stored = parameters.get("stored", {})
        if "class_means" in stored:
            return ClassAverages(np.asarray(stored["class_means"], dtype=np.float64))
        centre, width = centre_and_width(domain)
        if "design" in parameters and isinstance(domain, TableDomain):
            slopes = measure_slopes(domain, parameters["design"], parameters["weights"])
        else:
            slopes = parameters["weights"]
        step = _class_rows(slopes) * width**2
        largest = np.abs(step / width).max(initial=0.0) or 1.0
        return ClassAverages(centre + step / (2 * largest))  # within the range of every column


def measure_slopes(domain: TableDomain, design: Design, weights: Any) -> Floats:
    """Fit a line through what each column adds at points of its range, `(k, d)`."""
    centre, width = centre_and_width(domain)
    rows = centre + np.linspace(-0.5, 0.5, POINTS)[:, None] * width
    rows = np.where(domain.discrete, np.round(rows), rows)
    added = np.nan_to_num(design.add_columns(rows, np.asarray(weights, dtype=np.float64)))
    away = rows - rows.mean(axis=0)
    square = (away**2).sum(axis=0)
    return np.asarray(np.einsum("nd,ndk->kd", away, added) / np.where(square > 0, square, 1.0))


def _class_rows(weights: Any) -> Floats:
    """Give weights a row for each class, `(classes, d)`."""
    rows = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    return np.vstack([-rows / 2, rows / 2]) if len(rows) == 1 else rows
