"""The store: what comes out is what went in, or nothing."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from goalkeeper.compute import versions
from goalkeeper.compute.files import DiskFull, held
from goalkeeper.compute.index import FILE
from goalkeeper.compute.store import VARIABLE, About, Store, default_root
from goalkeeper.core.errors import DataError, StoreError
from goalkeeper.core.evidence import AttackResult, Measurement, Status

PLAYED = AttackResult(
    status=Status.TESTED,
    summary="it was",
    measurements=(Measurement(metric="m", value=1, low=0, high=float("inf"), baseline=0, n=3),),
)
ABOUT = About(application="filter", attack="guess")
MANY = """
import sys
from pathlib import Path
from goalkeeper.compute.store import About, Store
from goalkeeper.core.evidence import AttackResult, Status
store = Store(Path(sys.argv[1]), digest="v1")
for i in range(60):
    store.put(f"u{i}", AttackResult(status=Status.TESTED, summary="x" * 5000), About())
    assert store.get(f"u{(i * 7) % (i + 1)}") is not None
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", digest="v1")


def files(store: Store) -> list[Path]:
    return [p for p in store.root.glob("*/*/*") if p.is_file()]


def used(store: Store, key: str, when: float) -> None:
    """Put an entry that was last used at a time."""
    store.put(key, PLAYED, ABOUT)
    os.utime(store._path("results", key), (when, when))


# ---- plays ---------------------------------------------------------------------------------------


def test_what_was_put_comes_back_equal(store: Store) -> None:
    assert store.get("u1") is None
    store.put("u1", PLAYED, ABOUT)
    assert store.get("u1") == PLAYED
    assert store.get("u2") is None
    assert Store(store.root, digest="v1").get("u1") == PLAYED


def test_a_new_version_is_never_served_an_old_play(store: Store) -> None:
    store.put("u1", PLAYED, ABOUT)
    assert Store(store.root, digest="v2").get("u1") is None


def test_plays_that_failed_or_were_cut_short_are_not_kept(store: Store) -> None:
    store.put("u1", AttackResult(status=Status.FAILED_TO_RUN), ABOUT)
    store.put("u1", PLAYED.model_copy(update={"limited": True}), ABOUT)
    assert store.get("u1") is None
    assert store.entries() == []


def test_each_damaged_byte_is_noticed_and_the_entry_dropped(store: Store) -> None:
    store.put("u1", PLAYED, ABOUT)
    (path,) = files(store)
    content = path.read_bytes()
    for position in range(0, len(content), 5):
        path.write_bytes(content[:position] + b"#" + content[position + 1 :])
        assert store.get("u1") is None, f"byte {position} can be changed unnoticed"
        assert not path.exists()
    path.write_bytes(content[: len(content) // 2])
    assert store.get("u1") is None
    store.put("u1", PLAYED, ABOUT)
    assert store.get("u1") == PLAYED


def test_an_entry_under_a_wrong_name_is_dropped(store: Store) -> None:
    store.put("u1", PLAYED, ABOUT)
    (path,) = files(store)
    other = store._path("results", "u2")
    other.parent.mkdir(exist_ok=True)
    path.rename(other)
    assert store.get("u2") is None


def test_others_cannot_read_what_may_show_records(store: Store) -> None:
    store.put("u1", PLAYED, ABOUT)
    assert stat.S_IMODE(store.root.stat().st_mode) == 0o700
    assert [stat.S_IMODE(p.stat().st_mode) for p in files(store)] == [0o600]


def test_a_full_disk_is_told_and_harms_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("u1", PLAYED, ABOUT)

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull, match="goalkeeper store prune"):
        store.put("u2", PLAYED, ABOUT)
    monkeypatch.undo()
    assert store.get("u1") == PLAYED
    assert store.get("u2") is None
    assert len([p for p in store.root.rglob("*") if p.is_file() and p.name != ".lock"]) == 1


def test_a_place_that_cannot_be_a_store_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "store", digest="v1")
    assert store.get("u1") is None
    assert store.entries() == []
    with pytest.raises(StoreError, match="--no-store"):
        store.put("u1", PLAYED, ABOUT)


