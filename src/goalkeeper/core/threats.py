"""The threat that is assessed: how far inputs may be changed, and what has to hold of them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from goalkeeper.core.errors import DescriptionError

__all__ = [
    "ColumnMove",
    "ImageThreat",
    "TableThreat",
    "TextThreat",
    "Threats",
    "parse_move",
]

ANY_OTHER = "other"
LEAST_LIKELY = "least-likely"
NORMS = ("linf", "l2", "l0")
UNITS = {"": "absolute", "%": "relative", "sd": "deviations"}
_MOVE = re.compile(r"\s*(±|\+/-|\+-|\+|-|)\s*(\d+\.?\d*|\.\d+)(?:[eE]([-+]?\d+))?\s*(%|sd|)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageThreat:
    """Images may be changed by this much.

    Parameters
    ----------
    norm
        `linf`: the largest change of a value. `l2`: the Euclidean length of all changes. `l0`: the
        number of pixels that change, in all channels and by any amount.
    radius
        In shares of the range of values, so that 8/255 means the same for images in [0, 1] and in
        [0, 255]; of l0 in pixels. None: 0.3 in Linf for small images of one channel, 8/255 for
        others; in L2 0.3 times the Linf radius times the square root of the number of values (0.5
        on CIFAR-10, 2.5 on MNIST); one pixel in 200, from 1 to 5.
    target
        `other`: any wrong answer. The name of a class: that answer. `least-likely`: the class with
        the lowest score on the unchanged input.
    """

    norm: Literal["linf", "l2", "l0"]
    radius: float | None = None
    target: str = ANY_OTHER

    def __post_init__(self) -> None:
        if self.norm not in NORMS:
            raise DescriptionError(
                "this norm is not known",
                expected="one of " + ", ".join(NORMS),
                given=str(self.norm),
                advice="write linf, l2, or l0 for the number of pixels",
            )
        if self.radius is not None and not self._is_possible(self.radius):
            raise DescriptionError(
                f"this radius is impossible in {self.norm}",
                expected="a whole number of pixels" if self.norm == "l0" else _RADIUS[self.norm],
                given=f"{self.radius:g}",
                advice="write the radius in shares of the range of values, e.g. 8/255",
            )

    def _is_possible(self, radius: float) -> bool:
        if self.norm == "l0":
            return math.isfinite(radius) and radius >= 1 and radius == round(radius)
        return 0 < radius <= (1 if self.norm == "linf" else math.inf) and math.isfinite(radius)


_RADIUS = {"linf": "a number above 0, at most 1", "l2": "a number above 0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMove:
    """How far the number in a column may be moved.

    Parameters
    ----------
    amount
        How far; infinite for anywhere between the column's bounds.
    unit
        `absolute`: in the column's own unit. `relative`: as a share of the value. `deviations`: in
        standard deviations of the column, measured on similar data.
    way
        `both`, `up` or `down`.
    """

    amount: float
    unit: Literal["absolute", "relative", "deviations"] = "absolute"
    way: Literal["both", "up", "down"] = "both"

    def __str__(self) -> str:
        """Write the move as a description does."""
        sign = {"both": "±", "up": "+", "down": "-"}[self.way]
        if math.isinf(self.amount):
            return {"both": "any", "up": "up", "down": "down"}[self.way]
        if self.unit == "relative":
            return f"{sign}{100 * self.amount:g} %"
        return f"{sign}{self.amount:g}{' sd' if self.unit == 'deviations' else ''}"


def parse_move(value: object) -> ColumnMove:
    """Read how far a column may move: `2`, `"±2"`, `"+10 %"`, `"-0.5 sd"`, `any`, `up`, `down`.

    Raises
    ------
    DescriptionError
        It is none of these.
    """
    if isinstance(value, ColumnMove):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value:.17g}"
    anywhere: Mapping[object, Literal["both", "up", "down"]] = {
        "any": "both",
        "up": "up",
        "down": "down",
    }
    if isinstance(value, str) and value in anywhere:
        return ColumnMove(amount=math.inf, way=anywhere[value])
    found = _MOVE.fullmatch(value) if isinstance(value, str) else None
    amount = float(f"{found[2]}e{found[3] or 0}") if found else 0.0
    if found is None or not 0 < amount < math.inf:
        raise DescriptionError(
            "this is no move of a column",
            expected='a number above 0, "10 %", "0.5 sd" (standard deviations), with + or - in '
            "front for one way only; or any, up, down",
            given=str(value),
            advice='write e.g. "±2", "+10 %" or "0.5 sd"',
        )
    unit = UNITS[found[4]]
    return ColumnMove(
        amount=amount / 100 if unit == "relative" else amount,
        unit=unit,  # type: ignore[arg-type]
        way={"+": "up", "-": "down"}.get(found[1], "both"),  # type: ignore[arg-type]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TableThreat:
    """Rows of tables may be changed by this much.

    Parameters
    ----------
    change
        Columns that may be changed. None: all that are not immutable.
    most
        How many columns at once; a group of one-hot columns counts once. None: a third of those
        that can be changed; with costs, all of them.
    moves
        How far a number may be moved, by column: a `ColumnMove`, or as `parse_move` reads it.
    spread
        How far other numbers may be moved, in standard deviations of their column.
    costs
        What one unit of change of a column costs; of a category, what any change costs. With
        costs, other columns cannot be changed, and only moves that are given bound a change.
    budget
        The largest sum of costs for one row.
    relations
        What has to hold between columns, e.g. `total = a + b`; see `goalkeeper.core.relations`.
    """

    change: tuple[str, ...] | None = None
    most: int | None = None
    moves: Mapping[str, ColumnMove | str | float] = field(default_factory=dict)
    spread: float = 0.5
    costs: Mapping[str, float] = field(default_factory=dict)
    budget: float | None = None
    relations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        moves = {str(name): parse_move(move) for name, move in dict(self.moves).items()}
        object.__setattr__(self, "moves", moves)  # the dataclass is frozen
        object.__setattr__(self, "relations", tuple(self.relations))
        if self.change is not None:
            object.__setattr__(self, "change", tuple(self.change))
        if bool(self.costs) != (self.budget is not None):
            raise DescriptionError(
                "costs and budget belong together",
                expected="both costs and budget, or neither",
                given="costs" if self.costs else "budget",
                advice="add `budget: 10`" if self.costs else "add `costs: {COLUMN: 1.0}`",
            )

    def move_of(self, column: str) -> ColumnMove | None:
        """Return how far a column may be moved, where that is said."""
        return parse_move(self.moves[column]) if column in self.moves else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextThreat:
    """Texts may be changed by this much.

    Parameters
    ----------
    words
        Words that may be added.
    edits
        Words that may be respelt or replaced.
    """

    words: int = 1000
    edits: int = 30


EVERY_NORM = (ImageThreat(norm="linf"), ImageThreat(norm="l2"), ImageThreat(norm="l0"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Threats:
    """How far an attacker may change inputs, for each kind of input.

    Parameters
    ----------
    images
        Each entry is attacked on its own and is a test of its own.
    table
        Rows of tables.
    text
        Texts.
    """

    images: Sequence[ImageThreat] = EVERY_NORM
    table: TableThreat = field(default_factory=TableThreat)
    text: TextThreat = field(default_factory=TextThreat)

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", tuple(self.images))  # the dataclass is frozen
        twice = [threat for i, threat in enumerate(self.images) if threat in self.images[:i]]
        if not self.images or twice:
            raise DescriptionError(
                "an entry of images stands there twice" if twice else "no threat to images is left",
                expected="different entries of norm, radius and target",
                given=str(twice[0]) if twice else "an empty list",
                advice="leave the key out for the usual norms and radii",
            )
