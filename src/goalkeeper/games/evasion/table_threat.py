"""The limits of rows that follow from the threat and the data."""

from __future__ import annotations

from math import ceil

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Floats
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import DataError
from goalkeeper.core.numbers import spread
from goalkeeper.core.relations import Relations
from goalkeeper.core.threat_checks import check_table_threat
from goalkeeper.core.threats import TableThreat
from goalkeeper.games.evasion.parts import Constraint
from goalkeeper.games.evasion.tables import ColumnLimits, EntryConstraint, Price

ENTRY_SHARE = 1 / 3  # of the entries that may be changed at all
KEPT_SHARE = 0.99  # of the records must keep a relation, else it is none
MOST_NAMED = 4  # columns that are named in a headline


def build_entry_constraint(app: Application) -> Constraint:
    """Bound how many entries change, how far numbers move, what it costs, and what has to hold.

    How much a number varies is measured on the similar data, which an attacker can see.

    Raises
    ------
    DescriptionError
        The threat names columns that cannot be changed so, or a relation that cannot be read.
    """
    return app.once(_build)


def find_intact(app: Application, x: Floats) -> Bools:
    """Return which rows `(n, d)` keep every relation: others are no inputs of the application."""
    constraint = build_entry_constraint(app)
    relations = constraint.relations if isinstance(constraint, EntryConstraint) else None
    rows = np.asarray(x, dtype=np.float64)
    return relations.hold(rows) if relations else np.ones(len(rows), dtype=bool)


def find_broken_relation(relations: Relations, rows: Floats) -> tuple[str, int, int] | None:
    """Find the first relation that records `(n, d)` break too often to be one.

    Returns
    -------
    str, int, int
        The relation, how many break it, and the first of them.
    """
    for relation in relations.bound:
        broken = np.flatnonzero(~relation.holds(rows))
        if len(broken) > (1 - KEPT_SHARE) * len(rows):
            return relation.text, len(broken), int(broken[0])
    return None


def explain_broken_relation(app: Application) -> str:
    """Say which relation the holdout breaks too often; empty where there is none."""
    constraint = build_entry_constraint(app)
    relations = constraint.relations if isinstance(constraint, EntryConstraint) else None
    if not relations:
        return ""
    rows = np.asarray(app.data.holdout.x, dtype=np.float64)
    found = find_broken_relation(relations, rows)
    if found is None:
        return ""
    text, broken, first = found
    return (
        f"{broken} of {len(rows)} records break the relation {text} (the first is holdout record "
        f"{first}), so it does not hold; correct the relation or the data"
    )


def _build(app: Application) -> EntryConstraint:
    if not isinstance(app.domain, TableDomain):
        raise DataError(f"entries of rows do not bound changes of {app.domain.kind} inputs")
    domain, threat = app.domain, app.threats.table
    for _, error in check_table_threat(threat, domain):
        raise error
    rows = np.asarray(app.data.similar.x, dtype=np.float64)
    step, limits = _measure_steps(threat, domain, spread(rows))
    single = EntryConstraint(domain=domain, step=step, entries=1, limits=limits)
    count = len(single.parts)
    default = count if threat.costs else ceil(ENTRY_SHARE * count)
    return EntryConstraint(
        domain=domain,
        step=step,
        entries=threat.most or max(1, default),
        limits=limits,
        price=_find_price(threat, domain),
        relations=Relations.of(threat.relations, domain) if threat.relations else None,
        words=_describe_columns(threat),
    )


def _measure_steps(
    threat: TableThreat, domain: TableDomain, deviations: Floats
) -> tuple[Floats, ColumnLimits]:
    """Return how far each number may move, `(d,)`, and what else bounds its column."""
    step = threat.spread * deviations
    whole = domain.discrete & (step > 0)
    step[whole] = np.maximum(1.0, np.round(step[whole]))
    limits = ColumnLimits.none(len(step))
    for j, column in enumerate(domain.columns):
        named = threat.change is None or column.name in threat.change
        limits.change[j] = named and (not threat.costs or column.name in threat.costs)
        move = threat.move_of(column.name)
        if move is not None:
            limits.way[j] = {"both": 0, "up": 1, "down": -1}[move.way]
            limits.share[j] = move.amount if move.unit == "relative" else 0.0
            step[j] = {
                "absolute": move.amount,
                "relative": 0.0,
                "deviations": move.amount * deviations[j],
            }[move.unit]
            if move.unit == "deviations" and column.kind == "integer" and step[j] > 0:
                step[j] = max(1.0, np.round(step[j]))
        elif threat.costs:
            step[j] = np.inf
        cost = threat.costs.get(column.name, 0.0)
        if cost and threat.budget is not None:
            step[j] = min(step[j], threat.budget / cost) if move is None else step[j]
    return step, limits


def _find_price(threat: TableThreat, domain: TableDomain) -> Price | None:
    if threat.budget is None:
        return None
    costs = np.array([threat.costs.get(column.name, 0.0) for column in domain.columns])
    return Price(costs=costs, budget=threat.budget)


def _describe_columns(threat: TableThreat) -> tuple[str, ...]:
    """Write the limits of single columns; where there are many, only how many."""
    words = [f"{name} {threat.move_of(name)}" for name in threat.moves]
    if len(words) > MOST_NAMED:
        words = [f"moves of {len(words)} columns bounded"]
    if threat.change is not None:
        many = len(threat.change) > MOST_NAMED
        names = f"{len(threat.change)} columns" if many else ", ".join(threat.change)
        words.append(f"only {names}")
    return tuple(words)
