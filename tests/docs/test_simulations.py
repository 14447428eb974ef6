"""The page on statistics is read from the table of validation, and every interval is in it."""

from __future__ import annotations

import re

from tests.docs.pages import DOCS, REFERENCE, read, script

PAGE = read(REFERENCE / "statistics.md")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if "`goalkeeper.stats." in line
]


def test_every_interval_has_a_source_and_simulations() -> None:
    assert len(ROWS) == len(script("simulations").INTERVALS)
    for _, _, why, source, covered in ROWS:
        assert len(why) > 20
        assert re.search(r"\((?:18|19|20)\d\d\)", source), source
        assert re.fullmatch(r"[\d.]+% to [\d.]+% \(\d+ settings\)", covered), covered


def test_every_simulated_interval_is_used_by_a_row() -> None:
    """Rows of validation that no interval claims are means and combinations, and are named here."""
    simulations = script("simulations")
    begins = tuple(b for _, _, words in simulations.INTERVALS.values() for b in words)
    others = {r for r in simulations.measured_coverage() if not r.startswith(begins)}
    combined = ("mean", "difference of differences", "AUC of 20 groups", "median of")
    assert not {r for r in others if not r.startswith((*combined, "empirical epsilon"))}


def test_the_figures_are_those_of_the_page_on_validation() -> None:
    validation = (DOCS / "validation.md").read_text("utf-8")
    for row in ROWS:
        for share in re.findall(r"([\d.]+%) to|to ([\d.]+%)", row[4]):
            assert f"| {''.join(share)}; lower bound" in validation