def test_writers_do_not_hurt_each_other_while_one_prunes(store: Store) -> None:
    words = [sys.executable, "-c", MANY, str(store.root)]
    writers = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    while any(writer.poll() is None for writer in writers):
        store.prune(unused_since=time.time() - 3600)  # sweeps; removes nothing
    for writer in writers:
        _, said = writer.communicate()
        assert writer.returncode == 0, said
    assert len(store.entries()) == 60
    assert store.check() == []


def test_a_prune_waits_for_those_who_write(store: Store) -> None:
    store.put("u1", PLAYED, ABOUT)
    pruned = threading.Thread(target=store.prune, kwargs={"largest": 0})
    with held(store.root, shared=True):
        pruned.start()
        pruned.join(timeout=0.3)
        assert pruned.is_alive()
        assert store.get("u1") == PLAYED
    pruned.join(timeout=10)
    assert store.get("u1") is None


# ---- arrays --------------------------------------------------------------------------------------


def test_arrays_come_back_bit_for_bit(store: Store) -> None:
    arrays: dict[str, NDArray[Any]] = {
        "weights": np.random.default_rng(0).normal(size=(3, 4, 2)),
        "file": np.arange(3, dtype=np.uint8),
        "names": np.array(["a", "bc"]),
        "nothing": np.zeros((0, 7), dtype=np.float32),
    }
    assert store.get_arrays("k") is None
    store.put_arrays("k", arrays, ABOUT)
    found = store.get_arrays("k")
    assert found is not None
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    assert store.get("k") is None, "a play and arrays of one key are two things"


def test_damaged_arrays_are_none(store: Store) -> None:
    store.put_arrays("k", {"a": np.arange(100.0)})
    (path,) = files(store)
    content = bytearray(path.read_bytes())
    content[-400] ^= 1
    path.write_bytes(content)
    assert store.get_arrays("k") is None


def test_objects_are_refused(store: Store) -> None:
    with pytest.raises(DataError, match="array b holds Python objects"):
        store.put_arrays("k", {"a": np.ones(2), "b": np.array([{}, []], dtype=object)})
    assert store.get_arrays("k") is None


# ---- keeping house -------------------------------------------------------------------------------


def test_entries_tell_size_use_and_whose_they_are(store: Store) -> None:
    used(store, "old", 1000.0)
    used(store, "new", 2000.0)
    old, new = store.entries()
    assert (old.used, new.used) == (1000.0, 2000.0)
    assert (old.application, old.attack) == ("filter", "guess")
    assert old.size == (store.root / old.name).stat().st_size
    store.get("old")
    assert store.entries()[-1].name == old.name, "reading is using"


@pytest.mark.parametrize("damage", ["missing", "not a database", "another table", "a folder"])
def test_the_index_is_made_again(store: Store, damage: str) -> None:
    used(store, "u1", 1000.0)
    expected = store.entries()
    index = store.root / FILE
    assert index.is_file()
    index.unlink()
    if damage == "not a database":
        index.write_bytes(b"SQLite format 3\\0" + b"#" * 4000)
    elif damage == "another table":
        with sqlite3.connect(index) as base:
            base.execute("CREATE TABLE entries (other TEXT)")
        base.close()
    elif damage == "a folder":
        index.mkdir()
    assert store.entries() == expected
    assert store.get("u1") == PLAYED


def test_an_index_that_is_behind_catches_up(store: Store) -> None:
    used(store, "u1", 1000.0)
    used(store, "u2", 2000.0)
    first, _ = store.entries()
    (store.root / first.name).unlink()
    used(store, "u3", 3000.0)
    assert [e.used for e in store.entries()] == [2000.0, 3000.0]


