"""The short form of the table: fewer cases, and each row's own limit for so many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.validation.coverage import Coverage
from tests.validation.rows import Row, list_rows

if TYPE_CHECKING:
    from collections.abc import Sequence


def sections(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row.section for row in rows))


ROWS = list_rows()


def test_every_row_has_a_name_of_its_own() -> None:
    assert len({row.key for row in ROWS}) == len(ROWS)
    assert [r.section for r in ROWS] == [
        r.section for s in sections(ROWS) for r in ROWS if r.section == s
    ]


@pytest.mark.parametrize("row", [row for row in ROWS if row.short], ids=lambda row: row.key)
def test_claim_stands(row: Row) -> None:
    found = row.run(row.short)
    assert found.passed, found.measured


# An interval of 95 % that takes a fitted threshold as known covers about 60 %: 60 cases show it.
def test_an_interval_that_does_not_cover_is_noticed() -> None:
    narrow = Coverage(
        lambda rng: (*(rng.normal(size=2) + [-0.85, 0.85]).mean() + np.array([-0.6, 0.6]), 0.0)
    )
    assert not narrow(60, np.random.default_rng(0)).passed
