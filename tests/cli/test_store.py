"""The store and the executors, as a user types them."""

from __future__ import annotations

import errno
import json
import os
import time
from pathlib import Path

import pytest

from goalkeeper.cli import amounts
from goalkeeper.cli.exits import Exit
from goalkeeper.compute.store import About, Store
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.evidence import AttackResult, Status
from tests.cli.inline import Ended, inline
from tests.describe.writing import BASE, write_text_app

VERDICTS = {Exit.MET, Exit.NOT_MET, Exit.INCONCLUSIVE}
FEW = ("--attack", "good_words_blind", "--attack", "malformed_inputs", "--jobs", "1")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    return write_text_app(folder, BASE.replace("[outsider, customer]", "[outsider]"))


def shown(*words: str | Path) -> dict[str, object]:
    done = inline("store", *words, "--json")
    assert done.code == 0, done
    found: dict[str, object] = json.loads(done.out)
    return found


def assessment(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "assessment.json").read_text())
    return found


def run(app: Path, folder: Path, *words: str | Path) -> Ended:
    done = inline("run", app, "-o", folder, *FEW, *words)
    assert done.code in VERDICTS, done.err
    return done


# ---- a run and the store -------------------------------------------------------------------------


def test_a_second_folder_takes_from_the_store(app: Path, tmp_path: Path, own_store: Path) -> None:
    first = run(app, tmp_path / "one")
    second = run(app, tmp_path / "two")
    assert "from the store" not in first.err
    assert "from the store: 3 attack runs" in second.err
    assert "[1/" not in second.err
    assert assessment(tmp_path / "one")["goals"] == assessment(tmp_path / "two")["goals"]
    assert inline("verify", tmp_path / "two").code == 0
    found = shown()
    assert found["place"] == str(own_store)
    assert found["entries"] == 3
    assert found["applications"] == {"Small filter": {"entries": 3, "bytes": found["bytes"]}}
    assert "Small filter: 3, " in inline("store").out


def test_the_store_can_be_left_alone_or_be_another(
    app: Path, tmp_path: Path, own_store: Path
) -> None:
    run(app, tmp_path / "one", "--no-store")
    assert not own_store.exists()
    run(app, tmp_path / "two", "--store", tmp_path / "other")
    assert not own_store.exists()
    assert shown("--store", tmp_path / "other")["entries"] == 3
    assert "from the store" not in run(app, tmp_path / "three", "--no-store").err
    assert "from the store" in run(app, tmp_path / "four", "--store", tmp_path / "other").err


def test_a_damaged_entry_is_played_again(app: Path, tmp_path: Path, own_store: Path) -> None:
    run(app, tmp_path / "one")
    path, *_ = own_store.glob("results/*/*")
    path.write_bytes(path.read_bytes()[:-9])
    assert "from the store: 2 attack runs" in run(app, tmp_path / "two").err
    assert "from the store: 3 attack runs" in run(app, tmp_path / "three").err


