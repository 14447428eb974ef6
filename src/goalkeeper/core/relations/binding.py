"""A relation bound to the columns of a table: which rows keep it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from goalkeeper.core.data import Bools, Floats
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.relations.syntax import (
    NEGATED,
    CallNode,
    ComparisonNode,
    ConditionNode,
    NameNode,
    NotNode,
    NumberNode,
    TermNode,
    parse_relation,
)

TOLERANCE = 1e-6  # relative: sums of rounded numbers are equal up to this


# ---- bound terms and conditions ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, the same for every row."""

    value: float


@dataclass(frozen=True, slots=True)
class Place:
    """The value in one column."""

    column: int


@dataclass(frozen=True, slots=True)
class Operation:
    """An arithmetic sign or a function, applied to terms."""

    name: str
    terms: tuple[Term, ...]


Term = Constant | Place | Operation


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison. `exact`: whether both sides are codes of categories."""

    sign: str
    left: Term
    right: Term
    exact: bool = False

    def negated(self) -> Compared:
        """Return the comparison that holds where this one does not."""
        return Compared(NEGATED[self.sign], self.left, self.right, self.exact)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part must hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part must hold; those named first are restored first."""

    parts: tuple[Condition, ...]


Condition = Compared | AllOf | AnyOf


@dataclass(frozen=True, eq=False, slots=True)
class BoundRelation:
    """A relation between columns of one table.

    text: as it was written. columns: those it is about, ascending.
    """

    text: str
    condition: Condition
    columns: tuple[int, ...]

    def holds(self, rows: Floats) -> Bools:
        """Return which rows `(n, d)` keep the relation, `(n,)`.

        A comparison with a missing value is unknown, and a relation that is unknown holds.
        Arithmetic without a result, such as a division by zero, makes a comparison false.
        """
        return np.asarray(evaluate(self.condition, rows) != 0)


def bind_relation(text: str, domain: TableDomain) -> BoundRelation:
    """Read a relation between the columns of a table.

    Raises
    ------
    DescriptionError
        It is no relation, or names what is neither a column nor a category.
    """
    condition = _Binder(domain, text).condition(parse_relation(text), negated=False)
    return BoundRelation(text, condition, tuple(sorted(set(columns_of(condition)))))


def columns_of(part: Condition | Term) -> Iterator[int]:
    """Yield the columns that a part is about."""
    if isinstance(part, Place):
        yield part.column
    elif isinstance(part, Compared):
        yield from columns_of(part.left)
        yield from columns_of(part.right)
    elif not isinstance(part, Constant):
        for inner in part.terms if isinstance(part, Operation) else part.parts:
            yield from columns_of(inner)


