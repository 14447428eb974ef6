"""From a fitted preprocessing to the features that the weights of a linear model multiply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from goalkeeper.core.data import Floats
from goalkeeper.core.design import CURVES, Design, Step, Term, take_steps
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.targets.inputs import prepared
from goalkeeper.targets.reading.flows import Flow, FromWords, Mixed, Unread, Walk, dense
from goalkeeper.targets.reading.linear_steps import Affine, Fold, Reorder
from goalkeeper.targets.reading.naming import name_of
from goalkeeper.targets.reading.probing import build_probe, draw_rows, find_taken, silently
from goalkeeper.targets.reading.steps import follow

CHECKED = 32  # random rows on which the reading must agree with the preprocessing
CLOSE = 1e-6  # relative; columns of float32 are no nearer


@dataclass(frozen=True, eq=False)
class Reading:
    """How the features of the final model come from the columns of a table.

    design: features in terms of the columns; None where they are the columns themselves. fold:
    what is done to these features behind that.
    """

    design: Design | None
    fold: Fold

    @property
    def is_binary(self) -> bool:
        """Whether the final model gets zeros and ones only."""
        if self.design is None or not isinstance(self.fold, Affine):
            return False
        untouched = (self.fold.scale == 1).all() and (self.fold.shift == 0).all()
        return bool(untouched) and self.design.is_binary


def read_preprocessing(before: Sequence[Any], domain: TableDomain) -> Reading:
    """Read the fitted steps in front of a final model.

    Parameters
    ----------
    before
        The steps, those of inner pipelines among them, in their order.
    domain
        The table, as the first step gets it.

    Raises
    ------
    NotOffered
        A step cannot be read; the message names it.
    """
    settled = read_terms(before, domain)
    return _reordered(settled, domain) or _designed(settled, domain)


def read_terms(before: Sequence[Any], domain: TableDomain) -> list[Term | Mixed]:
    """Read what each feature is made of, in the order of the features.

    Raises
    ------
    NotOffered
        A step cannot be read; the message names it.
    """

    def transform(rows: Floats) -> Any:
        made = prepared(rows, domain)
        for step in before:
            made = step.transform(made)
        return made

    probe = build_probe(domain, transform)
    walk = Walk(probe)
    made, flows = follow(before, prepared(probe.rows, domain), _start(domain), walk)
    values = dense(made)
    settled = [walk.settle(flow, values[:, i]) for i, flow in enumerate(flows)]
    _check(settled, domain, transform)
    return settled


def reorder_of(reading: Reading) -> Reorder:
    """Return what can be undone column by column; raises NotOffered for everything else."""
    if isinstance(reading.fold, Reorder) and (reading.fold.inner.scale > 0).all():
        return reading.fold  # a negative scale would exchange the ends of a range
    raise NotOffered("the preprocessing drops, mixes or encodes columns")


def _start(domain: TableDomain) -> list[Flow]:
    """Say what each column is before any step."""
    flows: list[Flow] = []
    for j, column in enumerate(domain.columns):
        if column.categories:
            flows.append(FromWords(j))
        elif column.kind == "date" or column.dtype.startswith("timedelta"):
            flows.append(Unread(f"weights cannot be read: column {column.name} holds times"))
        else:
            flows.append(Term(column=j))
    return flows


def _check(settled: Sequence[Term | Mixed], domain: TableDomain, transform: Any) -> None:
    """Compare the reading with the preprocessing itself: a wrong one is worse than none."""
    rows = draw_rows(domain, CHECKED, np.random.default_rng(1))
    rows = rows[find_taken(rows, transform)]
    if not len(rows):
        return
    true = dense(silently(transform, rows))
    ours = np.column_stack([_evaluate(flow, rows) for flow in settled])
    same = np.isclose(ours, true, rtol=CLOSE, atol=CLOSE, equal_nan=True) | ~np.isfinite(true)
    if not same.all():
        name = name_of(settled[int(np.argmin(same.all(axis=0)))], domain)
        raise NotOffered(
            f"weights cannot be read: the preprocessing does something else with {name} than its "
            "steps say"
        )


def _evaluate(flow: Term | Mixed, rows: Floats) -> Floats:
    if isinstance(flow, Term):
        return flow.of(rows[:, flow.column])
    values = np.column_stack([term.of(rows[:, term.column]) for term in flow.terms])
    return np.asarray(values @ flow.weights + flow.shift)


# ---- features that are the columns themselves -----------------------------------------------


def _reordered(settled: Sequence[Term | Mixed], domain: TableDomain) -> Reading | None:
    """Return the columns themselves, scaled, each at its place; None where that is not all."""
    if not domain.numeric or domain.missing.any() or len(settled) != len(domain.columns):
        return None
    lines = [_line(f.steps) for f in settled if isinstance(f, Term) and _is_line(f)]
    place = np.array([f.column for f in settled if isinstance(f, Term)], dtype=np.int64)
    scale, shift = np.array(lines).reshape(len(lines), 2).T
    if len(lines) != len(settled) or len(np.unique(place)) != len(place) or not scale.all():
        return None
    return Reading(None, Reorder(Affine(scale, shift), place))


def _is_line(term: Term) -> bool:
    return term.kind == "number" and not any(name in CURVES for name, _ in term.steps)


def _line(steps: Sequence[Step]) -> tuple[float, float]:
    """Return slope and value at 0 of sums and products."""
    scale, shift = 1.0, 0.0
    for name, number in steps:
        if name in ("multiply", "divide"):
            factor = number if name == "multiply" else 1 / number
            scale, shift = scale * factor, shift * factor
        else:
            shift += number if name == "add" else -number
    return scale, shift


# ---- features of their own --------------------------------------------------------------------


def _designed(settled: Sequence[Term | Mixed], domain: TableDomain) -> Reading:
    parts = [_core(flow) if isinstance(flow, Term) else (flow, 1.0, 0.0) for flow in settled]
    names = tuple(name_of(core, domain) for core, _, _ in parts)
    scale = np.array([part[1] for part in parts])
    shift = np.array([core.shift if isinstance(core, Mixed) else s for core, _, s in parts])
    fold = Affine(scale, shift)
    if all(isinstance(core, Term) for core, _, _ in parts):
        terms = tuple(core for core, _, _ in parts if isinstance(core, Term))
        return Reading(Design(names=names, terms=terms), fold)
    place: dict[int, int] = {}
    every: list[Term] = []
    for core, _, _ in parts:
        for term in (core,) if isinstance(core, Term) else core.terms:
            if id(term) not in place:
                place[id(term)] = len(every)
                every.append(term)
    mix = np.zeros((len(parts), len(every)))
    for i, (core, _, _) in enumerate(parts):
        members = (core,) if isinstance(core, Term) else core.terms
        weights = np.ones(1) if isinstance(core, Term) else core.weights
        for term, weight in zip(members, weights, strict=True):
            mix[i, place[id(term)]] += weight
    return Reading(Design(names=names, terms=tuple(every), mix=mix), fold)


def _core(term: Term) -> tuple[Term, float, float]:
    """Take scale and shift off a term: a number in its own unit, an indicator that is 0 or 1."""
    if term.kind == "number":
        last = max((i + 1 for i, (name, _) in enumerate(term.steps) if name in CURVES), default=0)
        scale, shift = _line(term.steps[last:])
        if scale == 0 or not np.isfinite(scale):
            return term, 1.0, 0.0
        missing = (term.missing - shift) / scale
        return replace(term, steps=term.steps[:last], missing=missing), scale, shift
    found = np.unique([*term.values, term.other, term.missing])
    found = found[np.isfinite(found)]
    if len(found) != 2:
        return term, 1.0, 0.0
    low, high = found
    inner = ("subtract", low), ("divide", high - low)
    values = take_steps(inner, np.array([*term.values, term.other, term.missing]))
    made = replace(term, values=values[:-2], other=float(values[-2]), missing=float(values[-1]))
    return made, float(high - low), float(low)