def test_prune_removes_the_old_then_the_longest_unused(store: Store) -> None:
    for i in range(6):
        used(store, f"u{i}", 1000.0 * (i + 1))
    size = store.entries()[0].size
    (store.root / "results" / ".tmp-left").write_text("by a run that was killed")
    removed = store.prune(unused_since=2500.0, largest=2.5 * size)
    assert [e.used for e in removed] == [1000.0, 2000.0, 3000.0, 4000.0]
    assert [e.used for e in store.entries()] == [5000.0, 6000.0]
    assert not list(store.root.rglob(".tmp-*"))
    assert Store(store.root / "nowhere", digest="v1").prune(largest=0) == []


def test_check_finds_and_removes_damage(store: Store) -> None:
    store.put("u1", PLAYED, ABOUT)
    store.put_arrays("k", {"a": np.ones(3)})
    assert store.check() == []
    path = store._path("arrays", "k")
    path.write_bytes(path.read_bytes() + b" ")
    assert store.check() == [path.relative_to(store.root).as_posix()]
    assert store.check() == []
    assert store.get("u1") == PLAYED


# ---- where, and for which versions ---------------------------------------------------------------


def test_the_default_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "mine"))
    assert default_root() == tmp_path / "mine"
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert default_root().name == "goalkeeper"
    assert not default_root().exists()


def test_source_and_each_version_decide_the_digest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def digest() -> str:
        return versions.digest.__wrapped__()

    usual = digest()
    assert usual == digest() == versions.digest()
    found = versions._version
    for package in ("numpy", "scipy", "scikit-learn", "torch"):
        with monkeypatch.context() as patch:
            patch.setattr(versions, "_version", lambda p, n=package: "0.0" if p == n else found(p))
            assert digest() != usual, package
    (tmp_path / "a.py").write_text("x = 1")
    monkeypatch.setattr(versions, "_files", lambda name: [tmp_path / "a.py"])
    first = digest()
    (tmp_path / "a.py").write_text("x = 2")
    assert digest() != first


# ---- places that cannot be changed ---------------------------------------------------------------


def unchangeable(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let what changes files fail as on a read-only file system (a test may run as root)."""

    def refused(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    for name in names:
        monkeypatch.setattr(Path, name, refused)


def test_a_store_that_cannot_be_changed_is_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("u1", PLAYED, ABOUT)
    store.put("u2", PLAYED, ABOUT)
    damaged = store._path("results", "u2")
    damaged.write_bytes(damaged.read_bytes()[:40])
    unchangeable(monkeypatch, "unlink")
    assert store.get("u1") == PLAYED
    assert store.get("u2") is None
    assert len(store.entries()) == 2
    with pytest.raises(StoreError, match="1 entries are damaged, and are never used; nothing can"):
        store.check()
    with pytest.raises(StoreError, match=r"nothing can be removed .*Read-only .*make it writable"):
        store.prune(largest=0)


def test_what_cannot_be_read_is_not_there(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put("u1", PLAYED, ABOUT)
    with monkeypatch.context() as patch:
        unchangeable(patch, "read_bytes")
        assert store.get("u1") is None
    assert store.get("u1") == PLAYED, "it is left to those who can read it"


def test_what_is_being_computed_is_claimed_by_one(tmp_path: Path) -> None:
    one, other = Store(tmp_path), Store(tmp_path)
    with one.computing("a") as ours:
        assert ours
        with other.computing("a", wait=False) as theirs:
            assert not theirs
        with other.computing("b", wait=False) as theirs:
            assert theirs
    with other.computing("a", wait=False) as theirs:
        assert theirs
    assert not one.entries()


def test_where_nothing_can_be_claimed_everybody_computes(tmp_path: Path) -> None:
    (tmp_path / "claims").write_text("a file where a folder should be")
    with Store(tmp_path).computing("a") as one, Store(tmp_path).computing("a") as other:
        assert one
        assert other
