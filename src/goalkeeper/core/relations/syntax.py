"""The language of relations: `total = a + b`, `a <= b`, `if has_account = no then balance = 0`.

A parser of its own, so that a relation can never run code: it knows names, numbers, arithmetic,
comparisons, `and`, `or`, `not`, `if ... then ...` and a few functions, and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from goalkeeper.core.errors import DescriptionError

MAX_CHARS = 4000  # of one relation
MAX_PIECES = 400  # names, numbers and signs: a long sum is as deep as it has terms
MAX_DEPTH = 40  # levels of brackets and signs, far below what Python's own stack bears

FUNCTIONS = {"min": (2, 99), "max": (2, 99), "abs": (1, 1), "round": (1, 1), "floor": (1, 1)}
COMPARISONS = ("<=", ">=", "!=", "=", "<", ">")
NEGATED = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
KEYWORDS = ("and", "or", "not", "if", "then")

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
    r"|`(?P<column>[^`]*)`|\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'"
    r"|(?P<word>[^\W\d]\w*(?:\.\w+)*)"
    r"|(?P<sign><=|>=|!=|==|<>|[-+*/()<>=,]))"
)


# ---- what a relation is made of ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NumberNode:
    """A number, and how it was written: it may also be the word of a category."""

    value: float
    text: str


@dataclass(frozen=True, slots=True)
class NameNode:
    """A column, or a category's word; `quoted` with backticks it can only be a column."""

    name: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class ArithmeticNode:
    """Two terms joined by + - * or /; a sign is a product with -1."""

    sign: str
    left: TermNode
    right: TermNode


@dataclass(frozen=True, slots=True)
class CallNode:
    """A function of terms."""

    name: str
    arguments: tuple[TermNode, ...]


@dataclass(frozen=True, slots=True)
class ComparisonNode:
    """Two terms that are compared."""

    sign: str
    left: TermNode
    right: TermNode


@dataclass(frozen=True, slots=True)
class NotNode:
    """A condition that must not hold."""

    inner: ConditionNode


@dataclass(frozen=True, slots=True)
class JoinedNode:
    """Conditions of which all (`and`) or any (`or`) must hold, or the second if the first does."""

    word: str
    parts: tuple[ConditionNode, ...]


TermNode = NumberNode | NameNode | ArithmeticNode | CallNode
ConditionNode = ComparisonNode | NotNode | JoinedNode
Node = TermNode | ConditionNode
CONDITIONS = (ComparisonNode, NotNode, JoinedNode)


def parse_relation(text: str) -> ConditionNode:
    """Read a relation.

    Raises
    ------
    DescriptionError
        The text is no relation; the message names the place.
    """
    if len(text) > MAX_CHARS:
        raise DescriptionError(
            "the relation is too long",
            expected=f"at most {MAX_CHARS} characters",
            given=f"{len(text)} characters",
            advice="divide it into several relations",
        )
    return _Parser(text).whole()


# ---- reading -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Piece:
    kind: str  # number, column, quoted, word, sign or end
    text: str
    place: int