class _Binder:
    """Finds the columns and categories that a relation names."""

    def __init__(self, domain: TableDomain, text: str) -> None:
        self._domain, self._text = domain, text
        self._places = {column.name: j for j, column in enumerate(domain.columns)}

    def condition(self, node: ConditionNode, *, negated: bool) -> Condition:
        """Bind a condition, or its opposite: `not` is carried inwards to the comparisons."""
        if isinstance(node, ComparisonNode):
            found = self._comparison(node)
            return found.negated() if negated else found
        if isinstance(node, NotNode):
            return self.condition(node.inner, negated=not negated)
        if node.word == "then":  # if A then B: B, or else not A
            first, second = node.parts
            consequence = self.condition(second, negated=negated)
            premise = self.condition(first, negated=not negated)
            return AllOf((consequence, premise)) if negated else AnyOf((consequence, premise))
        parts = tuple(self.condition(part, negated=negated) for part in node.parts)
        return AnyOf(parts) if (node.word == "or") != negated else AllOf(parts)

    def _comparison(self, node: ComparisonNode) -> Compared:
        left, right = node.left, node.right
        for here, there in ((left, right), (right, left)):
            column = self._category(here)
            if column is not None:
                return self._word(node, column, there)
        return Compared(node.sign, self._term(left), self._term(right))

    def _category(self, node: TermNode) -> int | None:
        """Find the category column that a term is."""
        place = self._places.get(node.name) if isinstance(node, NameNode) else None
        if place is None or not self._domain.columns[place].categories:
            return None
        return place

    def _word(self, node: ComparisonNode, column: int, other: TermNode) -> Compared:
        """Compare a category with a word, or with another category of the same words."""
        name, words = self._domain.columns[column].name, self._domain.columns[column].categories
        if node.sign not in ("=", "!="):
            raise self._error(
                f"the words of column {name} have no order", expected="= or !=", given=node.sign
            )
        second = self._category(other)
        if second is not None and self._domain.columns[second].categories == words:
            return Compared(node.sign, Place(column), Place(second), exact=True)
        text = other.name if isinstance(other, NameNode) else getattr(other, "text", "")
        if text not in words:
            near = get_close_matches(text, words, n=1)
            raise self._error(
                f"column {name} has no category {text}",
                expected="one of " + ", ".join(words[:12]),
                given=text or "arithmetic",
                advice=f"did you mean {near[0]}?" if near else "write one of its categories",
            )
        return Compared(node.sign, Place(column), Constant(float(words.index(text))), exact=True)

    def _term(self, node: TermNode) -> Term:
        if isinstance(node, NumberNode):
            return Constant(node.value)
        if isinstance(node, NameNode):
            return self._column(node)
        if isinstance(node, CallNode):
            return Operation(node.name, tuple(self._term(part) for part in node.arguments))
        return Operation(node.sign, (self._term(node.left), self._term(node.right)))

    def _column(self, node: NameNode) -> Place:
        place = self._places.get(node.name)
        if place is None:
            near = get_close_matches(node.name, self._places, n=1)
            joined = [name for name in self._places if not name.isidentifier()]
            spelt = [name for name in joined if node.name in name and name in self._text]
            advice = f"put the name in backticks: `{spelt[0]}`" if spelt else ""
            raise self._error(
                f"the table has no column {node.name}",
                expected="one of " + ", ".join(list(self._places)[:12]),
                given=node.name,
                advice=advice
                or (f"did you mean {near[0]}?" if near else "write the name of a column"),
            )
        if self._domain.columns[place].categories:
            raise self._error(
                f"column {node.name} holds words, which cannot be counted with",
                expected="`column = word` or `column != word`",
                given=self._text,
                advice="compare it with one of its categories",
            )
        return Place(place)

    def _error(
        self, what: str, *, expected: str = "", given: str = "", advice: str = ""
    ) -> DescriptionError:
        return DescriptionError(
            f"the relation {self._text!r} cannot be used: {what}",
            expected=expected,
            given=given,
            advice=advice or "change the relation",
        )


# ---- evaluation ----------------------------------------------------------------------------------


def evaluate(condition: Condition, rows: Floats) -> Floats:
    """Return 1 where a condition holds, 0 where it does not, nan where it is unknown; `(n,)`."""
    if isinstance(condition, Compared):
        return _compare(condition, rows)
    found = np.array([evaluate(part, rows) for part in condition.parts])
    # 0 decides `and`, 1 decides `or`; where neither does, an unknown part leaves it unknown.
    decided = 0.0 if isinstance(condition, AllOf) else 1.0
    unknown = np.where(np.isnan(found).any(axis=0), np.nan, 1.0 - decided)
    return np.where((found == decided).any(axis=0), decided, unknown)


def value_of(term: Term, rows: Floats) -> Floats:
    """Return the value of a term for rows `(n, d)`; nan where it is missing or undefined."""
    if isinstance(term, Constant):
        return np.full(len(rows), term.value)
    if isinstance(term, Place):
        return np.asarray(rows[:, term.column])
    values = [value_of(part, rows) for part in term.terms]
    with np.errstate(all="ignore"):  # what has no result is nan, and its comparison is false
        return np.asarray(_apply(term.name, values))


def _apply(name: str, values: list[Floats]) -> Floats:
    first = values[0]
    if name in ("min", "max"):
        joined = np.array(values)
        return np.asarray(joined.min(axis=0) if name == "min" else joined.max(axis=0))
    if name == "abs":
        return np.asarray(np.abs(first))
    if name in ("round", "floor"):
        return np.asarray(np.round(first) if name == "round" else np.floor(first))
    signs = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
    return np.asarray(signs[name](first, values[1]))


def _compare(compared: Compared, rows: Floats) -> Floats:
    left, right = value_of(compared.left, rows), value_of(compared.right, rows)
    used = sorted({*columns_of(compared)})
    missing = np.isnan(rows[:, used]).any(axis=1)
    with np.errstate(all="ignore"):
        slack = 0.0 if compared.exact else TOLERANCE * (1 + np.maximum(np.abs(left), np.abs(right)))
        slack = np.where(np.isfinite(slack), slack, 0.0)
        gap = left - right
        holds = {
            "=": np.abs(gap) <= slack,
            "!=": np.abs(gap) > slack,
            "<=": gap <= slack,
            ">=": gap >= -slack,
            "<": gap < -slack,
            ">": gap > slack,
        }[compared.sign]
    return np.where(missing, np.nan, holds.astype(np.float64))
