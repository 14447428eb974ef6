from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from goalkeeper.compute.folder import RunFolder
from goalkeeper.core.errors import StoreError
from goalkeeper.core.evidence import AttackResult, Measurement, Status

PLAYED = AttackResult(
    status=Status.TESTED,
    summary="it was",
    measurements=(Measurement(metric="m", value=1, low=0, high=float("inf"), baseline=0, n=3),),
)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "run")
    made.create()
    return made


def test_a_saved_play_comes_back_equal(folder: RunFolder) -> None:
    folder.save("u1", PLAYED)
    assert folder.load("u1") == PLAYED
    assert folder.load("u2") is None


def test_a_damaged_play_is_played_again(folder: RunFolder) -> None:
    folder.save("u1", PLAYED)
    path = folder.root / "units" / "u1.json"
    content = path.read_bytes()
    for position in range(0, len(content), 7):
        path.write_bytes(content[:position] + b"#" + content[position + 1 :])
        assert folder.load("u1") is None, f"byte {position} can be changed unnoticed"


def test_a_full_disk_is_said_clearly_and_keeps_what_was_there(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.save("u1", PLAYED)

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"disk is full.*run the same command again"):
        folder.save("u1", AttackResult(status=Status.NOT_TESTED))
    monkeypatch.undo()
    assert folder.load("u1") == PLAYED
    assert [p.name for p in (folder.root / "units").iterdir()] == ["u1.json"]


def test_two_runs_cannot_hold_one_folder(folder: RunFolder) -> None:
    with folder.locked(), pytest.raises(StoreError, match="another goalkeeper"):
        RunFolder(folder.root).locked().__enter__()
    with folder.locked():
        pass


def test_a_folder_that_is_no_run_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="goalkeeper run FILE -o DIR"):
        RunFolder(tmp_path).read("assessment.json")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="choose another"):
        RunFolder(tmp_path / "file").create()