class _Parser:
    """Reads one relation from left to right; each method reads what binds at least so tightly."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._pieces = self._split()
        self._next = 0
        self._depth = 0

    def whole(self) -> ConditionNode:
        if self._take("word", "if"):
            first = self._condition(self._either())
            if not self._take("word", "then"):
                raise self._error("`then` is missing")
            found: Node = JoinedNode("then", (first, self._condition(self._either())))
        else:
            found = self._either()
        if self._here.kind != "end":
            raise self._error("this was not expected")
        return self._condition(found)

    # ---- conditions, the loosest first ----------------------------------------------------------

    def _either(self) -> Node:
        return self._joined("or")

    def _joined(self, word: str) -> Node:
        inner = self._negated if word == "and" else lambda: self._joined("and")
        found = inner()
        parts = [found]
        while self._take("word", word):
            parts.append(inner())
        if len(parts) == 1:
            return found
        return JoinedNode(word, tuple(self._condition(part) for part in parts))

    def _negated(self) -> Node:
        if self._take("word", "not"):
            with self:
                return NotNode(self._condition(self._negated()))
        return self._compared()

    def _compared(self) -> Node:
        found = self._sum()
        parts: list[ConditionNode] = []
        left = found
        while self._here.kind == "sign" and _sign(self._here.text) in COMPARISONS:
            sign = _sign(self._here.text)
            left = self._term(left)
            self._next += 1
            right = self._term(self._sum())
            parts.append(ComparisonNode(sign, left, right))
            left = right
        if not parts:
            return found
        return parts[0] if len(parts) == 1 else JoinedNode("and", tuple(parts))

    # ---- terms ----------------------------------------------------------------------------------

    def _sum(self) -> Node:
        found = self._product()
        while self._here.kind == "sign" and self._here.text in "+-":
            sign = self._here.text
            found = self._term(found)
            self._next += 1
            found = ArithmeticNode(sign, found, self._term(self._product()))
        return found

    def _product(self) -> Node:
        found = self._signed()
        while self._here.kind == "sign" and self._here.text in "*/":
            sign = self._here.text
            found = self._term(found)
            self._next += 1
            found = ArithmeticNode(sign, found, self._term(self._signed()))
        return found

    def _signed(self) -> Node:
        if self._here.kind == "sign" and self._here.text in "+-":
            minus = self._here.text == "-"
            self._next += 1
            with self:
                inner = self._term(self._signed())
            return ArithmeticNode("*", NumberNode(-1.0, "-1"), inner) if minus else inner
        return self._atom()

    def _atom(self) -> Node:
        piece = self._here
        if self._take("sign", "("):
            with self:
                found = self._either()
            self._close()
            return found
        self._next += 1
        if piece.kind == "number":
            return NumberNode(float(piece.text), piece.text)
        if piece.kind in ("column", "quoted"):
            if not piece.text:
                self._next -= 1
                raise self._error("a name is empty")
            return NameNode(piece.text, piece.kind == "column")
        if piece.kind == "word" and piece.text not in KEYWORDS:
            if self._take("sign", "("):
                return self._call(piece)
            return NameNode(piece.text)
        self._next -= 1
        raise self._error("a column, a number or a bracket is missing")

    def _call(self, piece: _Piece) -> CallNode:
        if piece.text not in FUNCTIONS:
            raise self._error(
                f"there is no function {piece.text}", "one of " + ", ".join(FUNCTIONS)
            )
        with self:
            arguments = [self._term(self._sum())]
            while self._take("sign", ","):
                arguments.append(self._term(self._sum()))
        self._close()
        least, most = FUNCTIONS[piece.text]
        if not least <= len(arguments) <= most:
            wanted = f"{least} value" if most == least else f"{least} values or more"
            raise self._error(f"{piece.text} takes {wanted}, not {len(arguments)}")
        return CallNode(piece.text, tuple(arguments))

    # ---- pieces ---------------------------------------------------------------------------------

    def _split(self) -> list[_Piece]:
        pieces: list[_Piece] = []
        place, end = 0, len(self._text.rstrip())
        while place < end:
            found = _TOKEN.match(self._text, place)
            if found is None:
                place += len(self._text[place:]) - len(self._text[place:].lstrip())
                raise self._error_at(place, "this sign is not known")
            kind = str(found.lastgroup)
            text = str(found.group(kind))
            kind = "quoted" if kind in ("double", "single") else kind
            pieces.append(_Piece(kind, text, found.start(str(found.lastgroup))))
            place = found.end()
            if len(pieces) > MAX_PIECES:
                raise self._error_at(place, "the relation is too long")
        return [*pieces, _Piece("end", "", len(self._text))]

    @property
    def _here(self) -> _Piece:
        return self._pieces[self._next]

    def _take(self, kind: str, text: str) -> bool:
        there = self._here.kind == kind and self._here.text == text
        self._next += there
        return there

    def _close(self) -> None:
        if not self._take("sign", ")"):
            raise self._error("a closing bracket is missing")

    def __enter__(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error("the relation is nested too deeply")

    def __exit__(self, *_: object) -> None:
        self._depth -= 1

    def _condition(self, node: Node) -> ConditionNode:
        if isinstance(node, CONDITIONS):
            return node
        raise self._error("a comparison is missing", "one of " + " ".join(COMPARISONS))

    def _term(self, node: Node) -> TermNode:
        if isinstance(node, CONDITIONS):
            raise self._error("a comparison cannot be compared or counted with")
        return node

    def _error(self, what: str, expected: str = "") -> DescriptionError:
        return self._error_at(self._here.place, what, expected)

    def _error_at(self, place: int, what: str, expected: str = "") -> DescriptionError:
        rest = self._text[place : place + 20].strip()
        where = f"at {rest!r}" if rest else "at the end"
        return DescriptionError(
            f"this is no relation: {what} {where}",
            expected=expected
            or "a relation such as `total = a + b`, `a <= b`, `if paid = no then amount = 0`",
            given=self._text if len(self._text) <= 80 else f"{self._text[:77]}...",
            advice="put names with spaces or signs in backticks, e.g. `hours per week`",
        )


def _sign(text: str) -> str:
    """Return the one way of writing a comparison."""
    return {"==": "=", "<>": "!="}.get(text, text)
