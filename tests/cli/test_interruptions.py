"""Runs that are stopped, disturbed or damaged: nothing computed is lost, nothing is mixed up."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from goalkeeper.cli.exits import Exit
from goalkeeper.compute.folder import UNUSED
from tests.cli.inline import inline
from tests.cli.running import COMMAND
from tests.describe.writing import BASE, write_text_app

VERDICTS = {Exit.MET, Exit.NOT_MET, Exit.INCONCLUSIVE}
FEW = ("--attack", "good_words_blind", "--attack", "malformed_inputs", "--attack", "label_flips")
MORE = ("--attack", "loss_threshold", "--attack", "word_edits")
SLOW = """\
import time
from pathlib import Path

import numpy as np

PACE = Path(__file__).with_name("pace.txt")  # seconds an answer takes; no part of the description

def build(x, y, seed):
    return answer

def answer(x):
    time.sleep(float(PACE.read_text()))
    return np.array(["offer" in text or "click" in text for text in x]).astype(int)
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """The small filter with one attacker."""
    folder = tmp_path / "app"
    folder.mkdir()
    return write_text_app(folder, BASE.replace("[outsider, customer]", "[outsider]"))


@pytest.fixture
def slow(app: Path) -> Path:
    """The same with a model that can be made slow."""
    (app.parent / "filter.py").write_text(SLOW)
    pace(app, 0.0)
    return app


def pace(app: Path, seconds: float) -> None:
    (app.parent / "pace.txt").write_text(str(seconds))


def written(folder: Path) -> dict[str, int]:
    """Tell when each result was written."""
    return {p.name: p.stat().st_mtime_ns for p in folder.glob("units/*.json")}


def processes(session: int) -> list[int]:
    """List the processes of a session that are alive."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:  # it has just ended
            continue
        if int(its) == session and state != "Z":
            found.append(int(stat.parent.name))
    return found


@contextmanager
def started(app: Path, folder: Path, jobs: str) -> Iterator[subprocess.Popen[str]]:
    """Start a run in a session of its own, and wait for its first results."""
    words = [*COMMAND, "run", str(app), "-o", str(folder), "--jobs", jobs, *FEW]
    process = subprocess.Popen(
        words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        until = time.monotonic() + 60
        while process.poll() is None and not written(folder) and time.monotonic() < until:
            time.sleep(0.02)
        yield process
    finally:
        for left in processes(process.pid):
            os.kill(left, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize(
    ("number", "jobs"), [(signal.SIGINT, "1"), (signal.SIGINT, "2"), (signal.SIGTERM, "2")]
)
def test_a_signal_keeps_the_plays_ends_the_workers_and_can_be_resumed(
    number: signal.Signals, jobs: str, slow: Path, tmp_path: Path
) -> None:
    """One job runs in the process of the command; two have worker processes."""
    folder = tmp_path / "r"
    pace(slow, 0.03)
    with started(slow, folder, jobs) as process:
        second = inline("run", slow, "-o", folder, *FEW)
        assert second.code == Exit.USAGE
        assert "another goalkeeper is running" in second.err
        if number is signal.SIGINT:  # a terminal sends it to every process
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        _, said = process.communicate(timeout=30)
        until = time.monotonic() + 10
        while processes(process.pid) and time.monotonic() < until:
            time.sleep(0.02)
        assert processes(process.pid) == []
    assert process.returncode == Exit.INTERRUPTED, said
    kept = written(folder)
    assert kept
    assert f"interrupted: {len(kept)} attack runs are kept. Resume with: goalkeeper run" in said
    assert f"--jobs {jobs}" in said
    assert "Traceback" not in said
    pace(slow, 0.0)
    done = inline("run", slow, "-o", folder, "--jobs", "1", *FEW)
    assert done.code in VERDICTS, done.err
    assert f"resuming: {len(kept)} attack run" in done.err
    now = written(folder)
    assert {name: now[name] for name in kept} == kept
    assert inline("verify", folder).code == 0


def test_ctrl_c_while_the_workers_start_leaves_no_traceback(slow: Path, tmp_path: Path) -> None:
    words = [*COMMAND, "run", str(slow), "-o", str(tmp_path / "r"), "--jobs", "2"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while process.poll() is None and not (tmp_path / "r" / "run.json").exists():
        time.sleep(0.01)
    pace(slow, 0.2)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == Exit.INTERRUPTED, said
    assert "Traceback" not in said


def test_a_full_disk_in_the_middle_can_be_resumed(
    app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, sync, calls = tmp_path / "r", os.fsync, []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) > 6:  # run.json, two policy files, some attack runs
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    monkeypatch.setattr(os, "fsync", full)
    words = ("run", app, "-o", folder, "--jobs", "1", "--no-store", *FEW, *MORE)
    done = inline(*words)
    monkeypatch.undo()
    assert done.code == Exit.INTERRUPTED, done.err
    assert "the disk is full" in done.err
    assert "run the same command again" in done.err
    kept = written(folder)
    assert len(kept) == 3
    assert not list(folder.rglob(".tmp-*"))
    again = inline(*words)
    assert again.code in VERDICTS, again.err
    assert {name: written(folder)[name] for name in kept} == kept
    assert inline("verify", folder).code == 0


def test_only_what_is_damaged_is_played_again(app: Path, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    words = ("run", app, "-o", folder, "--jobs", "1", *FEW, *MORE)
    first = inline(*words)
    assert first.code in VERDICTS, first.err
    before, (cut, odd, *_) = written(folder), sorted((folder / "units").iterdir())
    cut.write_bytes(cut.read_bytes()[:-20])
    odd.write_bytes(b"\xff\x00")
    (folder / "run.json").write_text("{")
    (folder / "units" / ".tmp-left").write_text("by a run that was killed")
    assert inline("verify", folder).code == Exit.NOT_MET
    assert inline("show", folder).code == 0
    again = inline(*words)
    assert again.code == first.code
    assert f"resuming: {len(before) - 2} attack run" in again.err
    after = written(folder)
    assert {n for n in before if after[n] != before[n]} == {cut.name, odd.name}
    assert json.loads((folder / "run.json").read_text())["file"] == str(app)
    assert inline("verify", folder).code == 0


def test_plays_of_a_changed_application_are_not_mixed_in(app: Path, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    words = ("run", app, "-o", folder, "--jobs", "1", "--attack", "good_words_blind")
    assert inline(*words).code in VERDICTS
    before = written(folder)
    code = app.parent / "filter.py"
    code.write_text(code.read_text().replace("MultinomialNB()", "MultinomialNB(alpha=0.3)"))
    again = inline(*words)
    assert "already done" not in again.err
    assessment = json.loads((folder / "assessment.json").read_text())
    named = {f"{e['unit']}.json" for e in assessment["evidence"] if e["unit"]}
    assert named
    assert named.isdisjoint(before)
    assert set(written(folder)) == named
    assert set(before) == {path.name for path in (folder / UNUSED).iterdir()}
    assert inline("verify", folder).code == 0
    (folder / "policy" / "rating.yaml").write_text("{")
    damaged = inline("verify", folder)
    assert damaged.code == Exit.NOT_MET
    assert "policy/rating.yaml: changed since the run" in damaged.out


def test_a_reader_that_leaves_is_no_verdict(app: Path, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    options = ["--attack", "good_words_blind", "--jobs", "1"]
    words = [*COMMAND, "run", str(app), "-o", str(tmp_path / "r"), *options]
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert done.returncode == Exit.INTERRUPTED
    assert "Traceback" not in done.stderr
    assert (tmp_path / "r" / "assessment.json").exists()