def test_a_store_on_a_full_disk_stops_nothing(
    app: Path, tmp_path: Path, own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def full(handle: int) -> None:
        if str(own_store) in str(Path(f"/proc/self/fd/{handle}").readlink()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    monkeypatch.setattr(os, "fsync", full)
    done = run(app, tmp_path / "one")
    assert done.err.count("warning: nothing more is put into the store: the disk is full") == 1
    assert "goalkeeper store prune" in done.err
    assert assessment(tmp_path / "one")["complete"] is True


# ---- keeping house -------------------------------------------------------------------------------


def fill(root: Path, ages: list[float]) -> None:
    """Put entries that were last used so many days ago."""
    store = Store(root)
    for i, days in enumerate(ages):
        store.put(f"u{i}", AttackResult(status=Status.TESTED), About(application="a"))
        when = time.time() - days * 86400
        os.utime(store._path("results", f"u{i}"), (when, when))


def test_prune_by_age_and_by_size(own_store: Path) -> None:
    fill(own_store, [40, 31, 29, 1])
    found = shown("prune", "--older", "30d")
    assert (found["removed"]["entries"], found["entries"]) == (2, 2)  # type: ignore[index]
    found = shown("prune", "--larger", str(found["bytes"] - 1))  # type: ignore[operator]
    assert (found["removed"]["entries"], found["entries"]) == (1, 1)  # type: ignore[index]
    assert "removed: 1, " in inline("store", "prune", "--larger", "1").out


def test_check_names_what_is_damaged(own_store: Path) -> None:
    fill(own_store, [1, 2])
    assert "all hashes are correct" in inline("store", "check").out
    path = next(own_store.glob("results/*/*"))
    path.write_bytes(b"#" + path.read_bytes())
    done = inline("store", "check", "--json")
    assert done.code == Exit.NOT_MET
    assert json.loads(done.out)["damaged"] == [path.relative_to(own_store).as_posix()]
    assert inline("store", "check").code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("prune",), "store prune needs a criterion"),
        (("prune", "--older", "soon"), "e.g. 90s, 10m, 2h, 30d"),
        (("prune", "--larger", "-1G"), "e.g. 500M, 4G"),
        (("check", "--older", "3d"), "does not take --older"),
        (("burn",), "burn"),
    ],
)
def test_store_says_what_it_does_not_understand(words: tuple[str, ...], says: str) -> None:
    done = inline("store", *words)
    assert done.code == Exit.USAGE
    assert says in done.err


@pytest.mark.parametrize(
    ("text", "amount"), [("90", 90), ("45s", 45), ("1.5m", 90), ("2h", 7200), ("30d", 2592000)]
)
def test_times_are_read(text: str, amount: float) -> None:
    assert amounts.parse_seconds(text, "--time") == amount


@pytest.mark.parametrize(("text", "amount"), [("7", 7), ("2K", 2048), ("1.5G", 1.5 * 2**30)])
def test_sizes_are_read_and_written(text: str, amount: float) -> None:
    assert amounts.parse_size(text, "--larger") == amount


@pytest.mark.parametrize("text", ["0", "-3s", "inf", "nan", "x", "s", "3G"])
def test_no_other_times_are_read(text: str) -> None:
    with pytest.raises(DescriptionError, match="--time"):
        amounts.parse_seconds(text, "--time")


def test_sizes_are_written_for_people() -> None:
    assert [amounts.format_size(n) for n in (0, 1023, 1536, 2**31)] == [
        "0 B",
        "1023 B",
        "1.5 KiB",
        "2 GiB",
    ]


# ---- executors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--executor", "dusk"), "one of inline, local, dask"),
        (("--executor", "inline", "--unit-time", "1m"), "cannot enforce a limit"),
        (("--scheduler", "tcp://far:1", "--executor", "local"), "has no scheduler"),
        (("--unit-memory", "much"), "e.g. 500M, 4G"),
    ],
)
def test_run_says_what_does_not_fit(
    words: tuple[str, ...], says: str, app: Path, tmp_path: Path
) -> None:
    done = inline("run", app, "-o", tmp_path / "r", *words)
    assert done.code == Exit.USAGE
    assert says in done.err


def test_a_play_over_its_limit_is_seen_in_exit_code_and_text(app: Path, tmp_path: Path) -> None:
    words = ("--attack", "good_words_blind", "--unit-memory", "1M")
    done = inline("run", app, "-o", tmp_path / "r", *words)
    assert done.code == Exit.FAILED, done.err
    assert "failed: good_words_blind by outsider: took more than the 1 MiB" in done.out
    assert "--unit-memory" in done.out


def test_doctor_tells_machine_executors_and_extras(own_store: Path) -> None:
    done = inline("doctor", "--json")
    found = json.loads(done.out)
    assert found["executors"] == "inline, local, dask"
    assert found["distributed"] == "installed"
    assert found["store"] == str(own_store)
    assert found["devices"].startswith("cpu")
    assert "usable" in found["cores"]
    assert "GiB" in found["memory"]
