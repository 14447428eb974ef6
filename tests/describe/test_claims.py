"""What an application claims of the people in its data."""

from __future__ import annotations

from pathlib import Path

import pytest

from goalkeeper.core.errors import DescriptionError
from goalkeeper.describe import load
from tests.describe.writing import BASE, line_of, write_text_app


@pytest.mark.requirement("S39")
def test_the_grade_of_protection_can_be_said(tmp_path: Path) -> None:
    assert load(write_text_app(tmp_path)).claims == ""
    for grade in ("anonymity", "pseudonymity"):
        text = BASE + f"privacy: {{claims: {grade}}}\n"
        assert load(write_text_app(tmp_path, text)).claims == grade


def test_another_grade_is_refused_with_the_choices(tmp_path: Path) -> None:
    text = BASE + "privacy:\n  claims: secrecy\n"
    with pytest.raises(DescriptionError) as caught:
        load(write_text_app(tmp_path, text))
    error = caught.value
    assert error.where.endswith(f":{line_of(text, 'claims: secrecy')}")
    assert error.key == "privacy.claims"
    assert "anonymity" in error.expected
    assert "pseudonymity" in error.expected
