"""Models that end, block or flood the process: one clear message each, and the right exit code.

What merely raises or returns something odd is tried in this process, by
`tests/describe/test_misbehaviour.py`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from goalkeeper.cli.exits import Exit
from tests.cli.running import COMMAND

YAML = """\
goalkeeper: 1
name: t
classes: ['no', 'yes']
data: {file: d.csv, label: label, part: part}
model: {function: model.py:f}
needs:
  integrity: {tasks: {level: normal, reason: because of it}}
  availability: {tasks: {level: normal, reason: because of it}}
  confidentiality: {none: no damage}
  privacy: {none: no damage}
attackers: [customer]
"""
ANSWER = "    return np.where(np.asarray(x, float)[:, 0] > 0, 'yes', 'no')\n"
HEAD = "import os, sys, time, signal, threading, subprocess\nimport numpy as np\nn = 0\n"


@dataclass(frozen=True)
class Bad:
    """A misbehaviour at the n-th call, or at import, and what must be said of it."""

    id: str
    call: str = ""
    top: str = ""
    code: int = Exit.USAGE
    says: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        rows = ["a,b,label,part"]
        for k in range(160):
            a = (k * 7) % 23 - 11 or 1
            rows.append(
                f"{a},{k * 0.37 % 5:.3f},{'yes' if a > 0 else 'no'},{('train', 'test')[k % 2]}"
            )
        (folder / "d.csv").write_text("\n".join(rows) + "\n")
        body = "".join(f"    {line}\n" for line in ["global n; n += 1", *self.call.split("\n")])
        (folder / "model.py").write_text(f"{HEAD}{self.top}\ndef f(x):\n{body}{ANSWER}")
        for name, text in self.files.items():
            (folder / name).write_text(text)
        path = folder / "application.yaml"
        path.write_text(YAML)
        return path


F = "the function model.py:f"
SLOW = ("--call-time", "1")
ENDS = (
    Bad("os-exit-0", "os._exit(0)", says=(f"{F} ended the process with exit code 0", "inputs")),
    Bad("os-exit-1", "os._exit(1)", says=(f"{F} ended the process with exit code 1",)),
    Bad("import-exits", top="os._exit(0)", says=("model.function model.py ended the process",)),
    Bad("kill", "os.kill(os.getpid(), signal.SIGKILL)", says=("was killed (signal 9)", "memory")),
    Bad("segfault", "import ctypes\nctypes.string_at(0)",
        says=("crashed (segmentation fault)", "look at model.py line 8")),
    Bad("abort", "os.abort()", says=("crashed (abort)", "look at model.py line 7")),
    Bad("alarm", "signal.alarm(1)\ntime.sleep(5)", says=("signal 14 (SIGALRM)",)),
    Bad("sleep", "time.sleep(1e6)", options=SLOW,
        says=(f"{F} did not answer 112 inputs within", "--call-time", "model.py line 7")),
    Bad("busy", "while True: pass", options=SLOW, says=("did not answer 112 inputs",)),
    Bad("deadlock", "l = threading.Lock(); l.acquire(); l.acquire()", options=SLOW,
        says=("did not answer 112 inputs",)),
    Bad("import-sleeps", top="time.sleep(1e6)", options=SLOW,
        says=("model.function model.py did not end within 1 s while it was imported",)),
    Bad("grows", "a = []\nwhile True: a.append(np.ones(10**6)); time.sleep(.002)",
        options=("--memory", "900M"), says=("more than the 900 MiB of memory", "--memory")),
    Bad("interrupts-itself", "raise KeyboardInterrupt", says=(f"{F} raised KeyboardInterrupt",)),
    Bad("asks", "input('name? ')", says=(f"{F} raised EOFError",)),
)  # fmt: skip
WORKS = (
    Bad("forks", "if n == 3: os.fork()", code=0, says=("copied the process (fork)",)),
    Bad("leaves-a-process", "if n == 1: subprocess.Popen(['sleep', '1000'])", code=0,
        says=("were ended: sleep 1000",)),
    Bad("daemonises", "if n == 1 and not os.fork():\n    os.setsid(); time.sleep(1e3); os._exit(0)",
        code=0, says=("still running, and were ended",)),
    Bad("leaves-a-thread", "if n == 1: threading.Thread(target=time.sleep, args=(1e3,)).start()",
        code=0),
    Bad("pool", top="from multiprocessing import get_context\np = get_context('fork').Pool(1)",
        code=0),
    Bad("prints", "print('py'); os.write(1, b'raw\\n'); os.system('echo shell')", code=0,
        says=("py", "raw", "shell")),
    Bad("prints-from-a-thread", top="def talk():\n    while True: print('noise'); time.sleep(.01)\n"
        "threading.Thread(target=talk, daemon=True).start()", code=0, says=("noise",)),
    Bad("closes-streams", "sys.stdout.close(); sys.stderr.close()", code=0),
    Bad("changes-folder", top="os.chdir('/')", code=0),
    Bad("clears-the-path", top="sys.path.clear(); os.environ.clear()", code=0),
    Bad("takes-signals", top="signal.signal(signal.SIGINT, signal.SIG_IGN)", code=0),
    Bad("shadows", top="import random, types\nrandom.random()", code=0,
        files={"random.py": "raise ValueError", "types.py": "raise ValueError"}),
)  # fmt: skip


def ran(bad: Bad, folder: Path) -> tuple[subprocess.CompletedProcess[str], str]:
    path = bad.write(folder)
    words = [COMMAND[0], "-P", *COMMAND[1:], "check", path.name, "--json", *bad.options]
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, check=False, timeout=100,
        env={**os.environ, "COLUMNS": "100"},
    )  # fmt: skip
    return done, f"exit {done.returncode}\n{done.stdout[:300]}\n{done.stderr[:2000]}"


# One of each kind in every run of the suite: each starts Python anew. `make validate` has all. The
# test below has a model that ends its process while it answers.
FEW = {
    "import-exits",
    "segfault",
    "sleep",
    "asks",
    "forks",
    "prints",
    "shadows",
}


@pytest.mark.parametrize(
    "cases",
    [
        pytest.param(tuple(bad for bad in (*ENDS, *WORKS) if bad.id in FEW), id="few"),
        pytest.param(ENDS, id="ends", marks=pytest.mark.validation),
        pytest.param(WORKS, id="works", marks=pytest.mark.validation),
    ],
)
def test_each_misbehaviour_gives_one_clear_message(cases: tuple[Bad, ...], tmp_path: Path) -> None:
    """All of one kind at a time, two at once."""
    folders = [tmp_path / bad.id for bad in cases]
    for folder in folders:
        folder.mkdir()
    wrong = []
    with ThreadPoolExecutor(2) as pool:
        for bad, (done, said) in zip(cases, pool.map(ran, cases, folders), strict=True):
            errors = done.stderr.count("error: ")
            fits = done.returncode == bad.code and all(word in done.stderr for word in bad.says)
            if not fits or "Traceback" in done.stderr or errors != (bad.code != 0):
                wrong.append(f"{bad.id}: {said}")
            if bad.code == 0 and json.loads(done.stdout or "{}").get("usable") is not True:
                wrong.append(f"{bad.id}: {said}")
    assert "\n".join(wrong) == ""


def test_attack_runs_whose_model_dies_fail_alone_with_one_line_each(tmp_path: Path) -> None:
    """In a worker, the model ends its process; where the command runs, it does not."""
    top = "from multiprocessing import parent_process\n"
    call = "if n > 40 and parent_process() is not None: os._exit(0)"
    path = Bad("dies-later", call, top=top).write(tmp_path)
    words = ["run", path.name, "-o", "run", "--no-store", "--effort", "0.25", "--jobs", "2"]
    done = subprocess.run(
        [*COMMAND, *words, "--attack", "malformed_inputs", "--attack", "columns_from_labels"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=110,
    )  # fmt: skip
    assert done.returncode == Exit.FAILED, done.stderr[-3000:]
    assert f"{F} ended the process with exit code 0" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert (tmp_path / "run" / "report.html").exists()


def test_whoever_kills_the_command_ends_its_processes(tmp_path: Path) -> None:
    path = Bad(
        "slow", "with open('here', 'w') as f: f.write(str(os.getpid()))\ntime.sleep(100)"
    ).write(tmp_path)
    command = subprocess.Popen(
        [*COMMAND, "check", path.name], cwd=tmp_path, stderr=subprocess.DEVNULL
    )
    while command.poll() is None and not (
        (here := tmp_path / "here").exists() and here.read_text()
    ):
        time.sleep(0.02)
    child = int((tmp_path / "here").read_text())
    assert child != command.pid
    command.send_signal(signal.SIGKILL)
    command.wait()
    until = time.monotonic() + 10
    while Path(f"/proc/{child}/cmdline").exists() and time.monotonic() < until:
        if not Path(f"/proc/{child}/cmdline").read_bytes():  # it has ended, and nobody has asked
            break
        time.sleep(0.02)
    else:
        assert not Path(f"/proc/{child}").exists()


def test_an_interrupted_model_that_ignores_it_is_ended(tmp_path: Path) -> None:
    call = "open('here', 'w').write('x')\nwhile True:\n    try: time.sleep(100)\n"
    call += "    except BaseException: pass"
    path = Bad("deaf", call).write(tmp_path)
    command = subprocess.Popen(
        [*COMMAND, "check", path.name], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    while not (tmp_path / "here").exists() and command.poll() is None:
        time.sleep(0.02)
    command.send_signal(signal.SIGINT)
    time.sleep(1)
    command.send_signal(signal.SIGINT)  # the second one ends everything
    _, said = command.communicate(timeout=30)
    assert command.returncode == Exit.INTERRUPTED
    assert said.splitlines()[-1].startswith("interrupted")
