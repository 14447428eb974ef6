"""What a column of a table has become on its way through the steps of a preprocessing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from goalkeeper.core.data import Floats
from goalkeeper.core.design import Term, take_steps
from goalkeeper.core.errors import NotOffered
from goalkeeper.targets.reading.probing import Probe


@dataclass(frozen=True, eq=False)
class FromWords:
    """Something made of a column of categories alone: the rows of the probe show what."""

    column: int


@dataclass(frozen=True, eq=False)
class Mixed:
    """A sum of terms: `shift` and each of the terms times its weight `(t,)`."""

    terms: tuple[Term, ...]
    weights: Floats
    shift: float


@dataclass(frozen=True, eq=False)
class Unread:
    """A column whose cells are no numbers to us, such as dates; it may only be dropped."""

    why: str


Flow = FromWords | Mixed | Term | Unread  # a Term comes from a column of numbers


@dataclass(frozen=True, eq=False)
class Walk:
    """What the steps need beside the flows: the probe, and the number of rows it has."""

    probe: Probe

    def settle(self, flow: Flow, made: Floats) -> Term | Mixed:
        """Return a flow as a term, with what the preprocessing made `(r,)` of the probe's rows.

        Raises
        ------
        NotOffered
            The flow cannot be read.
        """
        if isinstance(flow, Unread):
            raise NotOffered(flow.why)
        if isinstance(flow, Mixed):
            return flow
        column = flow.column
        gap = self.probe.missing.get(column)
        missing = np.nan if gap is None else float(made[gap])
        if isinstance(flow, Term):
            return replace(flow, missing=missing)
        places = self.probe.codes[column]
        values = np.where(places >= 0, made[places], np.nan)
        kept, counts = np.unique(values, return_counts=True)  # each NaN counts as the same
        other = float(kept[counts.argmax()]) if len(kept) else 0.0
        points = np.flatnonzero(~((values == other) | (np.isnan(values) & np.isnan(other))))
        return Term(
            column=column,
            kind="levels",
            points=points.astype(np.float64),
            values=values[points],
            other=other,
            missing=missing,
        )


def dense(made: Any) -> Floats:
    """Return what a step gave as floats `(r, p)`; raises NotOffered for words."""
    values = made.toarray() if hasattr(made, "toarray") else made
    values = values.to_numpy() if hasattr(values, "to_numpy") else values
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise NotOffered(
            "weights cannot be read: the preprocessing leaves something that is no number"
        ) from None


def as_number(flow: Flow, name: str) -> FromWords | Mixed | Term:
    """Return the flow if a step of this name may work with it; raises NotOffered for dates."""
    if isinstance(flow, Unread):
        raise NotOffered(f"weights cannot be read through {name}: {flow.why}")
    return flow


def with_step(given: Flow, step: tuple[str, float], name: str) -> Flow:
    """Add a step to a flow, in the arithmetic of the model."""
    flow = as_number(given, name)
    if isinstance(flow, FromWords):
        return flow
    if isinstance(flow, Mixed):
        return _shifted(flow, *step, name)
    if flow.kind == "number":
        return replace(flow, steps=(*flow.steps, step))
    return with_values(flow, take_steps((step,), np.append(flow.values, flow.other)))


def with_values(term: Term, values: Floats) -> Term:
    """Give levels or bins other values; the last one is that of all other numbers."""
    return replace(term, values=values[:-1], other=float(values[-1]))


def _shifted(flow: Mixed, kind: str, number: float, name: str) -> Mixed:
    if kind in ("add", "subtract"):
        return replace(flow, shift=flow.shift + (number if kind == "add" else -number))
    if kind in ("multiply", "divide"):
        factor = number if kind == "multiply" else 1 / number
        return Mixed(flow.terms, flow.weights * factor, flow.shift * factor)
    raise NotOffered(f"weights cannot be read through {name} behind a step that mixes columns")
