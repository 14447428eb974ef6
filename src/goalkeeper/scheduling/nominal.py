"""What attack runs cost in principle, on no machine in particular.

The order of attack runs follows these seconds and not measured ones: the same seed must give the
same evidence on a busy machine. They need only be right enough to separate short runs from long
ones.
"""

from __future__ import annotations

from goalkeeper.core.application import Application
from goalkeeper.core.domain import ImageDomain, TableDomain
from goalkeeper.estimate import OperationTimes

MACHINE = 0.02  # seconds of the fixed workload on a core of 2024
QUERY = 1e-3  # of one query, whatever it asks
ANSWER = 2e-5  # of one more input in a query
CELL = 2e-8  # of one more number of an input
TEXT_CELLS = 2000  # a text costs about as much as so many numbers
# Of one record in one training: where many models are trained at once, and where each is by itself.
TOGETHER, APART = 2e-6, 1e-4


def nominal_times(app: Application) -> OperationTimes:
    """Return nominal seconds of the basic operations; they depend on sizes and kinds only."""
    row = ANSWER + CELL * _cells(app)
    fit = len(app.data.train) * (APART + 10 * CELL * _cells(app))
    together = getattr(getattr(app.trainer, "strategy", None), "kind", "one_by_one")
    many = fit if together == "one_by_one" else fit * TOGETHER / APART
    if app.trainer is None:
        fit = many = 0.0
    return OperationTimes(
        machine=MACHINE, row=row, single=QUERY + row, model=many, many=many, fit=fit
    )


def _cells(app: Application) -> float:
    domain = app.domain
    if isinstance(domain, TableDomain):
        return float(len(domain.columns))
    if isinstance(domain, ImageDomain):
        return float(app.data.train.x[:1].size)
    return float(TEXT_CELLS)
