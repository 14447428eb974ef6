"""Follow columns through the steps of a fitted preprocessing.

Each step that is known here looks at one column at a time, picks columns, or adds them up. What
it does to words is not worked out again: the rows of the probe pass through the step itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from goalkeeper.core.data import Floats
from goalkeeper.core.design import CURVES, Term
from goalkeeper.core.errors import NotOffered
from goalkeeper.targets.reading.containers import input_places, members, picked
from goalkeeper.targets.reading.encoders import encoded, one_per_bin, sizes
from goalkeeper.targets.reading.flows import (
    Flow,
    FromWords,
    Mixed,
    Walk,
    as_number,
    dense,
    with_step,
    with_values,
)
from goalkeeper.targets.reading.linear_steps import is_foldable, projection, scaling
from goalkeeper.targets.reading.probing import silently

Flows = list[Flow]
WHY_NOT: Mapping[str, str] = {
    "Normalizer": "it divides by the length of the whole row",
    "PolynomialFeatures": "it multiplies columns with one another",
    "KNNImputer": "it fills in from the nearest rows",
    "IterativeImputer": "it fills in from the other columns",
}


def follow(steps: Sequence[Any], x: Any, flows: Flows, walk: Walk) -> tuple[Any, Flows]:
    """Pass the rows of a probe through steps, and say what each column has become.

    Parameters
    ----------
    steps
        Fitted transformers, in their order.
    x
        The rows as the first step wants them.
    flows
        What each of their columns is.
    walk
        The probe.

    Raises
    ------
    NotOffered
        A step cannot be read; the message names it.
    """
    for step in steps:
        made = silently(step.transform, x)
        flows = _through(step, x, flows, walk)
        if made.shape[1:] != (len(flows),):
            raise NotOffered(
                f"weights cannot be read through {type(step).__name__}: it gives {made.shape[1:]} "
                f"features where {len(flows)} were expected"
            )
        x = made
    return x, flows


def _through(step: Any, x: Any, flows: Flows, walk: Walk) -> Flows:
    name, module = type(step).__name__, type(step).__module__
    known = module.startswith(("sklearn.", "imblearn."))
    if known and name == "Pipeline":
        return follow(members(step), x, flows, walk)[1]
    if known and name in CONTAINERS:
        return CONTAINERS[name](step, x, flows, walk)
    if is_foldable(step):
        return _linear(step, x, flows, walk)
    if known and name in EACH_COLUMN:
        return EACH_COLUMN[name](step, flows)
    reason = WHY_NOT.get(name, "")
    raise NotOffered(f"weights cannot be read through {name}" + (f": {reason}" if reason else ""))


# ---- steps that hold others -----------------------------------------------------------------


def _columns(step: Any, x: Any, flows: Flows, walk: Walk) -> Flows:
    out: Flows = []
    weights = step.transformer_weights or {}
    for name, inner, columns in step.transformers_:
        places = input_places(x, columns)
        if not places or (isinstance(inner, str) and inner == "drop"):
            continue
        chosen = [flows[i] for i in places]
        if not isinstance(inner, str):
            chosen = follow([inner], picked(x, columns), chosen, walk)[1]
        out += _weighed(chosen, weights.get(name), name)
    return out


def _union(step: Any, x: Any, flows: Flows, walk: Walk) -> Flows:
    out: Flows = []
    weights = step.transformer_weights or {}
    for name, inner in step.transformer_list:
        if isinstance(inner, str) and inner == "drop":
            continue
        made = flows if isinstance(inner, str) else follow([inner], x, flows, walk)[1]
        out += _weighed(made, weights.get(name), name)
    return out


def _weighed(flows: Flows, weight: float | None, name: str) -> Flows:
    if weight is None:
        return flows
    return [with_step(flow, ("multiply", float(weight)), name) for flow in flows]


# ---- linear steps -----------------------------------------------------------------------------


def _linear(step: Any, x: Any, flows: Flows, walk: Walk) -> Flows:
    if hasattr(step, "get_support"):
        return [flow for flow, kept in zip(flows, step.get_support(), strict=True) if kept]
    if hasattr(step, "components_"):
        fold = projection(step)
        return _mix(flows, dense(x), fold.matrix, fold.shift, walk)
    out = flows
    for kind, numbers in scaling(step):
        out = [
            with_step(flow, (kind, float(number)), type(step).__name__)
            for flow, number in zip(out, numbers, strict=True)
        ]
    return out


def _mix(flows: Flows, x: Floats, matrix: Floats, shift: Floats, walk: Walk) -> Flows:
    """Add up features: each of the sums `(p,)` is one flow over the same terms."""
    settled = [walk.settle(flow, x[:, i]) for i, flow in enumerate(flows)]
    terms: list[Term] = []
    columns: list[Floats] = []
    shift = np.array(shift, dtype=np.float64)
    for i, flow in enumerate(settled):
        if isinstance(flow, Term):
            terms.append(flow)
            columns.append(matrix[:, i])
        else:
            terms += flow.terms
            columns += list(np.outer(flow.weights, matrix[:, i]))
            shift += flow.shift * matrix[:, i]
    weights = np.array(columns).reshape(len(terms), len(matrix)).T
    return [Mixed(tuple(terms), row, float(s)) for row, s in zip(weights, shift, strict=True)]


# ---- steps that look at one column at a time ----------------------------------------------------


def _impute(step: Any, flows: Flows) -> Flows:
    import pandas as pd

    fills_nan = bool(pd.isna(step.missing_values))
    for flow in flows:
        curved = isinstance(flow, Term) and any(s in CURVES for s, _ in flow.steps)
        if isinstance(flow, Mixed) or (isinstance(flow, Term) and not fills_nan) or curved:
            raise NotOffered(
                f"weights cannot be read through {type(step).__name__} of numbers with "
                f"missing_values={step.missing_values!r} or behind a curve"
            )
        as_number(flow, type(step).__name__)
    empty = np.asarray(pd.isna(np.asarray(step.statistics_, dtype=object)))
    every = step.keep_empty_features
    kept = [flow for flow, gone in zip(flows, empty, strict=True) if every or not gone]
    return kept + (_mark_gaps(step.indicator_, flows) if step.add_indicator else [])


def _mark_gaps(step: Any, flows: Flows) -> Flows:
    """Turn flows into 1 where a cell is missing."""
    import pandas as pd

    if not pd.isna(step.missing_values) and any(isinstance(f, Term) for f in flows):
        raise NotOffered(
            "weights cannot be read through MissingIndicator of numbers with "
            f"missing_values={step.missing_values!r}"
        )
    return [_gap(flows[i]) for i in step.features_]


def _gap(given: Flow) -> Flow:
    flow = as_number(given, "MissingIndicator")
    if isinstance(flow, Mixed):
        raise NotOffered("weights cannot be read through MissingIndicator behind a mix of columns")
    return flow if isinstance(flow, FromWords) else Term(column=flow.column, kind="levels")


def _curve(step: Any, flows: Flows) -> Flows:
    function = step.func
    name = getattr(function, "__name__", type(function).__name__)
    if function is None:
        return flows
    if step.kw_args or not isinstance(function, np.ufunc) or CURVES.get(name) is not function:
        raise NotOffered(
            f"weights cannot be read through FunctionTransformer of {name}; functions that can be "
            f"read: {', '.join(f'numpy.{known}' for known in CURVES)}"
        )
    return [with_step(flow, (name, 0.0), "FunctionTransformer") for flow in flows]


def _binarise(step: Any, flows: Flows) -> Flows:
    edge = np.array([np.nextafter(float(step.threshold), np.inf)])  # above, not at the threshold
    return [_binned(flow, edge, np.array([[0.0, 1.0]]), "Binarizer")[0] for flow in flows]


def _bin(step: Any, flows: Flows) -> Flows:
    out: Flows = []
    for i, flow in enumerate(flows):
        count = int(step.n_bins_[i])
        tables = one_per_bin(count, ordinal=step.encode == "ordinal")
        out += _binned(flow, np.asarray(step.bin_edges_[i][1:-1]), tables, type(step).__name__)
    return out


def _binned(given: Flow, edges: Floats, tables: Floats, name: str) -> Flows:
    """Look up the bin of a flow in tables `(features, bins)`."""
    flow = as_number(given, name)
    if isinstance(flow, FromWords):
        return [flow] * len(tables)
    if isinstance(flow, Mixed):
        raise NotOffered(f"weights cannot be read through {name} behind a step that mixes columns")
    if flow.kind == "number":
        return [
            Term(column=flow.column, steps=flow.steps, kind="bins", points=edges, values=table)
            for table in tables
        ]
    bins = np.searchsorted(edges, np.append(flow.values, flow.other), side="right")
    return [with_values(flow, table[bins]) for table in tables]


def _encode(step: Any, flows: Flows) -> Flows:
    """Follow categories into their codes; numbers into those of each of the encoder's levels."""
    out: Flows = []
    name = type(step).__name__
    widths = sizes(step)
    starts = np.concatenate([[0], np.cumsum(widths)]).astype(int)
    for i, given in enumerate(flows):
        flow = as_number(given, name)
        places = slice(starts[i], starts[i + 1])
        if isinstance(flow, FromWords):
            out += [flow] * widths[i]
        elif isinstance(flow, Mixed):
            raise NotOffered(
                f"weights cannot be read through {name} behind a step that mixes columns"
            )
        elif flow.kind != "number":
            tables = encoded(step, i, np.append(flow.values, flow.other))[:, places].T
            out += [with_values(flow, table) for table in tables]
        else:
            out += _levels(step, i, flow, places)
    return out


def _levels(step: Any, i: int, flow: Term, places: slice) -> Flows:
    import pandas as pd

    known = [c for c in step.categories_[i] if not pd.isna(c)]
    points = np.sort(np.array(known, dtype=np.float64))
    unknown = points.max(initial=0.0) + 1.0
    tables = encoded(step, i, np.append(points, unknown))[:, places].T
    return [
        Term(
            column=flow.column,
            steps=flow.steps,
            kind="levels",
            points=points,
            values=table[:-1],
            other=float(table[-1]),
        )
        for table in tables
    ]


CONTAINERS: Mapping[str, Callable[[Any, Any, Flows, Walk], Flows]] = {
    "ColumnTransformer": _columns,
    "FeatureUnion": _union,
}
EACH_COLUMN: Mapping[str, Callable[[Any, Flows], Flows]] = {
    "SimpleImputer": _impute,
    "MissingIndicator": _mark_gaps,
    "FunctionTransformer": _curve,
    "Binarizer": _binarise,
    "KBinsDiscretizer": _bin,
    "OneHotEncoder": _encode,
    "OrdinalEncoder": _encode,
    "TargetEncoder": _encode,
}
