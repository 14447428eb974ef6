"""What a run, a report or the store writes can be read by its owner alone, whatever the umask."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from goalkeeper.compute.folder import SIGNATURE, UNUSED, RunFolder
from goalkeeper.compute.store import About, Store
from goalkeeper.core.evidence import AttackResult, Status
from goalkeeper.core.private import make_folder, tighten, write_text
from goalkeeper.running import Warned
from goalkeeper.running.options import Event
from goalkeeper.targets._http_ledger import Ledger, ServiceLimits, Slots
from tests.cli.inline import inline
from tests.verification.making import finish

RESULT = AttackResult(status=Status.TESTED, summary="it was")


@pytest.fixture(params=[0o000, 0o022, 0o177], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def modes(folder: Path) -> dict[int, set[str]]:
    """Map each mode to the names of the folders, with a slash, and files that have it."""
    found: dict[int, set[str]] = {}
    for path in (folder, *folder.rglob("*")):
        name = path.relative_to(folder.parent).as_posix() + ("/" if path.is_dir() else "")
        found.setdefault(mode(path), set()).add(name)
    return found


def assert_private(folder: Path) -> None:
    found = modes(folder)
    assert set(found) == {0o700, 0o600}
    assert all(name.endswith("/") for name in found[0o700])
    assert not any(name.endswith("/") for name in found[0o600])


def write_run(root: Path) -> RunFolder:
    """Write what a run writes, without running anything."""
    folder = RunFolder(root)
    with folder.locked():
        folder.save("u1", RESULT)
        folder.save("u2", RESULT)
        for name in ("run.json", "policy/rating.yaml", "assessment.json", "report.html"):
            folder.write(name, "{}")
        folder.keep_units({"u1"})
        folder.seal()
        folder.write(SIGNATURE, "signed")
    return folder


def test_a_run_folder_is_private(tmp_path: Path, umask: int) -> None:
    before = mode(tmp_path)
    write_run(tmp_path / "a" / "run")
    assert_private(tmp_path / "a" / "run")
    assert mode(tmp_path) == before


def test_a_finished_run_is_private(finished: Path) -> None:
    assert_private(finished)


def test_the_store_is_private(tmp_path: Path, umask: int) -> None:
    store = Store(tmp_path / "store", digest="d")
    store.put("key", RESULT, About(application="a"))
    with store.computing("key") as ours:
        assert ours
    assert store.entries()
    assert_private(tmp_path / "store")


def test_what_a_service_answered_is_private_even_before_the_run(tmp_path: Path, umask: int) -> None:
    folder = tmp_path / "run" / ".service"
    limits = ServiceLimits(budget=10)
    ledger = Ledger(folder, limits)
    ledger.keep([b"k" * 32], ["spam"], now=1.0)
    slots = Slots(folder, 2)
    assert slots.take() == 0
    assert_private(tmp_path / "run")
    ledger.close()
    for file in slots._files:
        file.close()
    write_run(tmp_path / "run")
    assert_private(tmp_path / "run")


def test_a_report_is_private_and_a_file_that_is_there_keeps_its_mode(
    finished: Path, tmp_path: Path, umask: int
) -> None:
    new, there = tmp_path / "new.json", tmp_path / "there.json"
    write_text(there, "old")
    there.chmod(0o640)
    for path in (new, there):
        assert inline("report", finished, "--format", "json", "-o", path).code == 0
    assert (mode(new), mode(there)) == (0o600, 0o640)
    assert new.read_text() == there.read_text()


@pytest.mark.parametrize("shared", [0o755, 0o2775, 0o1777, 0o750])
def test_the_folder_of_a_user_keeps_its_mode(tmp_path: Path, shared: int) -> None:
    root = tmp_path / "ours"
    root.mkdir()
    root.chmod(shared)
    folder = write_run(root)
    for _ in range(2):
        assert not folder.close_to_others()
        assert mode(root) == shared
    found = modes(root)
    del found[shared]
    assert set(found) == {0o700, 0o600}


def older(root: Path) -> Path:
    """Make a run look as one of an older goalkeeper, which left all to the umask."""
    write_run(root)
    for path in (root, *root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return root


def test_the_folder_of_an_older_goalkeeper_is_closed(tmp_path: Path) -> None:
    root = older(tmp_path / "run")
    assert RunFolder(root).close_to_others()
    assert_private(root)
    assert not RunFolder(root).close_to_others()


def test_what_is_not_of_the_run_is_left_as_it_is(tmp_path: Path) -> None:
    root = older(tmp_path / "run")
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (root / "notes.txt").write_text("mine")
    (root / "more").mkdir()
    (root / "more" / "notes.txt").write_text("mine")
    (root / "units" / "u3.json").symlink_to(outside)
    for path in (outside, root / "notes.txt", root / "more" / "notes.txt"):
        path.chmod(0o644)
    (root / "more").chmod(0o755)
    assert RunFolder(root).close_to_others()
    assert mode(root) == 0o755, "it holds what the user may share"
    assert mode(root / "units") == mode(root / "policy") == mode(root / UNUSED) == 0o700
    assert mode(root / "units" / "u1.json") == mode(root / "report.html") == 0o600
    for path in (outside, root / "notes.txt", root / "more" / "notes.txt"):
        assert mode(path) == 0o644
    assert mode(root / "more") == 0o755


def test_resuming_says_that_it_closed_a_folder(finished: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(finished, tmp_path / "run"))
    (root / SIGNATURE).write_text("signed")
    for path in (root, *root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    events: list[Event] = []
    finish(root, progress=events.append)
    said = [event.text for event in events if isinstance(event, Warned)]
    assert [text for text in said if "was open to other users; now only you" in text]
    assert [text for text in said if "the signature of" in text]
    assert_private(root)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="exists"):
        make_folder(tmp_path / "file")


@pytest.mark.parametrize(
    ("before", "after"), [(0o755, 0o700), (0o750, 0o700), (0o775, 0o775), (0o2755, 0o2755)]
)
def test_a_folder_is_closed_unless_it_was_set_up_for_sharing(
    tmp_path: Path, before: int, after: int
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    folder.chmod(before)
    assert tighten(folder) == (before != after)
    assert mode(folder) == after
