"""Records as they were read, before anything is known of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

LABEL = "label"  # the name of what comes without one


@dataclass(frozen=True, eq=False, kw_only=True)
class Raw:
    """Records as they were read.

    `frame` has one row a record; `images` is set where inputs are arrays `(n, h, w)` or
    `(n, c, h, w)`, `text` names the column where inputs came as an array of texts, `features`
    the columns where they came as rows `(n, d)`. `labels` are the names that the columns of the
    user's own frame have, where these are no texts; `written`: numbers came as words, as in CSV;
    `notes` is what was odd.
    """

    frame: pd.DataFrame
    origin: tuple[tuple[str, int], ...]
    label: str | None = None
    images: NDArray[Any] | None = None
    text: str | None = None
    features: tuple[str, ...] | None = None
    labels: Mapping[str, Any] = field(default_factory=dict)
    written: bool = False
    notes: tuple[str, ...] = ()

    def record(self, row: int) -> str:
        """Name a record for people: counted from 1, in its own file."""
        for name, count in self.origin:
            if row < count:
                return f"record {row + 1} of {name}"
            row -= count
        return f"record {row + 1}"


def free_name(name: str, taken: Iterable[Any]) -> str:
    """Return a name that no column has: a feature may be called as the classes would be."""
    names = {str(other) for other in taken}
    while name in names:
        name = f"true {name}"
    return name


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or its kind."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
