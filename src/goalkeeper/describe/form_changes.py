"""The form of `threats`: how far inputs may be changed, and what must not be inferred."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from goalkeeper.core.threats import ANY_OTHER
from goalkeeper.describe.document import as_text
from goalkeeper.describe.fields import Name, Names, Section, Share

_FRACTION = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*/\s*(\d+(?:\.\d*)?|\.\d+)\s*")


def _fraction(value: Any) -> Any:
    """Read `8/255`; anything else is left to the check for numbers."""
    found = _FRACTION.fullmatch(value) if isinstance(value, str) else None
    if found is None or not float(found[2]):
        return value
    return float(found[1]) / float(found[2])


Radius = Annotated[
    float,
    BeforeValidator(_fraction),
    Field(gt=0),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": r"^\s*[0-9.]+\s*/\s*[0-9.]+\s*$"},
            ]
        }
    ),
]
Move = Annotated[
    str,
    BeforeValidator(as_text),
    WithJsonSchema({"type": ["string", "number"]}),
]
Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ImageThreatForm(Section):
    """How far images may be changed: one norm and radius."""

    norm: Literal["linf", "l2", "l0"] = Field(
        description="linf: the largest change of a value; l2: the Euclidean length of all changes; "
        "l0: the number of pixels changed"
    )
    radius: Radius | None = Field(
        default=None,
        description="a number above 0 or a fraction such as 8/255, in shares of the range of "
        "values; of l0 a number of pixels (default: usual values for the size of the images)",
    )
    target: Name = Field(
        default=ANY_OTHER,
        description="which wrong answer is wanted: other (any), the name of a class, or "
        "least-likely (the class with the lowest score)",
    )


class TableThreatForm(Section):
    """How far rows of a table may be changed."""

    change: Names | None = Field(
        default=None, description="columns that may be changed (default: all but immutable ones)"
    )
    most: int | None = Field(
        default=None,
        ge=1,
        strict=True,
        description="how many columns at once (default: a third; with costs, all)",
    )
    moves: dict[str, Move] = Field(
        default_factory=dict,
        description='how far numbers may move, by column: 2 or "±2", 10 %, 0.5 sd (standard '
        'deviations), "+2" or up for upwards only, "-2" or down, or any',
    )
    spread: float = Field(
        default=0.5,
        gt=0,
        allow_inf_nan=False,
        description="how far numbers move that `moves` does not name, in standard deviations",
    )
    costs: dict[str, Cost] = Field(
        default_factory=dict,
        description="cost of one unit of change by column; of a word, of any change. Columns "
        "without a cost then stay (needs `budget`)",
    )
    budget: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="largest sum of costs for one row (needs `costs`)",
    )
    relations: tuple[str, ...] = Field(
        default=(),
        description="what holds between columns, e.g. `total = a + b`, `a <= b`, "
        "`if paid = no then amount = 0`; names with spaces in backticks",
    )


class TextThreatForm(Section):
    """How far texts may be changed."""

    words: int = Field(default=1000, ge=0, strict=True, description="words that may be added")
    edits: int = Field(
        default=30, ge=0, strict=True, description="words that may be respelt or replaced"
    )


class PropertyForm(Section):
    """How common something is in the training data, which must stay private."""

    name: Name | None = Field(
        default=None, description="short name in reports (default: that of the column)"
    )
    column: Name | None = Field(
        default=None, description="column in which the value stands (default: the label)"
    )
    value: Name = Field(description="value, or class, whose share must not be inferred")
    shares: tuple[Share, Share] | None = Field(
        default=None,
        description="two shares that must not be distinguishable (default: half and twice "
        "the share in the data)",
    )


class LinkageForm(Section):
    """What is known of records that belong to the same person."""

    one_record_a_person: bool = Field(
        default=False,
        description="whether each record is of another person, so that nobody has two to link; "
        "records that repeat, or a column of persons, may refute it",
    )


class ThreatsForm(Section):
    """The threat that is assessed."""

    images: tuple[ImageThreatForm, ...] | None = Field(
        default=None,
        min_length=1,
        description="norms and radii within which images may be changed; each is a test of its own "
        "(default: linf, l2 and l0 with usual radii)",
    )
    table: TableThreatForm | None = Field(
        default=None, description="which columns of a table may be changed, how far and how many"
    )
    text: TextThreatForm | None = Field(
        default=None, description="how many words of a text may be added or edited"
    )
    properties: tuple[PropertyForm, ...] = Field(
        default=(),
        description="shares in the training data that must not be inferable; only those that are "
        "named here decide a verdict (default: the most frequent values of subgroups and people "
        "are tried, for information)",
    )
    linkage: LinkageForm | None = Field(
        default=None,
        description="whether a person has several records; where neither this nor `data.person` "
        "says, linkage decides no verdict",
    )
