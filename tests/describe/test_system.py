"""What an application file says of the system around the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from goalkeeper.core.errors import DescriptionError
from goalkeeper.describe import load
from tests.describe.writing import BASE, line_of, write_text_app

RULES = """\
def react(label, scores):
    if scores is not None and max(scores.values()) < 0.6:
        return "rejected"
    return {"ham": "inbox", "spam": "delete"}[label]

limit = 3
"""


def described(folder: Path, system: str) -> Path:
    path = write_text_app(folder, BASE + system)
    (folder / "rules.py").write_text(RULES, encoding="utf-8")
    return path


@pytest.mark.requirement("S25", "S26", "S31")
def test_every_key_reaches_the_application(tmp_path: Path) -> None:
    said = "system: {channel: signed, missing: inbox, validates: true, adapter: rules.py:react}\n"
    app = load(described(tmp_path, said))
    wiring = app.wiring
    assert (wiring.channel, wiring.missing, wiring.validates) == ("signed", "inbox", True)
    assert wiring.reactions == {"ham": "inbox", "spam": "spam folder"}
    assert wiring.adapter is not None
    assert wiring.adapter("spam", {"ham": 0.2, "spam": 0.8}) == "delete"
    assert wiring.adapter("ham", {"ham": 0.55, "spam": 0.45}) == "rejected"
    assert "rules.py" in app.hashes


def test_what_is_not_said_is_not_assumed(tmp_path: Path) -> None:
    for said in ("", "system: {}\n"):
        wiring = load(described(tmp_path, said)).wiring
        assert (wiring.channel, wiring.missing, wiring.validates) == ("", "stops", False)
        assert wiring.adapter is None


@pytest.mark.parametrize("kind", ["none", "signed", "replay-protected", "in-process"])
def test_every_channel_can_be_said(kind: str, tmp_path: Path) -> None:
    assert load(described(tmp_path, f"system: {{channel: {kind}}}\n")).wiring.channel == kind


def test_what_decides_results_changes_the_fingerprint(tmp_path: Path) -> None:
    """A rating of one system is not taken for that of another; nor after the rule has changed."""
    lines = (
        "",
        "system: {channel: none}\n",
        "system: {missing: inbox}\n",
        "system: {validates: true}\n",
        "system: {adapter: rules.py:react}\n",
    )
    found = [load(described(tmp_path, line)).fingerprint for line in lines]
    path = described(tmp_path, lines[-1])
    (tmp_path / "rules.py").write_text(RULES.replace("0.6", "0.7"), encoding="utf-8")
    found.append(load(path).fingerprint)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("line", "key", "said"),
    [
        ("  channel: encrypted", "system.channel", "replay-protected"),
        ("  validates: perhaps", "system.validates", "true or false"),
        ("  adapter: rules.py:reaction", "system.adapter", "reaction"),
        ("  adapter: other.py:react", "system.adapter", "other.py"),
        ("  adapter: rules.py:limit", "system.adapter", "limit"),
        ("  adaptor: rules.py:react", "system.adaptor", "adapter"),
    ],
)
def test_errors_name_the_line_and_what_is_possible(
    line: str, key: str, said: str, tmp_path: Path
) -> None:
    text = f"system:\n{line}\n"
    with pytest.raises(DescriptionError) as caught:
        load(described(tmp_path, text))
    error = caught.value
    assert error.where.endswith(f":{line_of(BASE + text, line.strip())}")
    assert error.key == key
    assert said in str(error)
