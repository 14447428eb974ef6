"""Every file that runs code is refused by the reader, and none is called clean."""

from __future__ import annotations

from pathlib import Path

import pytest

from goalkeeper.opening import Refused, Unreadable, load, scan
from tests.opening.payloads import payloads

LEAST = 60
NOT_KNOWN_TO_ANYBODY = {"some_new_package.run"}


@pytest.mark.requirement("S24")
def test_no_payload_is_loaded_or_called_clean(tmp_path: Path) -> None:
    """All in one test: it is a figure, 0 of at least 60 kinds."""
    marker = tmp_path / "inside" / "marker"
    marker.parent.mkdir()
    missed, soft = [], []
    files = payloads(marker)
    for payload in files:
        verdict = scan(payload.content).verdict
        if verdict == "clean":
            missed.append(f"{payload.name} is called clean")
        if verdict != "unsafe":
            soft.append(payload.name)
        try:
            load(payload.content)
            missed.append(f"{payload.name} is loaded")
        except (Refused, Unreadable):
            pass
        if list(marker.parent.iterdir()):
            missed.append(f"{payload.name} ran")
            break
    assert missed == []
    assert len({payload.name for payload in files}) == len(files) >= LEAST
    assert set(soft) <= NOT_KNOWN_TO_ANYBODY


def test_a_name_of_the_users_own_does_not_open_the_door(tmp_path: Path) -> None:
    """Dangerous names stay refused when they are added to the list."""
    marker = tmp_path / "marker"
    added = ("os.system", "posix.system", "posix.mkdir", "os.mkdir", "subprocess.Popen",
             "builtins.eval", "builtins.getattr", "sklearn.base.inspect.os.system")  # fmt: skip
    for payload in payloads(marker):
        with pytest.raises((Refused, Unreadable)):
            load(payload.content, added)
        assert scan(payload.content, trusted=added).verdict != "clean", payload.name
    assert not marker.exists()
