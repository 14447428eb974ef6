"""Names of features, as people read them."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.design import CURVES, Term
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.targets.reading.flows import Mixed

NAMED = 3  # words of a feature that are written out


def name_of(feature: Term | Mixed, domain: TableDomain) -> str:
    """Name a feature by its column and by what it says of it."""
    if isinstance(feature, Mixed):
        columns = dict.fromkeys(domain.columns[t.column].name for t in feature.terms)
        return f"a mix of {len(columns)} columns"
    column = domain.columns[feature.column]
    name = column.name
    for step, _ in feature.steps:
        name = f"{step}({name})" if step in CURVES else name
    if feature.kind == "number":
        return name
    return f"{name} {_bins(feature) if feature.kind == 'bins' else _levels(feature, column)}"


def _bins(term: Term) -> str:
    ends = np.concatenate([[-np.inf], term.points, [np.inf]])
    inside = np.flatnonzero(term.values == 1)
    if len(inside) != 1 or set(term.values) != {0.0, 1.0}:
        return "(bin)"
    return f"from {ends[inside[0]]:g} to {ends[inside[0] + 1]:g}"


def _levels(term: Term, column: Column) -> str:
    gap = ["no value"] if term.missing == 1 else []
    if set(term.values) | {term.other} <= {0.0, 1.0} or np.isnan(term.other):
        codes = term.points[term.values == 1]
        if term.other == 1 and column.categories:
            codes = np.setdiff1d(np.arange(len(column.categories)), term.points)
        words = [column.categories[int(c)] if column.categories else f"{c:g}" for c in codes]
        shown = [*words, *gap]
        if shown:
            more = f" and {len(shown) - NAMED} more" if len(shown) > NAMED else ""
            return f"= {', '.join(shown[:NAMED])}{more}"
    return "(value of the word)" if column.categories else "(level)"
