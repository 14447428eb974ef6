"""Whether a threat to tables fits the columns of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.relations import Relations
from goalkeeper.core.threats import TableThreat

Where = tuple[str | int, ...]  # keys below `threats.table`


def check_table_threat(
    threat: TableThreat, domain: TableDomain
) -> Iterator[tuple[Where, DescriptionError]]:
    """Yield what does not fit the columns of a table, with its place in the threat."""
    columns = {column.name: column for column in domain.columns}
    lists: tuple[tuple[str, Iterable[str]], ...] = (
        ("change", threat.change or ()),
        ("moves", threat.moves),
        ("costs", threat.costs),
    )
    for key, names in lists:
        for i, name in enumerate(names):
            where: Where = (key, i if key == "change" else name)
            if name not in columns:
                yield where, _unknown(name, columns)
            elif columns[name].immutable:
                yield where, _immutable(name)
            elif key == "moves" and columns[name].kind == "category":
                yield where, _no_number(name)
            elif threat.costs and name not in threat.costs:
                yield where, _no_cost(name)
    for i, text in enumerate(threat.relations):
        try:
            Relations.of((text,), domain)
        except DescriptionError as error:
            yield ("relations", i), error


def _unknown(name: str, columns: Iterable[str]) -> DescriptionError:
    names = list(columns)
    near = get_close_matches(name, names, n=1)
    return DescriptionError(
        f"the table has no column {name}",
        expected="one of " + ", ".join(names[:12]),
        given=name,
        advice=f"did you mean {near[0]}?" if near else "write the name of a column",
    )


def _immutable(name: str) -> DescriptionError:
    return DescriptionError(
        f"column {name} is immutable, so that no attacker can change it",
        expected="a column that is not immutable",
        given=name,
        advice=f"leave it out here, or take `immutable: true` away from `columns.{name}`",
    )


def _no_number(name: str) -> DescriptionError:
    return DescriptionError(
        f"column {name} holds words, which do not move by an amount",
        expected="a column of numbers",
        given=name,
        advice="leave it out; any of its categories may take the place of another",
    )


def _no_cost(name: str) -> DescriptionError:
    return DescriptionError(
        f"column {name} has no cost, and where costs are given others cannot be changed",
        expected="a column that is named under costs",
        given=name,
        advice=f"add its cost: `costs: {{{name}: 1.0}}`",
    )
