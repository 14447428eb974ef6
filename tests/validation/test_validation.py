"""The short form of the table: fewer cases, and each row's own limit for so many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.validation.coverage import Coverage
from tests.validation.end_to_end import Verdicts
from tests.validation.rows import Row, list_rows

if TYPE_CHECKING:
    from collections.abc import Sequence


def sections(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row.section for row in rows))


ROWS = list_rows()


def test_every_row_has_a_name_of_its_own() -> None:
    assert len({row.key for row in ROWS}) == len(ROWS)
    together = [row for section in sections(ROWS) for row in ROWS if row.section == section]
    assert together == list(ROWS)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.short and not row.lacking], ids=lambda row: row.key
)
def test_claim_stands(row: Row) -> None:
    found = row.run(row.short)
    assert found.passed, found.measured


# Half as wide as it must be, it covers 67 %, as intervals do that take a fitted threshold as known.
def test_an_interval_that_does_not_cover_is_noticed() -> None:
    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        estimate = rng.normal()
        return estimate - 0.98, estimate + 0.98, 0.0

    assert not Coverage(draw)(60, np.random.default_rng(0)).passed


def test_applications_have_names_of_their_own_and_are_found_again() -> None:
    verdicts = [row.measure for row in ROWS if isinstance(row.measure, Verdicts)]
    named = {one.name: one for counted in verdicts for one in counted.specimens}
    assert all(named[one.name] is one for counted in verdicts for one in counted.specimens)
